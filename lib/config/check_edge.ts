/**
 * Whether what the file says of the tunnel's edge belongs together, and with its listeners.
 *
 * @module
 */
import { checkAddresses } from "./check_addresses.ts";
import { type ListenerSource, serves } from "./inherit.ts";
import { coversPorts, formatPorts } from "./port_ranges.ts";
import type { Finding } from "./problem.ts";
import type { EdgeTable } from "./schema.ts";
import { didYouMean } from "./suggest.ts";

/** Finds contradictions within `[edge]`, and listeners that it names in vain. */
export function* checkEdge(
  edge: EdgeTable | undefined,
  sources: readonly ListenerSource[],
): Iterable<Finding> {
  if (edge === undefined) return;
  yield* checkAddresses({ path: ["edge"], own: edge });
  yield* checkCertificate(edge);
  yield* checkWaysIn(edge, sources);
  yield* checkPorts(edge);
}

function* checkCertificate(edge: EdgeTable): Iterable<Finding> {
  const pair = ["certificate", "private_key"] as const;
  for (const [i, key] of pair.entries()) {
    const other = pair[1 - i]!;
    if (edge[key] === undefined) continue;
    const fault = edge.insecure
      ? "contradicts insecure = true"
      : edge[other] === undefined
      ? `needs ${other}`
      : undefined;
    if (fault !== undefined) yield { path: ["edge", key], message: fault, about: "key" };
  }
}

/** How agents get to the edge. */
function* checkWaysIn(edge: EdgeTable, sources: readonly ListenerSource[]): Iterable<Finding> {
  const known = sources.map(({ name }) => name);
  for (const [i, name] of (edge.listeners ?? []).entries()) {
    const source = sources.find((each) => each.name === name);
    if (source !== undefined && serves(source, "tcp")) continue;
    const message = source === undefined
      ? `there is no listener called "${name}"${didYouMean(name, known)}`
      : `listener "${name}" takes UDP alone`;
    yield { path: ["edge", "listeners", i], message };
  }
  if (edge.listen_port !== undefined) return;
  if (edge.insecure) {
    const message = "needs listen_port: without TLS agents cannot share a listener";
    yield { path: ["edge", "insecure"], message, about: "key" };
  } else if (!sources.some((source) => serves(source, "tcp"))) {
    const message = "is missing: there is no listener of TCP either, so no agent could come";
    yield { path: ["edge", "listen_port"], message };
  }
}

function* checkPorts({ tcp_ports: all = [], agents = {} }: EdgeTable): Iterable<Finding> {
  for (const [id, { ports }] of Object.entries(agents)) {
    if (ports === undefined || coversPorts(all, ports)) continue;
    const message = all.length === 0
      ? "has no effect without tcp_ports"
      : `not all of ${formatPorts(ports)} are in tcp_ports, ${formatPorts(all)}`;
    yield { path: ["edge", "agents", id, "ports"], message };
  }
}
