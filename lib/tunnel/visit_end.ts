/**
 * How a visit ends, over TCP and UDP alike.
 *
 * @module
 */
import { type Deadline, NetError } from "../runtime/runtime.ts";
import { ProtocolError } from "./frames.ts";

export interface VisitEnd {
  readonly reason: VisitEndReason;
  /** Whether the channel is free for another visit. If not, the caller closes it. */
  readonly isFree: boolean;
  /** With `unreachable`: why. */
  readonly message?: string;
}

export type VisitEndReason =
  /** Both directions have ended. */
  | "ended"
  /** The agent cannot reach the service; the visitor was sent nothing, and may be answered by the edge. */
  | "unreachable"
  /** The agent has said nothing of whether it can. */
  | "accept_timeout"
  /** The visitor, at the edge, or the service, at the agent, has broken off. */
  | "conn_reset"
  /** The other end has, or the way to it. */
  | "channel_reset"
  /** The other end does not speak the protocol. */
  | "malformed"
  | "idle_timeout"
  /** Somebody has closed a connection under it. */
  | "closed";

/** What an error of a channel means for the visit on it. */
export function endOfChannel(error: unknown): VisitEndReason {
  if (error instanceof ProtocolError) return "malformed";
  return error instanceof NetError && error.code === "closed" ? "closed" : "channel_reset";
}

/** Stops a read from outside. */
export class Stop implements Deadline {
  passed = false;
  onPassed: (() => void) | undefined;

  now(): void {
    if (this.passed) return;
    this.passed = true;
    this.onPassed?.();
  }
}
