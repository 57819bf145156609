/**
 * Whether anything still moves through a pipe.
 *
 * @module
 */
import type { ByteCounts } from "./runtime/runtime.ts";
import { Timeout, type Timeouts } from "./timeouts.ts";

/** How often in an idle timeout it is asked whether anything has moved: the timeout comes up to an eighth late. */
const CHECKS = 8;

/** Is told, once, that nothing has moved for so long. */
export interface IdleListener {
  onIdle(): void;
}

/** Looks at the counts of a pipe from time to time, so that a chunk need not look at a clock. */
export class IdleWatch extends Timeout {
  readonly #timeouts: Timeouts;
  readonly #interval: number;
  readonly #counts: ByteCounts;
  readonly #listener: IdleListener;
  #moved: number;
  #quiet = 0;

  /** @param idleTimeout ms; 0: none. */
  constructor(
    timeouts: Timeouts,
    idleTimeout: number,
    counts: ByteCounts,
    listener: IdleListener,
  ) {
    super(IdleWatch.prototype.check);
    this.#timeouts = timeouts;
    this.#interval = idleTimeout / CHECKS;
    this.#counts = counts;
    this.#listener = listener;
    this.#moved = counts.up + counts.down;
    if (idleTimeout > 0) timeouts.begin(this.#interval, this);
  }

  check(): void {
    const moved = this.#counts.up + this.#counts.down;
    this.#quiet = moved === this.#moved ? this.#quiet + 1 : 0;
    this.#moved = moved;
    if (this.#quiet === CHECKS) this.#listener.onIdle();
    else this.#timeouts.begin(this.#interval, this);
  }
}
