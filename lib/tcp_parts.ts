/**
 * What a TCP connection is given to go its way with.
 *
 * @module
 */
import type { Acl } from "./acl.ts";
import type { Route, TcpListenerConfig } from "./config/config.ts";
import type { Count } from "./count.ts";
import type { EchRoute } from "./ech/route.ts";
import type { ListenerLoad } from "./listener_load.ts";
import type { Log } from "./log.ts";
import type { LivePool } from "./pool.ts";
import type { Linked, Ring } from "./ring.ts";
import type { RouteTable } from "./routing.ts";
import type { ByteCounts, Clock, Net } from "./runtime/runtime.ts";
import type { Timeouts } from "./timeouts.ts";

/** A listener as its connections see it. A reload makes a new one; those under way keep theirs. */
export interface TcpListener {
  readonly config: TcpListenerConfig;
  readonly table: RouteTable;
  /** The list that can be asked before the route is known; absent when there is none, or a route has its own. */
  readonly earlyAcl?: Acl;
  /** The pool of every route that forwards. */
  readonly pools: ReadonlyMap<Route, LivePool>;
  /** Of the routes with keys for encrypted hellos. */
  readonly ech: ReadonlyMap<Route, EchRoute>;
  /** The same one after a reload. */
  readonly load: ListenerLoad;
}

/** What connections share. */
export interface TcpParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly log: Log;
  /**
   * Every connection that is not over; each adds and removes itself. No Set: where much comes and goes, each table that
   * V8 makes for it keeps the next one alive, with all that was in it, until all of the heap is collected.
   */
  readonly live: Ring<LiveConnection>;
  /** How many they are. */
  readonly total: Count;
  /** Most of them at once. */
  maxConnections: number;
}

/** A connection as the server that it belongs to sees it. */
export interface LiveConnection extends Linked<LiveConnection> {
  /** Bytes delivered so far, from the client (up) and to it. */
  readonly traffic: ByteCounts;
  /** Resolves when it is over; never rejects. */
  readonly over: Promise<void>;
  /** Ends it because sluice ends. */
  close(): void;
}
