/**
 * What happens in a data thread, on its way to the main thread: in batches, and bounded when it is not taken.
 *
 * @module
 */
import type { ConnectionRecord } from "../access_log.ts";
import type { Log, LogLevel, LogProperties } from "../log.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import type { Line, Report } from "./messages.ts";

/** How long a record may wait for others to be sent with, ms. */
const BATCH_DELAY = 10;
/** So many are sent without waiting for more. */
const BATCH_SIZE = 256;
/** So many are on their way at most; further ones are thrown away, and counted. At full load some tenths of a second. */
export const MOST_UNTAKEN = 16_384;

export interface ReportsOptions {
  readonly clock: Clock;
  readonly send: (report: Report) => void;
  /** `SharedCounts.taken`. */
  readonly taken: SharedArrayBuffer;
}

/** The log of a data thread. */
export class Reports implements Log {
  readonly #options: ReportsOptions;
  readonly #taken: Int32Array;
  #records: ConnectionRecord[] = [];
  #lines: Line[] = [];
  /** What was sent since the start, as an Int32 that wraps around like its counterpart. */
  #sent = 0;
  #lost = 0;
  #timer: Timer | undefined;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#taken = new Int32Array(options.taken);
  }

  access(record: ConnectionRecord): void {
    if (this.#isFull()) return;
    this.#records.push(record);
    this.#schedule();
  }

  readonly debug = this.#line("debug");
  readonly info = this.#line("info");
  readonly warning = this.#line("warning");
  readonly error = this.#line("error");

  /** Sends what there is, so that it is before whatever is sent next. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting + this.#lost === 0) return;
    const records = JSON.stringify(this.#records);
    this.#options.send({ kind: "report", records, lines: this.#lines, lost: this.#lost });
    this.#sent = (this.#sent + this.#waiting) | 0;
    this.#records = [];
    this.#lines = [];
    this.#lost = 0;
  }

  get #waiting(): number {
    return this.#records.length + this.#lines.length;
  }

  #line(level: LogLevel) {
    return (message: string, properties?: LogProperties): void => {
      if (this.#isFull()) return;
      this.#lines.push({ level, message, ...properties && { properties } });
      this.#schedule();
    };
  }

  #isFull(): boolean {
    const untaken = (this.#sent - Atomics.load(this.#taken, 0)) | 0;
    if (untaken + this.#waiting < MOST_UNTAKEN) return false;
    this.#lost++;
    return true;
  }

  #schedule(): void {
    if (this.#waiting >= BATCH_SIZE) this.flush();
    else this.#timer ??= this.#options.clock.setTimer(() => this.flush(), BATCH_DELAY);
  }
}
