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
  /** The copies that wait, in the order in which they are to go on, each with the length of its last chunk. */
  readonly #waiting: Array<{ readonly length: number; readonly goOn: () => void }> = [];

  /**
   * Counts a chunk of `length` bytes; says whether its copy is to wait for the next {@linkcode turn}. Small ones have
   * a share of their own beyond that of all, so that a keystroke need not wait for a hundred downloads.
   * @param cost What it counts beside its length.
   */
  isUsedUpBy(length: number, cost = CHUNK): boolean {
    this.#left -= length + cost;
    return this.#left < (length <= CHUNK ? -SHARE : 0);
  }

  /**
   * Resolves when everybody else has had a turn. Of many copies that wait, those go on that have waited for longest, as
   * many as a share is enough for: all at once would take as many shares as they are.
   * @param length Of the copy's last chunk: the next one will be much the same.
   */
  turn(length: number): Promise<void> {
    return new Promise((goOn) => {
      this.#waiting.push({ length, goOn });
      if (this.#waiting.length === 1) void this.#turns();
    });
  }

  async #turns(): Promise<void> {
    while (this.#waiting.length > 0) {
      for (let round = 0; round < ROUNDS; round++) {
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      this.#left = SHARE;
      let count = 0;
      for (let used = 0; used < SHARE && count < this.#waiting.length; count++) {
        used += (this.#waiting[count]?.length ?? 0) + CHUNK;
      }
      for (const { goOn } of this.#waiting.splice(0, count)) goOn();
    }
  }
}
