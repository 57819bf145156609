/**
 * What the main thread and a data thread say to each other, and how a data thread is had. There may be several: none of
 * it is about a thread by its number. No message holds a moment of `Clock.now()`, because each thread has its own.
 *
 * ```
 * main → thread   questions: apply, gauges, drain, close    answers: addresses of a name, time to live
 * thread → main   the other way round, and reports: what connections leave behind, lines of the log
 * ```
 *
 * @module
 */
import type { AccessBatch, LogLevel, LogProperties } from "../log.ts";
import type { LogFormat } from "../log_text.ts";
import type { Gauges, Listening } from "../plane.ts";
import type { Saying } from "./exchange.ts";
import type { PlainConfig } from "./plain_config.ts";

/** What the main thread asks a data thread: what a plane is asked. */
export type PlaneQuestions = {
  readonly apply: { readonly about: PlainConfig; readonly answer: readonly Listening[] };
  readonly gauges: { readonly about: undefined; readonly answer: Gauges };
  readonly drain: { readonly about: undefined; readonly answer: void };
  readonly close: { readonly about: undefined; readonly answer: void };
};

/** What a data thread asks the main thread: it has no name servers. */
export type NameQuestions = {
  /** The addresses of a host name. */
  readonly addresses: { readonly about: string; readonly answer: FoundAddresses };
  /** How long they hold, ms. To be asked once. */
  readonly ttl: { readonly about: number; readonly answer: number };
};

export interface FoundAddresses {
  readonly addresses: readonly string[];
  /** What `ttl` is asked about. */
  readonly ticket: number;
}

/** What has happened in a data thread. It is not answered, but counted as taken. */
export interface Report {
  readonly kind: "report";
  readonly access: AccessBatch;
  readonly lines: readonly Line[];
  /** Lines of both logs that were thrown away since the last report, because too many were not taken yet. */
  readonly lost: number;
  /** What the lines come to, characters; to be added to `SharedCounts.taken`. */
  readonly size: number;
}

/** A line of the log. */
export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly properties?: LogProperties;
}

export type ToThread = Saying;
export type FromThread = Saying | Report;

/** Memory that a data thread shares with the main thread, of typed arrays with one element. */
export interface SharedCounts {
  /** The number of the last connection or flow, of all data threads that there have been: a BigInt64. */
  readonly ids: SharedArrayBuffer;
  /** How much of this thread's reports the main thread has taken, characters: an Int32 that wraps around. */
  readonly taken: SharedArrayBuffer;
  /** Where several threads serve the same configuration: what they count together. */
  readonly together?: Together;
}

/** One of several threads: all of them share the table. */
export interface Together {
  /** As in `shared_table.ts`. */
  readonly table: SharedArrayBuffer;
  readonly threads: number;
  /** Which of them it is, from 0. */
  readonly thread: number;
}

/** What a data thread begins with. */
export interface ThreadStart {
  readonly shared: SharedCounts;
  /** Of the lines of the access log. */
  readonly logFormat: LogFormat;
}

/** Who hears of a data thread. */
export interface Ear {
  hear(message: FromThread): void;
  /** The thread has come to an end that nobody wanted; nothing of it is left, and nothing more is heard of it. */
  failed(why: string): void;
}

/** A data thread as the platform gives it. */
export interface ThreadHandle {
  /** Wakes it for that. */
  say(message: ToThread): void;
  /** Ends it; nothing more is heard of it. Resolves when it is over, and so never where it is caught in a loop. */
  end(): Promise<void>;
}

/**
 * Starts a data thread: resolves when it can serve.
 * @throws {Error} If it cannot; the message says what is missing.
 */
export type StartThread = (start: ThreadStart, ear: Ear) => Promise<ThreadHandle>;

/** A data thread that is on its way before it is known whether one is wanted. */
export interface ThreadAhead {
  /** The first call takes it. */
  readonly startThread: StartThread;
  /** Ends it, unless it was taken. */
  readonly dismissThread: () => void;
}
