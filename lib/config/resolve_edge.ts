/**
 * From what the file says of the tunnel's edge to what holds.
 *
 * @module
 */
import type { AgentConfig, EdgeConfig } from "./config.ts";
import { EDGE_DEFAULTS } from "./defaults.ts";
import { edgeAddresses, type ListenerSource, takesVisitors } from "./inherit.ts";
import type { AgentTable, EdgeTable, FileTable } from "./schema.ts";

/** Resolves `[edge]`. */
export function resolveEdge(
  table: EdgeTable,
  file: FileTable,
  sources: readonly ListenerSource[],
): EdgeConfig {
  const edge = { ...EDGE_DEFAULTS, ...table };
  return {
    domain: edge.domain,
    ...edge.listen_port !== undefined && { port: edge.listen_port },
    addresses: edgeAddresses(table, file),
    listeners: sources.filter((source) => takesVisitors(source, table)).map(({ name }) => name),
    ports: edge.tcp_ports ?? [],
    ...edge.certificate !== undefined && edge.private_key !== undefined && {
      certificate: { certificate: edge.certificate, privateKey: edge.private_key },
    },
    ...edge.state_dir !== undefined && { stateDir: edge.state_dir },
    insecure: edge.insecure,
    gracePeriod: edge.grace_period,
    agents: Object.entries(edge.agents ?? {}).map(([id, agent]) => resolveAgent(id, agent)),
  };
}

function resolveAgent(id: string, agent: AgentTable): AgentConfig {
  return {
    id,
    tokenHashes: agent.token_sha256,
    names: [...new Set(agent.names)],
    ...agent.ports && { ports: agent.ports },
    ...agent.max_connections !== undefined && { maxConnections: agent.max_connections },
    ...agent.max_bandwidth !== undefined && { maxBandwidth: agent.max_bandwidth },
    maxNames: agent.max_names ?? EDGE_DEFAULTS.max_names,
  };
}
