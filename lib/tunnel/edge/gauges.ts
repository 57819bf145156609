/**
 * What goes on at the edge, in numbers.
 *
 * @module
 */
import type { Traffic } from "../../plane.ts";
import { ENDPOINT_KINDS, type EndpointKind } from "../messages.ts";
import type { Control } from "./control.ts";
import type { Endpoint } from "./endpoints.ts";
import type { LiveVisit, Server } from "./parts.ts";

/** Visitors that came by a listener are the proxy's connections already, and are not in these. */
export interface EdgeGauges {
  readonly activeConnections: number;
  readonly activeFlows: number;
  readonly live: Readonly<Record<"tcp" | "udp", Required<Traffic>>>;
  /** Processes of agents that are logged in. */
  readonly agents: number;
  /** Endpoints that are served. */
  readonly endpoints: Readonly<Record<EndpointKind, number>>;
}

export function gaugesOf(
  visits: Iterable<LiveVisit>,
  controls: ReadonlySet<Control>,
  endpoints: Iterable<Endpoint<Server>>,
): EdgeGauges {
  const live = { tcp: noTraffic(), udp: noTraffic() };
  const active = { tcp: 0, udp: 0 };
  for (const { isCounted, transport, traffic } of visits) {
    if (isCounted) continue;
    const sum = live[transport];
    active[transport]++;
    sum.up += traffic.up;
    sum.down += traffic.down;
    sum.datagramsUp += traffic.datagramsUp ?? 0;
    sum.datagramsDown += traffic.datagramsDown ?? 0;
  }
  const served = Object.fromEntries(ENDPOINT_KINDS.map((kind) => [kind, 0]));
  for (const { kind, servers } of endpoints) if (servers.size > 0) served[kind]!++;
  return {
    activeConnections: active.tcp,
    activeFlows: active.udp,
    live,
    agents: controls.size,
    endpoints: served as EdgeGauges["endpoints"],
  };
}

function noTraffic() {
  return { up: 0, down: 0, datagramsUp: 0, datagramsDown: 0 };
}
