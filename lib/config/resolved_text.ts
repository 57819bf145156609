/**
 * A resolved configuration as TOML that says everything: `sluice check` prints it.
 *
 * @module
 */
import type { Acl } from "../acl.ts";
import { formatAddress, formatHostPort } from "../addr.ts";
import type {
  AgentConfig,
  Config,
  EchConfig,
  EdgeConfig,
  Pool,
  Route,
  TcpListenerConfig,
  UdpListenerConfig,
  UdpRoute,
} from "./config.ts";
import { ENTRY_DEFAULTS } from "./defaults.ts";
import { formatDuration } from "./duration.ts";
import { type Joined, joined } from "./joined.ts";
import { formatPorts } from "./port_ranges.ts";
import { formatKey, quoteText } from "./problem.ts";
import { isOnBoth } from "./protocols.ts";
import { formatSize } from "./size.ts";

/** Stands for a private key: what is printed gets shown around. */
const HIDDEN = "not shown";

/**
 * Writes a configuration so that it can be read, by people and, where it has no private keys, by `loadConfig`;
 * every default is filled in.
 */
export function resolvedText(config: Config): string {
  const top = table([], {
    tcp_max_connections: config.maxConnections,
    udp_max_connections: config.maxFlows,
    drain_timeout: formatDuration(config.drainTimeout),
    engine: config.engine,
    threads: config.threads,
    admin_address: config.admin && formatAddress(config.admin),
    dns_cache_min_ttl: formatDuration(config.dns.minTtl),
    dns_cache_max_ttl: formatDuration(config.dns.maxTtl),
  });
  return [
    top,
    ...edgeTables(config.edge),
    ...joined(config.tcp, config.udp).flatMap(listenerTables),
  ].join("\n");
}

function edgeTables(edge: EdgeConfig | undefined): readonly string[] {
  if (edge === undefined) return [];
  const { addresses, certificate, ports } = edge;
  return [
    table(["edge"], {
      domain: edge.domain,
      listen_port: edge.port,
      listen_address_v4: orNothing(ofFamily(addresses, 4)),
      listen_address_v6: orNothing(ofFamily(addresses, 6)),
      listeners: orNothing(edge.listeners),
      tcp_ports: ports.length > 0 ? formatPorts(ports) : undefined,
      certificate: certificate?.certificate,
      private_key: certificate?.privateKey,
      state_dir: edge.stateDir,
      insecure: edge.insecure,
      grace_period: formatDuration(edge.gracePeriod),
    }),
    ...edge.agents.map(agentTable),
  ];
}

function agentTable(agent: AgentConfig): string {
  return table(["edge", "agents", agent.id], {
    token_sha256: agent.tokenHashes,
    names: orNothing(agent.names),
    ports: agent.ports && formatPorts(agent.ports),
    max_connections: agent.maxConnections,
    max_bandwidth: agent.maxBandwidth === undefined ? undefined : formatSize(agent.maxBandwidth),
    max_names: agent.maxNames,
  });
}

function listenerTables(
  { name, tcp, udp }: Joined<TcpListenerConfig, UdpListenerConfig>,
): readonly string[] {
  const path = ["listeners", name];
  const { port, addresses, acl } = tcp ?? udp;
  return [
    table(path, {
      listen_port: port,
      listen_address_v4: orNothing(ofFamily(addresses, 4)),
      listen_address_v6: orNothing(ofFamily(addresses, 6)),
      ...tcp && tcpKeys(tcp),
      ...udp && udpKeys(udp),
    }),
    ...aclTable([...path, "acl"], acl),
    ...joined(tcp?.routes ?? [], udp?.routes ?? [])
      .flatMap((route) => routeTables([...path, "protocols", route.name], route)),
  ];
}

function tcpKeys(listener: TcpListenerConfig): Values {
  const { onProbeTimeout, defaultRoute } = listener;
  return {
    tcp_backlog: listener.backlog,
    tcp_max_connections: listener.maxConnections,
    max_connections_per_ip: listener.maxConnectionsPerIp,
    tcp_recv_proxy_protocol: listener.trustedProxies !== undefined,
    tcp_trusted_proxies: listener.trustedProxies?.networks,
    probe_timeout: formatDuration(listener.probeTimeout),
    probe_max_bytes: listener.probeMaxBytes,
    on_probe_timeout: onProbeTimeout.kind === "route" ? onProbeTimeout.name : onProbeTimeout.kind,
    connect_timeout: formatDuration(listener.connectTimeout),
    connect_retries: listener.connectRetries,
    tcp_idle_timeout: formatDuration(listener.idleTimeout),
    tcp_keepalive: formatDuration(listener.keepalive),
    ...defaultRoute?.action.kind === "forward" && {
      tcp_target: targets(defaultRoute.action.pool),
      tcp_load_balance: defaultRoute.action.pool.algorithm,
      tcp_send_proxy_protocol: defaultRoute.action.sendProxy,
    },
  };
}

function udpKeys(listener: UdpListenerConfig): Values {
  const { defaultRoute } = listener;
  return {
    udp_max_connections: listener.maxFlows,
    max_flows_per_ip: listener.maxFlowsPerIp,
    udp_probe_timeout: formatDuration(listener.probeTimeout),
    follow_clients: listener.followClients,
    ...listener.followClients && { flow_memory: formatDuration(listener.flowMemory) },
    ...defaultRoute?.action.kind === "forward" && {
      udp_target: targets(defaultRoute.action.pool),
      udp_load_balance: defaultRoute.action.pool.algorithm,
      udp_idle_lifetime: formatDuration(defaultRoute.idleLifetime),
      udp_reply_timeout: formatDuration(defaultRoute.replyTimeout),
    },
  };
}

function routeTables(
  path: readonly string[],
  { tcp, udp }: Joined<Route, UdpRoute>,
): readonly string[] {
  const { match, acl, ech, action } = tcp ?? udp;
  const isRegex = match.protocol === "regex";
  return [
    table(path, {
      protocol: match.protocol,
      transport: tcp && udp || !isOnBoth(match.protocol) ? undefined : tcp ? "tcp" : "udp",
      server_names: orNothing(match.serverNames),
      alpns: orNothing(match.alpns),
      hosts: orNothing(match.hosts),
      dns_names: orNothing(match.dnsNames),
      patterns: isRegex ? match.patterns.map(({ source }) => source) : undefined,
      min_length: isRegex ? match.minLength : undefined,
      action: action.kind,
      ...action.kind === "forward" && {
        target: targets(action.pool),
        load_balance: action.pool.algorithm,
        send_proxy_protocol: tcp && action.sendProxy,
        idle_lifetime: udp && formatDuration(udp.idleLifetime),
        reply_timeout: udp && formatDuration(udp.replyTimeout),
      },
    }),
    ...aclTable([...path, "acl"], acl),
    ...echTable([...path, "ech"], ech),
  ];
}

function aclTable(path: readonly string[], acl: Acl | undefined): readonly string[] {
  if (acl === undefined) return [];
  const { allow, deny, message } = acl;
  return [table(path, { allow: allow?.networks, deny: deny?.networks, message })];
}

function echTable(path: readonly string[], ech: EchConfig | undefined): readonly string[] {
  if (ech === undefined) return [];
  return [table(path, {
    ech_config_list: base64(ech.configList),
    private_keys: ech.privateKeys.map(() => HIDDEN),
    private_server_names: ech.privateServerNames.map(formatHostPort),
  })];
}

type Value = string | number | boolean | readonly Item[] | undefined;
type Item = string | { readonly address: string; readonly weight: number };

type Values = Readonly<Record<string, Value>>;

function table(path: readonly string[], values: Values): string {
  const lines = Object.entries(values)
    .flatMap(([key, value]) => value === undefined ? [] : [`${key} = ${valueText(value)}\n`]);
  return (path.length > 0 ? `[${path.map(formatKey).join(".")}]\n` : "") + lines.join("");
}

function valueText(value: Exclude<Value, undefined> | Item): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  if ("address" in value) return `{ address = ${quoted(value.address)}, weight = ${value.weight} }`;
  return `[${value.map(valueText).join(", ")}]`;
}

/** Text in quotes, so that it names no variable. */
function quoted(text: string): string {
  return quoteText(text).replaceAll("${", () => "$${");
}

function targets({ targets }: Pool): readonly Item[] {
  return targets.map(({ weight, ...at }) => {
    const address = formatHostPort(at);
    return weight === ENTRY_DEFAULTS.weight ? address : { address, weight };
  });
}

function ofFamily(addresses: readonly string[], family: 4 | 6): readonly string[] {
  return addresses.filter((one) => one.includes(":") === (family === 6));
}

function orNothing(list: readonly string[]): readonly string[] | undefined {
  return list.length > 0 ? list : undefined;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
