/**
 * A limit on how fast bytes go.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";

/**
 * A token bucket that holds what goes in a second. Whoever takes more than is in it goes into debt, and waits until the
 * debt is paid: so a chunk need not be cut, and those who share a bucket wait in their order.
 */
export class Bandwidth {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #tokens: number;
  #filled: number;
  readonly #waiting = new Map<Timer, () => void>();

  /** @param perSecond Bytes. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filled = clock.now();
  }

  /** Takes so many bytes; resolves when they may go, which is at once where it is `undefined`. */
  take(bytes: number): Promise<void> | undefined {
    this.#fill();
    this.#tokens -= bytes;
    if (this.#tokens >= 0) return undefined;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(() => {
        this.#waiting.delete(timer);
        resolve();
      }, -this.#tokens * 1000 / this.#perSecond);
      this.#waiting.set(timer, resolve);
    });
  }

  /** Takes so many bytes, unless they would have to wait; says whether they may go. */
  takeNow(bytes: number): boolean {
    this.#fill();
    if (this.#tokens < bytes) return false;
    this.#tokens -= bytes;
    return true;
  }

  #fill(): void {
    const now = this.#clock.now();
    const earned = (now - this.#filled) * this.#perSecond / 1000;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#filled = now;
  }

  /** Lets go of everybody who waits. */
  close(): void {
    for (const [timer, resolve] of this.#waiting) {
      timer.cancel();
      resolve();
    }
    this.#waiting.clear();
  }
}
