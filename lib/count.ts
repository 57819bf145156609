/**
 * How many connections or flows there are of something, in this thread and, where several serve together, in all.
 *
 * @module
 */

/** What the other threads count. */
export interface Elsewhere {
  /** Lets them know how many this thread has of what `key` names. */
  tell(key: string, own: number): void;
  /** How many they have of it, all together. */
  of(key: string): number;
}

/** One count. This thread's part of it is told before anything is read, so that no two threads take the last place. */
export class Count {
  readonly #key: string;
  readonly #elsewhere: Elsewhere | undefined;
  #own = 0;

  constructor(key: string, elsewhere: Elsewhere | undefined) {
    this.#key = key;
    this.#elsewhere = elsewhere;
  }

  /** How many there are in this thread, which alone changes it. */
  get own(): number {
    return this.#own;
  }
  set own(own: number) {
    this.#own = own;
    this.#elsewhere?.tell(this.#key, own);
  }

  /** How many there are in all threads. */
  get all(): number {
    return this.#elsewhere === undefined ? this.#own : this.#own + this.#elsewhere.of(this.#key);
  }
}
