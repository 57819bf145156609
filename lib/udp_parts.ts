/**
 * What datagrams are given to go their way with.
 *
 * @module
 */
import type { Acl } from "./acl.ts";
import type { Backend, Client } from "./balancing/mod.ts";
import type { UdpListenerConfig, UdpRoute } from "./config/config.ts";
import type { Count, Elsewhere } from "./count.ts";
import type { DatagramTable } from "./datagram_routing.ts";
import type { Drops } from "./drops.ts";
import type { FlowTable } from "./flow_table.ts";
import type { ListenerLoad } from "./listener_load.ts";
import type { Log } from "./log.ts";
import type { LivePool } from "./pool.ts";
import type { Facts } from "../probes/probe.ts";
import type { Clock, Net, Peer, ReplySocket } from "./runtime/runtime.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { Timeouts } from "./timeouts.ts";

/** A listener as its datagrams see it. A reload makes a new one; flows keep theirs. */
export interface UdpListener {
  readonly config: UdpListenerConfig;
  readonly table: DatagramTable;
  /** The list that can be asked before the route is known; absent when there is none, or a route has its own. */
  readonly earlyAcl?: Acl;
  /** The pool of every route that forwards. */
  readonly pools: ReadonlyMap<UdpRoute, LivePool>;
  /** The same one after a reload. */
  readonly load: ListenerLoad;
  /** By which clients are known again; the same one after a reload. Absent when they are not to be. */
  readonly sessions?: Sessions<SessionTarget>;
}

/** Where a client's session is. */
export interface SessionTarget {
  /** By its name, because a reload makes new routes. */
  readonly route: string;
  readonly backend: Backend;
}

/** Where a flow begins. */
export interface Origin {
  readonly at: ReplySocket;
  readonly peer: Peer;
  readonly client: Client;
  /** Whose flows are counted together. */
  readonly clientKey: string;
  /** The same for all that this client's port sends to this address. */
  readonly socketKey: string;
  /** When its first datagram came (`Clock.now()`, ms). */
  readonly since: number;
}

/** Where it goes. */
export interface Course {
  readonly route: UdpRoute;
  readonly pool: LivePool;
  readonly backend: Backend;
  /** By whom backends are chosen, this one and the next. */
  readonly client: Client;
  readonly facts?: Facts;
  /** The session that it goes on with; absent: it begins one. */
  readonly session?: Session<SessionTarget>;
}

/** What flows share. */
export interface UdpParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly log: Log;
  readonly drops: Drops;
  readonly flows: FlowTable;
  /** The number of a flow. */
  readonly nextId: () => number;
  /** How many flows there are. */
  readonly total: Count;
  /** Other threads that serve the same ports. */
  readonly elsewhere?: Elsewhere;
  /** Most flows at once. */
  maxFlows: number;
  /** Whether nobody new is taken, because sluice ends. */
  isDraining: boolean;
}
