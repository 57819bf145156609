/**
 * The loop of a data thread: it blocks in epoll, and goes round the runtime's own event loop where there is something
 * for that to do.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { systemClock } from "../clock.ts";
import type { Clock, Timer } from "../runtime.ts";
import type { Poller } from "./poller.ts";

/** After so many turns the runtime has a turn of its own in any case, for whatever it does beside. */
const MOST_TURNS = 64;
/** Promises in a row through which most of those go on who have awaited something of a dispatch. */
const STEPS = 8;
/** How long a turn waits at most while something is awaited that only the runtime can bring, ms. */
const SHORT_WAIT = 1;

/**
 * Time on a thread that blocks, where the runtime's own timers do not come: its timers are called by the loop. It goes
 * on from turn to turn, so that to ask for it costs nothing.
 */
export class LoopClock implements Clock {
  #now = systemClock.now();
  /** Those that are set, the next first. There are few: `lib/timeouts.ts` has one for each length. */
  readonly #timers: LoopTimer[] = [];

  now(): number {
    return this.#now;
  }

  /** Sets it by the system's. */
  refresh(): void {
    this.#now = systemClock.now();
  }

  date(): number {
    return systemClock.date();
  }

  setTimer(callback: () => void, ms: number): Timer {
    const timer: LoopTimer = { due: this.#now + ms, callback, cancel: () => this.#cancel(timer) };
    const next = this.#timers.findIndex(({ due }) => due > timer.due);
    this.#timers.splice(next < 0 ? this.#timers.length : next, 0, timer);
    return timer;
  }

  /** ms until the next timer is due, 0 if one is; Infinity if none is set. */
  get untilNext(): number {
    const [next] = this.#timers;
    return next === undefined ? Infinity : Math.max(0, next.due - this.#now);
  }

  /** Calls the timers that are due; says whether there were any. */
  callDue(): boolean {
    if (this.untilNext > 0) return false;
    // Those that they set meanwhile are for the next turn.
    const due = this.#timers.filter((timer) => timer.due <= this.#now);
    for (const timer of due) {
      if (this.#cancel(timer)) timer.callback();
    }
    return true;
  }

  #cancel(timer: LoopTimer): boolean {
    const at = this.#timers.indexOf(timer);
    if (at >= 0) this.#timers.splice(at, 1);
    return at >= 0;
  }
}

interface LoopTimer extends Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** Turns until it is stopped. */
export class Loop {
  readonly #poller: Poller;
  readonly #clock: LoopClock;
  /** What is awaited of the runtime. */
  #awaited = 0;
  #stopped = false;

  constructor(poller: Poller, clock: LoopClock) {
    this.#poller = poller;
    this.#clock = clock;
  }

  /**
   * While `promise` is pending, no turn waits for long, so that the runtime can bring what only it can: a message, a
   * module that is loaded.
   */
  async attend<T>(promise: Promise<T>): Promise<T> {
    this.#awaited++;
    try {
      return await promise;
    } finally {
      this.#awaited--;
    }
  }

  /** Runs until {@linkcode stop}. The first turn waits until this turn of the runtime is over. */
  async run(): Promise<void> {
    const poller = this.#poller;
    const clock = this.#clock;
    let turns = 0;
    /** Whether somebody may still be on the way who awaited something. */
    let isUnsettled = false;
    // Or else whoever comes after a silence would come at its beginning, and have no time left of any timeout.
    poller.onWoken = () => clock.refresh();
    await roundOfRuntime();
    clock.refresh();
    while (!this.#stopped) {
      const longest = isUnsettled ? 0 : this.#awaited > 0 ? SHORT_WAIT : Infinity;
      const events = poller.turn(Math.min(longest, clock.untilNext));
      clock.refresh();
      // Whoever is called by a timer may go on with anything.
      if (clock.callDue()) poller.needsYield = true;
      const isAtRest = events === 0 && !poller.needsYield;
      if (isUnsettled && isAtRest || this.#awaited > 0 || ++turns === MOST_TURNS) {
        isUnsettled = poller.needsYield = false;
        turns = 0;
        await roundOfRuntime();
      } else if (poller.needsYield) {
        // While there is more to do, these few steps are enough: a round of the runtime costs as much as a connection.
        poller.needsYield = false;
        isUnsettled = true;
        for (let step = 0; step < STEPS; step++) await null;
      }
    }
  }

  /** Ends it; a loop that blocks has to be woken for that by an event. */
  stop(): void {
    this.#stopped = true;
  }
}

/** Resolves when everybody who could go on has done so and the runtime has had its turn: messages, modules. */
function roundOfRuntime(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
