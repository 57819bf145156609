/**
 * Lines on their way to a file or a stream: batched, and bounded when they come faster than they can be written.
 *
 * @module
 */
import type { Clock, Timer } from "./runtime/runtime.ts";

/** How long a line may wait for others to be written with, ms. */
const BATCH_DELAY = 100;
/** So many characters are written without waiting for more. */
const BATCH_SIZE = 64 * 1024;
/** So many characters wait for a slow reader; lines beyond them are dropped, and counted. */
export const BUFFER_LIMIT = 4 * 1024 * 1024;
/** The shortest time between two reports of dropped lines, ms. */
const REPORT_INTERVAL = 10_000;

export interface LineWriterOptions {
  readonly clock: Clock;
  /** Writes whole lines; called again only when it is done. */
  readonly write: (lines: string) => Promise<void>;
  /** Whether lines wait for others (they are many), or are written at once (they are few). */
  readonly batched: boolean;
  /** Told how many lines were lost since the last report, because the buffer was full or a write failed. */
  readonly onDropped: (lines: number) => void;
}

export class LineWriter {
  readonly #options: LineWriterOptions;
  #lines = "";
  #count = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #dropped = 0;
  #reported = -Infinity;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** Takes a line, with its end of line. Never waits, never throws. */
  write(line: string): void {
    this.#take(line, 1);
    this.#schedule(this.#options.batched);
  }

  /** Takes so many lines that have waited for each other elsewhere: they are written at once. */
  writeBatch(lines: string, count: number): void {
    this.#take(lines, count);
    this.#schedule(false);
  }

  /** Resolves when everything taken so far has been written or lost. */
  async flush(): Promise<void> {
    while (this.#count > 0 || this.#writing !== undefined) await (this.#writing ?? this.#start());
    this.#report(REPORT_INTERVAL);
  }

  #take(lines: string, count: number): void {
    if (this.#lines.length + lines.length > BUFFER_LIMIT) {
      this.#dropped += count;
      return;
    }
    this.#lines += lines;
    this.#count += count;
  }

  /** @param mayWait Whether more may be waited for. */
  #schedule(mayWait: boolean): void {
    if (this.#writing !== undefined || this.#count === 0) return;
    if (!mayWait || this.#lines.length >= BATCH_SIZE) this.#start();
    else this.#timer ??= this.#options.clock.setTimer(() => this.#start(), BATCH_DELAY);
  }

  #start(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    return this.#writing = this.#writeOut();
  }

  async #writeOut(): Promise<void> {
    const lines = this.#lines;
    const count = this.#count;
    this.#lines = "";
    this.#count = 0;
    try {
      await this.#options.write(lines);
    } catch {
      this.#dropped += count;
    }
    this.#writing = undefined;
    this.#report(0);
    this.#schedule(this.#options.batched);
  }

  /** @param early How much earlier than usual a report may come, ms. */
  #report(early: number): void {
    const now = this.#options.clock.now();
    if (this.#dropped === 0 || now - this.#reported < REPORT_INTERVAL - early) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#reported = now;
    this.#options.onDropped(dropped);
  }
}
