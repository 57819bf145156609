/**
 * From a visitor to a data channel: who serves him, or why nobody does.
 *
 * @module
 */
import type { EndReason } from "../../access_log.ts";
import type { Channel } from "../channel.ts";
import type { NoChannel } from "./channel_pool.ts";
import type { Endpoint } from "./endpoints.ts";
import { chooseServer, type LiveVisit, type Server } from "./parts.ts";

/** Why a visitor gets nowhere. */
export interface Turned {
  readonly kind: "turned";
  readonly reason: EndReason;
  readonly detail?: string;
}

export interface Admitted {
  readonly kind: "admitted";
  readonly server: Server;
  /** The caller closes it, unless it may join again. */
  readonly channel: Channel;
}

/**
 * Finds a process of the agent with a data channel. From then on the visit counts for it, until {@linkcode leave}.
 * @param client The visitor's address.
 */
export async function admit(
  visit: LiveVisit,
  endpoint: Endpoint<Server>,
  client: string,
): Promise<Admitted | Turned> {
  for (;;) {
    const chosen = chooseServer(endpoint, client);
    if (!chosen.ok) return { kind: "turned", reason: chosen.reason };
    const { server } = chosen;
    server.account.visits++;
    server.visits.add(visit);
    const channel = await server.pool.take();
    if (typeof channel !== "string") return { kind: "admitted", server, channel };
    leave(visit, server);
    // This process of the agent is gone; perhaps another one is there.
    if (channel !== "closed") return { kind: "turned", ...NO_CHANNEL[channel] };
  }
}

const NO_CHANNEL = {
  crowded: { reason: "limit_agent", detail: "too many visitors wait for a data channel" },
  late: { reason: "agent_away", detail: "the agent has opened no data channel in time" },
} as const satisfies Record<Exclude<NoChannel, "closed">, Omit<Turned, "kind">>;

/** Ends the count of a visit. */
export function leave(visit: LiveVisit, server: Server): void {
  server.account.visits--;
  server.visits.delete(visit);
}
