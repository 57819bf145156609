/**
 * Log files that are rotated by size.
 *
 * @module
 */
import { getRotatingFileSink } from "@logtape/file";
import type { LogRecord, Sink } from "@logtape/logtape";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemReason } from "./system_error.ts";

/** When a file would grow beyond this, it becomes `.1`, `.1` becomes `.2`, and so on. */
export const LOG_FILE_SIZE = 10 * 1024 * 1024;
/** So many old files are kept beside each current one. */
export const LOG_FILES_KEPT = 5;

/** A file that lines are appended to. */
export interface LogFile {
  readonly path: string;
  /** Resolves when the system has `lines`; the disk may get them later. Failures are told to LogTape's meta logger. */
  write(lines: string): Promise<void>;
  /** To be called after a failure, or when the file was taken away: the next write opens it anew. */
  reopen(): void;
  close(): Promise<void>;
}

/**
 * Opens `directory/name`, making the directory if it is missing.
 * @param size Most bytes in one file.
 * @throws {Error} If that is not possible; the message names the directory.
 */
export function openLogFile(directory: string, name: string, size = LOG_FILE_SIZE): LogFile {
  const path = join(directory, name);
  let taken = () => {};
  // LogTape says nothing when it takes what waits in its buffer, but that is when it encodes it.
  class TakenEncoder extends TextEncoder {
    override encode(text?: string) {
      taken();
      return super.encode(text);
    }
  }
  const open = () =>
    getRotatingFileSink(path, {
      maxSize: size,
      maxFiles: LOG_FILES_KEPT,
      // Its buffer stays empty: lines come in batches. Non-blocking, because it waits for the disk at each.
      bufferSize: 0,
      flushInterval: 0,
      nonBlocking: true,
      encoder: new TakenEncoder(),
      formatter: ({ rawMessage }) => String(rawMessage),
    }) as Sink & Partial<AsyncDisposable>;
  let sink: Sink & Partial<AsyncDisposable>;
  try {
    mkdirSync(directory, { recursive: true });
    sink = open();
  } catch (error) {
    throw new Error(`cannot write logs to ${path}: ${systemReason(error)}`, { cause: error });
  }
  let stale = false;
  return {
    path,
    async write(lines) {
      if (stale) {
        await sink[Symbol.asyncDispose]?.();
        mkdirSync(directory, { recursive: true });
        sink = open();
        stale = false;
      }
      const done = new Promise<void>((resolve) => taken = resolve);
      sink({ ...BLANK, timestamp: Date.now(), rawMessage: lines });
      await done;
    },
    reopen() {
      stale = true;
    },
    async close() {
      await sink[Symbol.asyncDispose]?.();
    },
  };
}

const BLANK: LogRecord = {
  category: [],
  level: "info",
  message: [],
  rawMessage: "",
  properties: {},
  timestamp: 0,
};
