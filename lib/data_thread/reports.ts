/**
 * What happens in a data thread, on its way to the main thread: in batches, and bounded when it is not taken.
 *
 * @module
 */
import { type ConnectionRecord, RECORD_FORMATS } from "../access_log.ts";
import type { Log, LogLevel, LogProperties } from "../log.ts";
import type { LogFormat } from "../log_text.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import { Tally } from "../tally.ts";
import type { Line, Report } from "./messages.ts";

/** How long something may wait for more to be sent with, ms: each message wakes the main thread. */
const BATCH_DELAY = 50;
/** So many characters of the access log are sent without waiting for more. */
const BATCH_SIZE = 256 * 1024;
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
  readonly #formatRecord: (record: ConnectionRecord) => string;
  readonly #tally = new Tally();
  readonly #access = new LineBuffer(BATCH_SIZE);
  #lines: Line[] = [];
  /** What was sent since the start, as an Int32 that wraps around like its counterpart. */
  #sent = 0;
  #lost = 0;
  #timer: Timer | undefined;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#taken = new Int32Array(options.taken);
    this.#formatRecord = RECORD_FORMATS[options.format];
  }

  access(record: ConnectionRecord): void {
    this.#tally.count(record);
    if (record.hop === undefined) {
      if (this.#isFull()) return;
      const line = this.#formatRecord(record);
      if (!this.#access.hasRoomFor(line)) this.flush();
      this.#access.add(line);
    }
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
    const size = this.#size;
    if (size + this.#lost === 0 && this.#tally.isEmpty) return;
    const access = { ...this.#access.take(), sums: this.#tally.take() };
    this.#options.send({ kind: "report", access, lines: this.#lines, lost: this.#lost, size });
    this.#sent = (this.#sent + size) | 0;
    this.#lines = [];
    this.#lost = 0;
  }

  get #size(): number {
    return this.#access.length + LINE_SIZE * this.#lines.length;
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
    if (untaken + this.#size < MOST_UNTAKEN) return false;
    this.#lost++;
    return true;
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.setTimer(() => this.flush(), BATCH_DELAY);
  }
}

/**
 * Lines of ASCII, as bytes until they are sent: strings that are put together stay many small objects, which V8's
 * collector would carry from generation to generation.
 */
class LineBuffer {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #length = 0;
  #count = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get length(): number {
    return this.#length;
  }

  hasRoomFor(line: string): boolean {
    return line.length <= this.#bytes.length - this.#length;
  }

  add(line: string): void {
    this.#encoder.encodeInto(line, this.#bytes.subarray(this.#length));
    this.#length += line.length;
    this.#count++;
  }

  /** What there is; it begins anew. */
  take(): { readonly lines: string; readonly count: number } {
    const lines = this.#decoder.decode(this.#bytes.subarray(0, this.#length));
    const count = this.#count;
    this.#length = 0;
    this.#count = 0;
    return { lines, count };
  }
}
