/**
 * Noticing that the configuration file has changed: its `stat` is polled, because that sees every way of changing
 * a file (written in place, renamed over, a symbolic link above it swapped) and needs no support by the file system.
 *
 * @module
 */
import type { Files } from "./runtime/process.ts";
import type { Clock, Timer } from "./runtime/runtime.ts";
import { systemReason } from "./system_error.ts";

/** Between two polls, ms. A change is acted on when two polls in a row have seen it: within a second. */
export const POLL_INTERVAL = 300;
/** A larger file is no configuration. */
const LONGEST_FILE = 16 * 1024 * 1024;

/** The configuration file, as a watch sees it. */
export interface ConfigFile {
  /** As the user wrote it. */
  readonly path: string;
  /** What tells one state of the file from another without reading it; never rejects: that it is missing is a state. */
  look(): Promise<string>;
  /** @throws {Error} If it cannot be read; the message says why. */
  read(): Promise<string>;
}

/** A file of the system, or what a symbolic link leads to. */
export function configFile(path: string, files: Files): ConfigFile {
  return {
    path,
    async look() {
      try {
        return (await files.stat(path)).version;
      } catch (error) {
        return systemReason(error);
      }
    },
    async read() {
      try {
        const { size } = await files.stat(path);
        if (size > LONGEST_FILE) throw new Error(`it has ${size} bytes, that is no configuration`);
        return await files.readText(path);
      } catch (error) {
        throw new Error(systemReason(error), { cause: error });
      }
    },
  };
}

/** Calls back when the file has changed and then stayed as it is for one interval. */
export class ConfigWatch {
  readonly #file: ConfigFile;
  readonly #clock: Clock;
  readonly #onChanged: () => Promise<void>;
  #timer: Timer | undefined;
  #closed = false;
  /** How the file looked at the last poll, and when it was last acted on. */
  #last: string;
  #known: string;

  /** @param seen How the file looked before it was read. */
  constructor(file: ConfigFile, seen: string, clock: Clock, onChanged: () => Promise<void>) {
    this.#file = file;
    this.#last = this.#known = seen;
    this.#clock = clock;
    this.#onChanged = onChanged;
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.setTimer(() => void this.#poll(), POLL_INTERVAL);
  }

  async #poll(): Promise<void> {
    const now = await this.#file.look();
    const settled = now === this.#last && now !== this.#known;
    this.#last = now;
    if (settled && !this.#closed) {
      this.#known = now;
      await this.#onChanged();
    }
    this.#schedule();
  }
}
