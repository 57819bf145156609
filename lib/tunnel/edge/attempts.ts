/**
 * Who fails to log in has to wait, longer each time.
 *
 * @module
 */
import { clientOf } from "../../addr.ts";
import type { Clock } from "../../runtime/runtime.ts";

/** The pause after a first failure, ms, doubled with each further one up to the longest. */
const SHORTEST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
/** After so long without a failure all are forgotten, ms. */
const MEMORY = 5 * 60_000;
/** Most addresses that are remembered; the one that failed longest ago gives way. */
export const MOST_ADDRESSES = 4096;

interface Failures {
  readonly count: number;
  readonly last: number;
}

/** Failed logins by address, where one host that has a whole network of IPv6 is one. */
export class Attempts {
  readonly #clock: Clock;
  /** In the order of their last failure. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether who comes from `address` has to wait. */
  isBarred(address: string): boolean {
    const failures = this.#failures.get(clientOf(address));
    if (failures === undefined) return false;
    const pause = Math.min(SHORTEST_PAUSE * 2 ** (failures.count - 1), LONGEST_PAUSE);
    return this.#clock.now() < failures.last + pause;
  }

  failed(address: string): void {
    const client = clientOf(address);
    const now = this.#clock.now();
    const before = this.#failures.get(client);
    const count = before !== undefined && now - before.last < MEMORY ? before.count + 1 : 1;
    this.#failures.delete(client);
    this.#failures.set(client, { count, last: now });
    if (this.#failures.size <= MOST_ADDRESSES) return;
    const [oldest] = this.#failures.keys();
    this.#failures.delete(oldest!);
  }

  succeeded(address: string): void {
    this.#failures.delete(clientOf(address));
  }
}
