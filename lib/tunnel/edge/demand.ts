/**
 * How many data channels an agent should have ready: as many as visitors have come within a second lately, so that a
 * crowd like the last one waits for no handshake.
 *
 * @module
 */
import type { Clock } from "../../runtime/runtime.ts";

/** Fewest and most that are ready, whatever visitors do. */
export const FEWEST_READY = 4;
export const MOST_READY = 128;

/** What counts as "at once", ms, and how many such spans count as "lately". */
const SPAN = 1000;
const SPANS = 30;

export class Demand {
  readonly #clock: Clock;
  /** Visitors by span, the oldest overwritten. */
  readonly #counts = new Array<number>(SPANS).fill(0);
  #span = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a visitor. */
  add(): void {
    this.#moveOn();
    this.#counts[this.#span % SPANS]!++;
  }

  /** How many should be ready. */
  get ready(): number {
    this.#moveOn();
    return Math.min(Math.max(FEWEST_READY, ...this.#counts), MOST_READY);
  }

  /** Forgets what is no longer lately. */
  #moveOn(): void {
    const span = Math.floor(this.#clock.now() / SPAN);
    if (span - this.#span >= SPANS) this.#counts.fill(0);
    for (let passed = this.#span + 1; passed <= span && span - this.#span < SPANS; passed++) {
      this.#counts[passed % SPANS] = 0;
    }
    this.#span = span;
  }
}
