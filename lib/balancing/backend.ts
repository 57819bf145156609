/**
 * One address that pools balance over, and what an algorithm is.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { Count } from "../count.ts";

/**
 * One address, and what is known of it. There is one object for it in a thread, whichever pools it is
 * in, so that an algorithm sees the connections that came by other routes, and a failure is learned once.
 */
export class Backend implements SocketAddress {
  readonly #count: Count;
  /** Failed attempts to connect since the last one that succeeded. */
  failures = 0;
  /** Until then (`Clock.now()`, ms) it is tried last, because it failed. */
  downUntil = 0;
  /** How often it said that nobody listens there, … */
  refusals = 0;
  /** … since then (`Clock.now()`, ms). */
  refusedSince = -Infinity;
  /** When a datagram last came from it (`FlowTable.now`, ms). */
  heard = -Infinity;

  /** @param count Of the connections or flows that are open to it now, or being opened. */
  constructor(
    readonly address: string,
    readonly port: number,
    count = new Count("", undefined),
  ) {
    this.#count = count;
  }

  /** Connections or flows of this thread that are open to it now, or being opened. */
  get active(): number {
    return this.#count.own;
  }
  set active(active: number) {
    this.#count.own = active;
  }

  /** Those of all threads. */
  get activeInAll(): number {
    return this.#count.all;
  }
}

/** A backend as one pool sees it. */
export interface Candidate {
  readonly backend: Backend;
  /** Its share relative to the others of the pool: a whole number from 1. */
  readonly weight: number;
}

/** Whom a backend is chosen for. */
export interface Client extends SocketAddress {
  /** By which a QUIC client first addresses its server: `Facts.quicCid`. */
  readonly quicCid?: string;
}

/** Chooses one of `candidates`, which is never empty; called anew for what is left when a choice fails. */
export type Balance = (candidates: readonly Candidate[], client: Client) => Candidate;

/** Makes the balancer of one pool. `random` gives numbers in [0, 1). State that it keeps is the pool's own. */
export type BalancerFactory = (random: () => number) => Balance;

/** How loaded a backend is for its weight. */
export function load({ backend, weight }: Candidate): number {
  return backend.activeInAll / weight;
}
