/**
 * The process as Bun shows it.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises";
import process from "node:process";
import { isatty } from "node:tty";
import { bun, type FileSink } from "./bun_api.ts";
import type { Files, Output, Process, Signal } from "./process.ts";

/** This process. */
export function bunProcess(): Process {
  return {
    args: process.argv.slice(2),
    env: { ...process.env },
    stdout: output(1, () => bun().stdout.writer(), () => process.stdout.columns),
    stderr: output(2, () => bun().stderr.writer(), () => process.stderr.columns),
    files,
    onSignal(signal: Signal, callback: () => void) {
      process.on(signal, callback);
      return () => process.off(signal, callback);
    },
  };
}

const files: Files = {
  async stat(path) {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return { size, version: [dev, ino, size, mtimeMs, ctimeMs].join(" ") };
  },
  readText: (path) => readFile(path, "utf8"),
};

/** Bun's own writer: it holds up nothing else, and does not end the process when the reader is gone. */
function output(
  descriptor: number,
  open: () => FileSink,
  columns: () => number | undefined,
): Output {
  let sink: FileSink | undefined;
  const isTerminal = isatty(descriptor);
  return {
    isTerminal,
    get columns() {
      return isTerminal ? columns() : undefined;
    },
    async write(text) {
      sink ??= open();
      await sink.write(text);
      await sink.flush();
    },
  };
}
