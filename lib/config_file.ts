/**
 * A configuration file read and resolved, and what is wrong with it in lines for people.
 *
 * @module
 */
import type { Config } from "./config/config.ts";
import { formatProblem, loadConfig } from "./config/mod.ts";
import type { ConfigFile } from "./config_watch.ts";
import type { Environment } from "./runtime/process.ts";

export type Loaded =
  | {
    readonly ok: true;
    readonly text: string;
    readonly config: Config;
    /** A line each. */
    readonly warnings: readonly string[];
  }
  /** A line each: `file:line:column: key: what is wrong`. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** A file, and what goes before what it says. */
export interface ConfigSource {
  readonly file: ConfigFile;
  readonly env: Environment;
  /** Keys of the top level and their values as text, from the command line. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** Reads the file and resolves it; never rejects. */
export async function loadFile(source: ConfigSource): Promise<Loaded> {
  const { file } = source;
  try {
    return await loadText(await file.read(), source);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = why.startsWith("no such file") ? "; `sluice init` writes one to start from" : "";
    return { ok: false, problems: [`${file.path}: cannot be read: ${why}${hint}`] };
  }
}

/** Resolves what the file says now. */
export async function loadText(
  text: string,
  { file, env, overrides }: ConfigSource,
): Promise<Loaded> {
  const loaded = await loadConfig(text, { file: file.path, env, overrides });
  return loaded.ok
    ? { ok: true, text, config: loaded.config, warnings: loaded.warnings.map(formatProblem) }
    : { ok: false, problems: loaded.problems.map(formatProblem) };
}
