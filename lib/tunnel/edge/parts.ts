/**
 * What the parts of an edge share.
 *
 * @module
 */
import type { AddressSet } from "../../acl.ts";
import { parseIp, type SocketAddress } from "../../addr.ts";
import type { AgentConfig } from "../../config/config.ts";
import type { Log } from "../../log.ts";
import type { Clock, Net, Tls } from "../../runtime/runtime.ts";
import type { Timeouts } from "../../timeouts.ts";
import { Bandwidth } from "../bandwidth.ts";
import type { Channel } from "../channel.ts";
import type { ChannelPool } from "./channel_pool.ts";
import type { Endpoint } from "./endpoints.ts";

/** What the edge gets from outside. */
export interface EdgeParts {
  readonly net: Net;
  readonly tls: Tls;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly log: Log;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** Visitors that are under way, on their way in or out. */
export interface LiveVisit {
  /** Whether the proxy counts its connection too, because it came by a listener. */
  readonly isCounted: boolean;
  readonly transport: "tcp" | "udp";
  readonly traffic: {
    readonly up: number;
    readonly down: number;
    readonly datagramsUp?: number;
    readonly datagramsDown?: number;
  };
  /** Ends it. */
  close(reason: "drained" | "revoked" | "backend_reset"): void;
  /** Lets the kernel ask whether the agent is still there, after `idle` ms of silence. */
  watch(idle: number): void;
  /** Resolves when it is over; never rejects. */
  readonly over: Promise<void>;
}

/** Every visit that is not over; each adds and removes itself. */
export class LiveVisits {
  readonly all = new Set<LiveVisit>();
  /** How many came to ports of the edge's own. */
  readonly own = { tcp: 0, udp: 0 };

  add(visit: LiveVisit): void {
    this.all.add(visit);
    if (!visit.isCounted) this.own[visit.transport]++;
  }

  remove(visit: LiveVisit): void {
    if (this.all.delete(visit) && !visit.isCounted) this.own[visit.transport]--;
  }
}

/** How long the agent may take to say whether it reaches the service, ms: longer than it tries. */
export const ACCEPT_TIMEOUT = 20_000;

/** What visits share. */
export interface VisitParts extends Pick<EdgeParts, "clock" | "timeouts" | "log"> {
  readonly live: LiveVisits;
  readonly nextId: () => number;
  /** Takes a data channel that is free again. */
  readonly rejoin: (channel: Channel, client: SocketAddress) => void;
}

/** What the ports of endpoints share. */
export interface PortParts extends EdgeParts, VisitParts {
  /** Where to listen. */
  readonly addresses: () => readonly string[];
  /** Whether there may be one more visitor over TCP, or over UDP. */
  readonly hasRoom: (transport: LiveVisit["transport"]) => boolean;
}

/** What all processes of one agent share. */
export class Account {
  #config: AgentConfig;
  /** Visitors that it has now. */
  visits = 0;
  bandwidth: Bandwidth | undefined;
  readonly #clock: Clock;

  constructor(config: AgentConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.bandwidth = bandwidthOf(config, clock);
  }

  get config(): AgentConfig {
    return this.#config;
  }

  /** Takes a configuration over. Visitors that are there keep the bandwidth that they share. */
  configure(config: AgentConfig): void {
    if (config.maxBandwidth !== this.#config.maxBandwidth) {
      this.bandwidth = bandwidthOf(config, this.#clock);
    }
    this.#config = config;
  }
}

function bandwidthOf({ maxBandwidth }: AgentConfig, clock: Clock): Bandwidth | undefined {
  return maxBandwidth === undefined ? undefined : new Bandwidth(clock, maxBandwidth);
}

/** A process of an agent that serves an endpoint. */
export interface Server {
  readonly account: Account;
  /** What the agent calls the endpoint. */
  readonly number: number;
  /** Who may come; absent: everybody. */
  readonly allow?: AddressSet;
  readonly pool: ChannelPool;
  /** Visitors of this process, over all its endpoints. */
  readonly visits: Set<LiveVisit>;
}

export type Chosen =
  | { readonly ok: true; readonly server: Server }
  | { readonly ok: false; readonly reason: "agent_away" | "acl_denied" | "limit_agent" };

/** Who serves a visitor: the process with the fewest of those that let him in; or why nobody does. */
export function chooseServer({ servers }: Endpoint<Server>, visitor: string): Chosen {
  if (servers.size === 0) return { ok: false, reason: "agent_away" };
  const ip = parseIp(visitor);
  let best: Server | undefined;
  for (const server of servers) {
    if (server.allow !== undefined && (ip === undefined || !server.allow.has(ip))) continue;
    if (best === undefined || server.visits.size < best.visits.size) best = server;
  }
  if (best === undefined) return { ok: false, reason: "acl_denied" };
  const { visits, config: { maxConnections = Infinity } } = best.account;
  return visits >= maxConnections
    ? { ok: false, reason: "limit_agent" }
    : { ok: true, server: best };
}
