/**
 * The values of a file against the schema: what can be used of them, and everything that cannot.
 *
 * @module
 */
import type { RawTable } from "./document.ts";
import { findingsOf, holderOf, parseValues } from "./parse_values.ts";
import type { Finding, Path } from "./problem.ts";
import { fileSchema, type FileTable } from "./schema.ts";

/** A file whose keys hold what they should; those that do not are left out. */
export interface Validated {
  readonly file: FileTable;
  readonly findings: readonly Finding[];
  readonly broken: Broken;
}

/** The keys that were left out because something is wrong with them, so that nobody complains that they are missing. */
export class Broken {
  readonly #paths: ReadonlySet<string>;

  constructor(paths: readonly Path[]) {
    this.#paths = new Set(paths.map((path) => JSON.stringify(path)));
  }

  get isEmpty(): boolean {
    return this.#paths.size === 0;
  }

  /** Whether the key, or anything in its table, was left out. */
  touches(path: Path): boolean {
    const inside = JSON.stringify(path).slice(0, -1) + ",";
    return this.has(path) || [...this.#paths].some((other) => other.startsWith(inside));
  }

  has(path: Path): boolean {
    return !this.isEmpty && this.#paths.has(JSON.stringify(path));
  }
}

/**
 * Holds the values against the schema.
 * @param isTyped Whether a value came as text only because its source has nothing else: then it may be meant as a
 *   number, a switch or a list of one.
 */
export function validate(table: RawTable, isTyped: (path: Path) => boolean): Validated {
  const result = parseValues(fileSchema, table, isTyped);
  if (result.success) return { file: result.output, findings: [], broken: new Broken([]) };
  const findings = result.issues.flatMap(findingsOf);
  const cuts = findings.map(({ path }) => wholeKey(path));
  // The output has the shape of the schema but for the keys that are cut out now.
  const file = result.output as RawTable;
  for (const path of cuts) cutOut(file, path);
  return { file: file as FileTable, findings, broken: new Broken(cuts) };
}

function cutOut(table: RawTable, path: Path): void {
  const [holder, key] = holderOf(table, path);
  if (holder !== undefined) delete holder[key];
}

/** The key of a listener or an entry that `path` leads into: what is left out as a whole. */
function wholeKey(path: Path): Path {
  const [first] = path;
  if (first === "listeners" && path.length > 2) {
    return [...path.slice(0, 2), ...wholeKey(path.slice(2))];
  }
  return path.slice(
    0,
    first === "protocols" || first === "protocol" ? 3 : first === "listeners" ? 2 : 1,
  );
}
