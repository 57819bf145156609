/**
 * Turns for everybody else, between those who always have something to do.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** What may be copied between two turns, bytes: at 2 GB/s a turn every 2 ms. */
const SHARE = 4 * 1024 * 1024;
/** What a chunk counts beside its length, because small ones cost time too. */
const CHUNK = 4096;
/**
 * Deno polls its sockets when it has nothing else to do, else once in so many rounds of its event loop
 * (tokio's `event_interval`, 61).
 */
const ROUNDS = 64;

/**
 * Reads and writes that need not wait complete at once, so copies of streams that never pause would go on among
 * themselves for ever: no connection accepted, no other one read, no timer. This one keeps account of all copies.
 */
export class FairShare {
  #left = SHARE;
  #turn: Promise<void> | undefined;

  /** Counts a chunk of `length` bytes; says whether to wait for the next {@linkcode turn}. */
  isUsedUpBy(length: number): boolean {
    this.#left -= length + CHUNK;
    return this.#left < 0;
  }

  /** Resolves when everybody else has had a turn. */
  turn(): Promise<void> {
    return this.#turn ??= this.#rounds();
  }

  async #rounds(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    this.#left = SHARE;
    this.#turn = undefined;
  }
}
