/**
 * What happens in a data thread, on its way to the main thread: in batches, and bounded when it is not taken.
 *
 * @module
 */
import { type ConnectionRecord, RECORD_FORMATS } from "../access_log.ts";
import type { Log, LogLevel, LogProperties } from "../log.ts";
import { LineBuffer } from "../line_buffer.ts";
import type { LogFormat } from "../log_text.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import { Tally } from "../tally.ts";
import type { Line, Report } from "./messages.ts";

/** How long something may wait for more to be sent with, ms: each message wakes the main thread. */
const BATCH_DELAY = 50;
/** So many characters of the access log are sent without waiting for more. */
const BATCH_SIZE = 256 * 1024;
/** So many records are written one after the other: where each is by itself, its code is in no cache any more. */
const AT_ONCE = 32;
/** What a line of sluice's own counts for, which are few. */
const LINE_SIZE = 1024;
/**
 * So many characters are on their way at most; further lines are thrown away, and counted. At full load some tenths of
 * a second.
 */
export const MOST_UNTAKEN = 4 * 1024 * 1024;

export interface ReportsOptions {
  readonly clock: Clock;
  /** Of the lines of the access log. */
  readonly format: LogFormat;
  readonly send: (report: Report) => void;
  /** `SharedCounts.taken`. */
  readonly taken: SharedArrayBuffer;
}

/** The log of a data thread. */
export class Reports implements Log {
  readonly #options: ReportsOptions;
  readonly #taken: Int32Array;
  readonly #writeRecord: (record: ConnectionRecord, lines: LineBuffer) => void;
  readonly #tally = new Tally();
  /** Those that are not yet written and counted. */
  readonly #records: ConnectionRecord[] = [];
  readonly #access = new LineBuffer();
  #lines: Line[] = [];
  /** What was sent since the start, as an Int32 that wraps around like its counterpart. */
  #sent = 0;
  #lost = 0;
  #timer: Timer | undefined;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#taken = new Int32Array(options.taken);
    this.#writeRecord = RECORD_FORMATS[options.format];
  }

  access(record: ConnectionRecord): void {
    this.#records.push(record);
    if (this.#records.length === AT_ONCE) this.#write();
    if (this.#access.length >= BATCH_SIZE) this.flush();
    else this.#schedule();
  }

  readonly debug = this.#line("debug");
  readonly info = this.#line("info");
  readonly warning = this.#line("warning");
  readonly error = this.#line("error");

  /** Sends what there is, so that it is before whatever is sent next. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#write();
    const size = this.#size;
    if (size + this.#lost === 0 && this.#tally.isEmpty) return;
    const access = { ...this.#access.take(), sums: this.#tally.take() };
    this.#options.send({ kind: "report", access, lines: this.#lines, lost: this.#lost, size });
    this.#sent = (this.#sent + size) | 0;
    this.#lines = [];
    this.#lost = 0;
  }

  #write(): void {
    for (const record of this.#records) {
      this.#tally.count(record);
      if (record.hop !== undefined) continue;
      if (this.#isFull) this.#lost++;
      else this.#writeRecord(record, this.#access);
    }
    this.#records.length = 0;
  }

  get #size(): number {
    return this.#access.length + LINE_SIZE * this.#lines.length;
  }

  #line(level: LogLevel) {
    return (message: string, properties?: LogProperties): void => {
      if (this.#isFull) this.#lost++;
      else this.#lines.push({ level, message, ...properties && { properties } });
      this.#schedule();
    };
  }

  get #isFull(): boolean {
    const untaken = (this.#sent - Atomics.load(this.#taken, 0)) | 0;
    return untaken + this.#size >= MOST_UNTAKEN;
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.setTimer(this.#onTimer, BATCH_DELAY);
  }

  /** Where no more may be on its way, counts wait for something to be sent with. */
  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#write();
    if (this.#size > 0 || !this.#isFull) this.flush();
  };
}
