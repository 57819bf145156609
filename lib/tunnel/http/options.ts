/**
 * What the tap of an http endpoint is told to do.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { OnExchange } from "./exchange.ts";

export interface HttpTapOptions {
  readonly clock: Pick<Clock, "now" | "date">;
  /** The endpoint, in words of the agent's user, for the log and the inspector. */
  readonly endpoint: string;
  readonly visitor: SocketAddress;
  /**
   * The name by which visitors ask for the endpoint, without a port; any if absent. A request for another one is
   * answered 421.
   */
  readonly name?: string;
  /** Those who may ask, each as `user:password`; everybody if absent. */
  readonly credentials?: readonly string[];
  /**
   * Tells the service who asked and for what, in Forwarded (RFC 7239), X-Forwarded-For, -Proto and -Host, in place of
   * what the visitor said itself, or behind it where another proxy before the edge is to be believed.
   */
  readonly forwarded?: "replace" | "append";
  /** The Host that the service is asked for, in place of the one that the visitor asked for. */
  readonly host?: string;
  /** The most bytes that are kept of each body: 0 if nobody looks at them. */
  readonly keeps: number;
  readonly onExchange: OnExchange;
  /** The exchange that this one repeats. */
  readonly replayOf?: number;
}
