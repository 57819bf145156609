/**
 * One address that a pool balances over, and what an algorithm is.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";

/** One address. Lives as long as some configuration names it, so its counts outlive a reload. */
export interface Backend extends SocketAddress {
  /** Its share relative to the others: a whole number from 1. */
  readonly weight: number;
  /** Connections that are open to it now. */
  active: number;
  /** Failed attempts to connect since the last one that succeeded. */
  failures: number;
  /** Until then (`Clock.now()`, ms) it is tried last, because it failed. */
  downUntil: number;
}

/** Chooses one of `candidates`, which is never empty; called anew for what is left when a choice fails. */
export type Balance = (candidates: readonly Backend[], client: SocketAddress) => Backend;

/** Makes the balancer of one pool. `random` gives numbers in [0, 1). State that it keeps is the pool's own. */
export type BalancerFactory = (random: () => number) => Balance;
