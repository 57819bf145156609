/**
 * What a connection leaves behind: one record at its end, written as one line.
 *
 * @module
 */
import type { SocketAddress } from "./addr.ts";

/** Why a connection ended: a closed list, the same in the log and in metrics. */
export type EndReason =
  /** Both sides ended it. */
  | "ended"
  | "client_reset"
  | "backend_reset"
  | "idle_timeout"
  /** The client left before its route was decided. */
  | "client_left"
  /** Undecided in time, and the configuration says to close. */
  | "probe_timeout"
  /** Its protocol has entries and none matches, or there is no default target. */
  | "no_route"
  /** An entry with `action = "reject"`. */
  | "rejected"
  | "acl_denied"
  | "limit_total"
  | "limit_listener"
  | "limit_client"
  /** No valid PROXY header from a peer that must send one, or a header's sender that is not trusted. */
  | "bad_proxy_header"
  /** No backend could be reached. */
  | "connect_failed"
  /** Closed because sluice ended. */
  | "drained"
  /** A fault of sluice itself; the log has it. */
  | "internal_error";

export interface ConnectionRecord {
  /** When it was accepted, ms since 1970. */
  readonly time: number;
  readonly id: number;
  readonly listener: string;
  /** The client's own address: of the PROXY header where one was read. */
  readonly client: SocketAddress;
  readonly protocol?: string;
  readonly serverName?: string;
  readonly host?: string;
  readonly alpns?: readonly string[];
  readonly route?: string;
  readonly backend?: SocketAddress;
  /** Bytes from the client delivered to the backend, and back. */
  readonly up: number;
  readonly down: number;
  /** ms */
  readonly duration: number;
  /** From accept until the route was decided, ms. */
  readonly timeToRoute?: number;
  /** From then until the backend was connected, ms. */
  readonly timeToConnect?: number;
  readonly reason: EndReason;
  /** More about the reason: what the last backend answered, say. */
  readonly detail?: string;
}
