/**
 * How long to wait before the edge is tried again: longer each time, and never as long as others who lost it too.
 *
 * @module
 */

/** The pause after a first failure, ms, doubled with each further one up to the longest. */
const SHORTEST_PAUSE = 500;
export const LONGEST_PAUSE = 30_000;
/** What has held so long, ms, was no failure. */
const STABLE = 10_000;

export class BackOff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random Numbers in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * The next pause, ms: from half of what it may be up to all of it.
   * @param held How long the last connection held, ms.
   */
  next(held: number): number {
    if (held >= STABLE) this.#failures = 0;
    const most = Math.min(SHORTEST_PAUSE * 2 ** this.#failures++, LONGEST_PAUSE);
    return most / 2 * (1 + this.#random());
  }
}
