/**
 * A program that runs beside a test, and what it says.
 *
 * @module
 */
import assert from "node:assert/strict";

/** How long a test may wait for something to happen, ms: far more than it takes, so only what never comes fails. */
export const PATIENCE = 30_000;

/** What `promise` gives, if it does in time. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`no ${what} within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** What ends it and all that it started; SIGKILL if not given. */
  readonly endsWith?: Deno.Signal;
}

/** A program that runs beside the test. */
export class Child {
  readonly command: string;
  readonly stdout: Lines;
  readonly stderr: Lines;
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #endsWith: Deno.Signal;

  constructor(program: string, args: readonly string[], options: ChildOptions) {
    const { endsWith = "SIGKILL", ...rest } = options;
    this.command = [program, ...args].join(" ");
    this.#endsWith = endsWith;
    this.#process = new Deno.Command(program, {
      args: [...args],
      ...rest,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#process.stdin.getWriter();
    this.stdout = new Lines(this.#process.stdout, this.command);
    this.stderr = new Lines(this.#process.stderr, this.command);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Its exit code. */
  get code(): Promise<number> {
    return this.#process.status.then(({ code }) => code);
  }

  /** Writes to its standard input. */
  async say(text: string, more: "and no more" | "and more" = "and more"): Promise<void> {
    try {
      await this.#stdin.write(new TextEncoder().encode(text));
      if (more === "and no more") await this.#stdin.close();
    } catch {
      // It has ended without reading all of it.
    }
  }

  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  async end(): Promise<void> {
    try {
      this.#process.kill(this.#endsWith);
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.say("", "and no more");
    await Promise.all([this.stdout.ended, this.stderr.ended]);
  }
}

/** The lines of a stream, read to its end so that the program never waits for a reader. */
export class Lines {
  readonly ended: Promise<void>;
  readonly #command: string;
  readonly #all: string[] = [];
  readonly #untaken: string[] = [];
  /** What came behind the last line. */
  #rest = "";
  #over = false;
  #news = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>, command: string) {
    this.#command = command;
    this.ended = this.#read(stream);
  }

  /** Every line so far. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** Everything so far. */
  get text(): string {
    return [...this.#all, this.#rest].join("\n");
  }

  /** Lines so far that match. */
  count(pattern: RegExp): number {
    return this.#all.filter((line) => pattern.test(line)).length;
  }

  /** The first line that matches, among those that no call has returned yet. */
  async next(pattern: RegExp): Promise<string> {
    return await within(PATIENCE, `line ${pattern} of ${this.#command}`, this.#next(pattern));
  }

  async #next(pattern: RegExp): Promise<string> {
    for (;;) {
      const at = this.#untaken.findIndex((line) => pattern.test(line));
      const [line] = at < 0 ? [] : this.#untaken.splice(at, 1);
      if (line !== undefined) return line;
      assert.ok(!this.#over, `${this.#command} ended before it said ${pattern}`);
      await this.#news.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      this.#all.push(...lines);
      this.#untaken.push(...lines);
      this.#tell();
    }
    this.#over = true;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
