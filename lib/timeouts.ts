/**
 * Many timeouts of few lengths: one list and at most one timer per length. Starting and cancelling are O(1) and
 * make no timer, because timeouts of one length come due in the order in which they started.
 *
 * @module
 */
import { Ring } from "./ring.ts";
import type { Clock, Deadline, Timer } from "./runtime/runtime.ts";

/** Starts timeouts. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a timeout of `ms`: `onPassed` is called once, unless it is cancelled before. */
  start(ms: number, onPassed?: () => void): Timeout {
    return this.begin(ms, new Timeout(onPassed));
  }

  /** Starts one that is not under way: for who has many and is a timeout himself. */
  begin<Kind extends Timeout>(ms: number, timeout: Kind): Kind {
    let queue = this.#queues.get(ms);
    if (queue === undefined) this.#queues.set(ms, queue = new Queue(this.#clock, ms));
    queue.append(timeout);
    return timeout;
  }

  /** Lets go of every timer; timeouts under way never come. */
  close(): void {
    for (const queue of this.#queues.values()) queue.close();
    this.#queues.clear();
  }
}

/** A timeout. */
export class Timeout implements Deadline {
  passed = false;
  onPassed: (() => void) | undefined;
  /** When it comes due (`Clock.now()`, ms). */
  due = 0;
  /** Where it was begun last, and stands while it is under way. */
  queue: Ring<Timeout> | undefined;
  before: Timeout = this;
  after: Timeout = this;

  /** @param onPassed Called on the timeout itself. */
  constructor(onPassed?: () => void) {
    this.onPassed = onPassed;
  }

  /** Never comes. Safe to call twice, and after it has passed. */
  cancel(): void {
    this.queue?.remove(this);
  }
}

/**
 * A timer that comes this late, ms, says that the process could not run meanwhile. What its connections were sent in
 * that time they read only now, so they get some more time, ms, before anything is held against them …
 */
const HELD_UP = 100;
const CATCHING_UP = 500;
/** … but not for ever where every timer is late. */
const MOST_DELAYS = 10;

/** Timeouts of one length: a ring in the order in which they come due, and one timer for the first. */
class Queue {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #ring = new Ring<Timeout>();
  #timer: Timer | undefined;
  /** When the timer should come (`Clock.now()`, ms), and how often in a row it was too late. */
  #expected = 0;
  #delays = 0;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  append(timeout: Timeout): void {
    // A whole number, because V8 makes an object for any other.
    timeout.due = Math.ceil(this.#clock.now() + this.#ms);
    timeout.passed = false;
    timeout.queue = this.#ring;
    this.#ring.append(timeout);
    if (this.#timer === undefined) this.#expireIn(this.#ms);
  }

  close(): void {
    this.#timer?.cancel();
    this.#ring.clear();
  }

  #expireIn(ms: number): void {
    this.#expected = this.#clock.now() + ms;
    this.#timer = this.#clock.setTimer(this.#expire, ms);
  }

  /** The timer stays as it was set when the first is removed; here it is set anew for who is first by now. */
  readonly #expire = (): void => {
    this.#timer = undefined;
    const now = this.#clock.now();
    if (now - this.#expected > HELD_UP && this.#delays < MOST_DELAYS) {
      this.#delays++;
      return this.#expireIn(CATCHING_UP);
    }
    this.#delays = 0;
    let next;
    while ((next = this.#ring.first) !== undefined && next.due <= now) {
      this.#ring.remove(next);
      next.passed = true;
      next.onPassed?.();
    }
    if (next !== undefined && this.#timer === undefined) this.#expireIn(next.due - now);
  };
}
