/**
 * Where sluice's own lines and the access log go.
 *
 * @module
 */
import { configure, dispose, getLogger, type LogRecord, type Sink } from "@logtape/logtape";
import { type ConnectionRecord, RECORD_FORMATS } from "./access_log.ts";
import { LineBuffer } from "./line_buffer.ts";
import { LineWriter } from "./line_writer.ts";
import type { LogFile } from "./log_files.ts";
import { json, type LogFormat, printable, quoted, word } from "./log_text.ts";
import type { Output } from "./runtime/process.ts";
import type { Clock } from "./runtime/runtime.ts";
import type { Sums, Tally } from "./tally.ts";

/** What the rest of sluice sees of its log. */
export interface Log {
  /** A connection has ended. */
  access(record: ConnectionRecord): void;
  debug(message: string, properties?: LogProperties): void;
  info(message: string, properties?: LogProperties): void;
  warning(message: string, properties?: LogProperties): void;
  error(message: string, properties?: LogProperties): void;
}

/** What the connections and flows leave behind that have ended in another thread. */
export interface AccessBatch {
  /** Their lines, as text. */
  readonly lines: string;
  /** How many lines. */
  readonly count: number;
  readonly sums: Sums;
}

/** The log as the main thread has it, which hears of the ends in other threads, too. */
export interface MainLog extends Log {
  /** How the lines of the access log are to be written. */
  readonly format: LogFormat;
  /** Connections have ended in another thread. */
  accessBatch(batch: AccessBatch): void;
}

/** What a line says beside its message: `key=value` in text, members of the object in JSON. */
export type LogProperties = Readonly<Record<string, string | number | boolean | undefined>>;

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

export interface LogOptions {
  /** Lines of its own below this are left out. The access log has no level. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Where `sluice.log` and `access.log` are written; absent: its own lines go to `stderr`, access lines to `stdout`. */
  readonly directory?: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether lines on `stderr` are coloured. */
  readonly colour: boolean;
  readonly clock: Clock;
}

/** A log that is open. There is one at a time: LogTape's configuration is the process's. */
export interface OpenLog extends MainLog {
  /** Makes the files anew, when somebody has moved them away. */
  reopen(): void;
  /** Resolves when every line so far has been written. */
  close(): Promise<void>;
}

/**
 * Opens the log.
 * @throws {Error} If the directory cannot be written to; the message says why.
 */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const { clock, colour, format, level } = options;
  const line = (level: LogLevel) => (text: string, properties: LogProperties = {}) =>
    // Not `info()` and its like: they would look for `{placeholders}` in names that strangers chose.
    logger.emit({ timestamp: clock.date(), level, message: [text], rawMessage: text, properties });
  const warning = line("warning");
  const { own, access, terminal, files } = await openWriters(options, warning);

  const formatOwn = format === "json" ? formatLineAsJson : formatLine;
  const onTerminal: Sink = (record) => terminal.write(formatOwn(record, colour));
  const onFile: Sink = (record) => own.write(formatOwn(record, false));
  await configure({
    reset: true,
    sinks: {
      own: own === terminal ? onTerminal : onFile,
      trouble: fileTrouble(files, clock, onTerminal),
    },
    loggers: [
      { category: "sluice", lowestLevel: level, sinks: ["own"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["trouble"] },
    ],
  });
  const logger = getLogger("sluice");

  const writeRecord = RECORD_FORMATS[format];
  const accessLine = new LineBuffer();
  return {
    format,
    access: (record) => {
      if (record.hop !== undefined) return;
      writeRecord(record, accessLine);
      access.write(accessLine.take().lines);
    },
    accessBatch: ({ lines, count }) => access.writeBatch(lines, count),
    debug: line("debug"),
    info: line("info"),
    warning,
    error: line("error"),
    reopen: () => files.forEach((file) => file.reopen()),
    async close() {
      await access.flush();
      await own.flush();
      for (const file of files) await file.close();
      await terminal.flush();
      await dispose();
    },
  };
}

/** The same log, with everybody counted who has ended. */
export function counted(log: MainLog, tally: Tally): MainLog {
  return {
    ...log,
    access(record) {
      tally.count(record);
      log.access(record);
    },
    accessBatch(batch) {
      tally.add(batch.sums);
      log.accessBatch(batch);
    },
  };
}

interface Writers {
  readonly own: LineWriter;
  readonly access: LineWriter;
  /** Where it is told when the files cannot be written to; the same as `own` when there are none. */
  readonly terminal: LineWriter;
  readonly files: readonly LogFile[];
}

async function openWriters(
  options: LogOptions,
  warn: (text: string) => void,
): Promise<Writers> {
  const { clock, directory, stdout, stderr } = options;
  const writer = (what: string, batched: boolean, write: (lines: string) => Promise<void>) =>
    new LineWriter({
      clock,
      write,
      batched,
      onDropped: (lines) =>
        warn(
          `lines lost from the ${what}: ${lines}; they could not be written fast enough, or at all`,
        ),
    });
  const terminal = writer("log", false, stderr.write);
  if (directory === undefined) {
    return { own: terminal, access: writer("access log", true, stdout.write), terminal, files: [] };
  }
  const { openLogFile } = await import("./log_files.ts");
  const sluiceLog = openLogFile(directory, "sluice.log");
  const accessLog = openLogFile(directory, "access.log");
  return {
    own: writer("log", true, sluiceLog.write),
    access: writer("access log", true, accessLog.write),
    terminal,
    files: [sluiceLog, accessLog],
  };
}

/** At most one complaint about log files in this time, ms. */
const TROUBLE_INTERVAL = 60_000;

/** Takes what LogTape says about files that could not be written: they are opened anew, and `tell` hears it now and then. */
function fileTrouble(files: readonly LogFile[], clock: Clock, tell: Sink): Sink {
  let told = -Infinity;
  return (record) => {
    const file = files.find(({ path }) => path === record.properties["path"]);
    if (file === undefined) return;
    file.reopen();
    if (clock.now() - told < TROUBLE_INTERVAL) return;
    told = clock.now();
    const text = `cannot write to ${file.path}: ${record.properties["error"]}`;
    tell({ ...record, level: "error", message: [text], rawMessage: text, properties: {} });
  };
}

const LEVEL_COLOURS: Readonly<Record<LogRecord["level"], string>> = {
  trace: "2",
  debug: "2",
  info: "32",
  warning: "33",
  error: "31",
  fatal: "31",
};

/** The time, the level, the message, and the properties as `key=value`. */
function formatLine(record: LogRecord, coloured: boolean): string {
  const { timestamp, level, rawMessage, properties } = record;
  const name = level.padEnd(7);
  let line = `${new Date(timestamp).toISOString()} ` +
    `${coloured ? `\x1b[${LEVEL_COLOURS[level]}m${name}\x1b[0m` : name} ${
      printable(`${rawMessage}`)
    }`;
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    const text = String(value);
    line += ` ${key}=${text.includes(" ") ? quoted(text) : word(text)}`;
  }
  return `${line}\n`;
}

/** The same as a JSON object on one line. */
function formatLineAsJson({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  return `${json({ time, level, message: rawMessage, ...properties })}\n`;
}
