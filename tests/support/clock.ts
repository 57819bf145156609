import type { Clock, Timer } from "../../lib/runtime/runtime.ts";

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: Array<{ due: number; callback: () => void }> = [];

  now(): number {
    return this.#now;
  }

  date(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  setTimer(callback: () => void, ms: number): Timer {
    const timer = { due: this.#now + ms, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time on by `ms`; timers that come due are called in their order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.due);
      next.callback();
    }
    this.#now = end;
  }

  /** Moves time on by `ms` in which nothing can run; timers that came due are called at the end of it. */
  stall(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }
}
