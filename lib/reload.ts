/**
 * From a changed file to the running configuration: all of it or nothing, and one line that says which.
 *
 * @module
 */
import type { Config } from "./config/config.ts";
import { describeChanges } from "./config_diff.ts";
import type { Loaded } from "./config_file.ts";
import type { ConfigFile } from "./config_watch.ts";
import type { Log } from "./log.ts";
import type { Clock } from "./runtime/runtime.ts";

export interface ReloadParts {
  readonly file: ConfigFile;
  /** Never rejects: what is wrong with the text is part of the result. */
  readonly load: (text: string) => Promise<Loaded>;
  /** @throws {Error} If the configuration cannot be made to run; then the one before still does. */
  readonly apply: (config: Config) => Promise<void>;
  readonly log: Log;
  readonly clock: Clock;
}

/** What runs, and what was last wrong with the file. */
export class Reload {
  readonly #parts: ReloadParts;
  #running: { readonly text: string; readonly config: Config };
  #since: number;
  /** What was said about the file, so that it is said once; absent when there is nothing wrong with it. */
  #complaint: string | undefined;
  #closed = false;
  #last: Promise<void> = Promise.resolve();
  /** A reload that has not begun, and so will see what changed until then too. */
  #next: Promise<void> | undefined;
  #asked = false;

  /** @param running What runs already. */
  constructor(running: { readonly text: string; readonly config: Config }, parts: ReloadParts) {
    this.#running = running;
    this.#since = parts.clock.date();
    this.#parts = parts;
  }

  /** What runs. */
  get config(): Config {
    return this.#running.config;
  }

  /** When what runs was taken up, ms since 1970. */
  get since(): number {
    return this.#since;
  }

  /** Whether there was nothing wrong with the file when it was last looked at. */
  get isGood(): boolean {
    return this.#complaint === undefined;
  }

  /** Changes nothing from now on. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Makes what the file says now run, if it is good. One reload at a time; never rejects.
   * @param asked Whether somebody wants an answer even if there is nothing to do.
   */
  reload(asked: boolean): Promise<void> {
    this.#asked ||= asked;
    return this.#next ??= this.#last = this.#last.then(() => {
      const asked = this.#asked;
      this.#asked = false;
      this.#next = undefined;
      return this.#reload(asked);
    });
  }

  async #reload(asked: boolean): Promise<void> {
    const { file, load, apply, log, clock } = this.#parts;
    const start = clock.now();
    const complain = (complaint: string) => this.#complain(complaint, asked);
    const text = await file.read().catch((error: Error) => error);
    if (this.#closed) return;
    if (text instanceof Error) return complain(`cannot read ${file.path}: ${text.message}`);
    if (text === this.#running.text) return this.#unchanged(asked);
    const loaded = await load(text);
    if (this.#closed) return;
    if (!loaded.ok) return complain(summary(loaded.problems));
    try {
      await apply(loaded.config);
    } catch (error) {
      return complain(error instanceof Error ? error.message : String(error));
    }
    const changes = describeChanges(this.#running.config, loaded.config);
    this.#running = { text, config: loaded.config };
    this.#since = clock.date();
    this.#complaint = undefined;
    for (const warning of loaded.warnings) log.warning(warning);
    log.info(`reloaded ${file.path}: ${changes} (${Math.ceil(clock.now() - start)} ms)`);
  }

  #unchanged(asked: boolean): void {
    const { file, log } = this.#parts;
    if (this.#complaint !== undefined) log.info(`${file.path} is again what runs`);
    else if (asked) log.info(`${file.path} is unchanged`);
    this.#complaint = undefined;
  }

  #complain(complaint: string, asked: boolean): void {
    if (complaint === this.#complaint && !asked) return;
    this.#complaint = complaint;
    this.#parts.log.error(`not reloaded, what ran goes on: ${complaint}`);
  }
}

/** One line, however many problems there are. */
function summary([first = "", ...more]: readonly string[]): string {
  if (more.length === 0) return first;
  return `${first} (and ${more.length} more: \`sluice check\` lists them)`;
}
