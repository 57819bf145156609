/**
 * The configuration: text to {@linkcode Config}, or everything that is wrong with it.
 *
 * ```
 * text → values (parse_toml, parse_json) → variables put in, environment over it (env) → types (validate, schema)
 *      → listeners with what they inherit (inherit) → contradictions (check …) → Config (resolve)
 * ```
 *
 * @module
 */
import type { Environment } from "../runtime/process.ts";
import { check } from "./check.ts";
import { checkEch } from "./check_ech.ts";
import type { Config } from "./config.ts";
import type { Document } from "./document.ts";
import { type OuterValues, outerValues } from "./env.ts";
import { type ListenerSource, listenerSources, losesOrder } from "./inherit.ts";
import { isL4Proxy, readL4Proxy } from "./l4_proxy.ts";
import { locate } from "./locate.ts";
import { parseJson } from "./parse_json.ts";
import { parseToml } from "./parse_toml.ts";
import { type Finding, formatPath, type Path, type Problem } from "./problem.ts";
import { resolve } from "./resolve.ts";
import type { FileTable } from "./schema.ts";
import { validate } from "./validate.ts";
import { expandVariables } from "./variables.ts";

export { formatProblem } from "./problem.ts";
export type { Problem } from "./problem.ts";

export interface LoadOptions {
  /** What to call the file in problems. */
  readonly file: string;
  /** Without it, the ending of the file's name decides: `.json`, else TOML. */
  readonly format?: "toml" | "json";
  readonly env?: Environment;
  /** Keys of the top level and their values as text; they go before the environment, and that before the file. */
  readonly overrides?: Readonly<Record<string, string>>;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Loads a configuration. Pure: reading the file is the caller's.
 * @param text The file's content.
 * @returns The configuration, or all problems at once, in the order of the file.
 */
export async function loadConfig(text: string, options: LoadOptions): Promise<Loaded> {
  const { file: source, env = {}, overrides = {} } = options;
  const format = options.format ?? (source.toLowerCase().endsWith(".json") ? "json" : "toml");
  const plain = text.replace(/^\ufeff/, ""); // what editors of Windows put first
  const parsed = format === "json" ? parseJson(plain) : parseToml(plain);
  const outer = outerValues(env, overrides);
  if (!parsed.ok) {
    const { position, message } = parsed;
    return { ok: false, problems: [...outer.problems, { source, position, message }] };
  }
  const { document } = parsed;
  const { file, sources, findings } = await understand(document, format, env, outer);
  const faults = findings.filter(({ isWarning }) => !isWarning);
  if (faults.length > 0 || outer.problems.length > 0 || file === undefined) {
    const problems = await locate(faults, document, source, outer.sources);
    return { ok: false, problems: [...outer.problems, ...problems] };
  }
  const warnings = await locate(findings, document, source, outer.sources);
  return { ok: true, config: resolve(file, sources), warnings };
}

interface Understood {
  /** Absent where there was too little to go on. */
  readonly file?: FileTable;
  readonly sources: readonly ListenerSource[];
  readonly findings: readonly Finding[];
}

/** The file's values with their types, its listeners, and what is wrong with them. */
async function understand(
  document: Document,
  format: "toml" | "json",
  env: Environment,
  outer: OuterValues,
): Promise<Understood> {
  const { table, isExpanded, findings } = expandVariables(document.table, env);
  const isTyped = (path: Path) =>
    isExpanded(path) || path.length === 1 && outer.sources.has(String(path[0]));
  const isForeign = format === "json" && isL4Proxy(table);
  const own = validate(isForeign ? outer.values : { ...table, ...outer.values }, isTyped);
  const foreign = isForeign ? readL4Proxy(table) : { file: {}, findings: [] };
  // What came of a variable that is not set is no news.
  const known = new Set(findings.map(({ path }) => formatPath(path)));
  const wrong = [...foreign.findings, ...own.findings]
    .filter(({ path }) => !known.has(formatPath(path))).concat(findings);
  if (foreign.findings.length > 0) return { sources: [], findings: wrong };
  const file = { ...foreign.file, ...own.file };
  const order = losesOrder(file) ? await document.positions() : undefined;
  const sources = listenerSources(file, own.broken, order);
  const keys = await checkEch(sources.flatMap(({ entries }) => entries));
  return { file, sources, findings: [...wrong, ...check(file, sources, own.broken), ...keys] };
}
