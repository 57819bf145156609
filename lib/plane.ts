/**
 * What serves a configuration: the sockets, and everything that goes through them. Who runs it cannot tell whether it
 * does so in this thread or in another one.
 *
 * @module
 */
import type { ConnectionRecord } from "./access_log.ts";
import type { SocketAddress } from "./addr.ts";
import type { Config } from "./config/config.ts";

/** Runs one configuration at a time. Owns the listening sockets, every connection and every flow. */
export interface Plane {
  /** What it listens on, in the order of the configuration. */
  readonly addresses: readonly Listening[];

  /** What goes on now. A promise only where somebody else has to be asked; never rejects. */
  gauges(): Gauges | Promise<Gauges>;

  /**
   * Makes `config` the running one, all or nothing. Addresses in both stay bound, connections and flows live on.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
  apply(config: Config): Promise<void>;

  /** Takes nobody new; resolves when the last connection has ended, or has been closed after the drain timeout. */
  drain(): Promise<void>;

  /** Closes everything now: then everybody has left a record. A promise as of `gauges`. Safe to call twice. */
  close(): void | Promise<void>;
}

export type Transport = ConnectionRecord["transport"];

/** An address that is listened on. */
export interface Listening {
  readonly listener: string;
  readonly transport: Transport;
  readonly address: SocketAddress;
}

/** What connections or flows have moved. */
export type Traffic = Pick<ConnectionRecord, "up" | "down" | "datagramsUp" | "datagramsDown">;

/** What goes on at one moment, as it is told to who asks. */
export interface Gauges {
  /** TCP connections that are not over. */
  readonly activeConnections: number;
  /** UDP flows that are not over. */
  readonly activeFlows: number;
  /**
   * What those that are not over have moved so far. Whoever ends leaves this sum in the same turn of the event loop in
   * which its record is logged: so nothing is counted twice or, for a while, not at all.
   */
  readonly live: Readonly<Record<Transport, Traffic>>;
  /** Datagrams that were dropped since the start, by reason: a word of a closed list. */
  readonly drops: ReadonlyMap<string, number>;
  /** Every backend that is in a pool of the transport now, once for each. */
  readonly backends: readonly BackendState[];
}

/** What is known of a backend. */
export interface BackendState {
  readonly transport: Transport;
  readonly backend: SocketAddress;
  /** False from a failed attempt to reach it until one succeeds. */
  readonly isUp: boolean;
}
