/**
 * The values of a file against the schema: what can be used of them, and everything that cannot.
 *
 * @module
 */
import * as v from "valibot";
import { isTable, type RawTable } from "./document.ts";
import type { Finding, Path } from "./problem.ts";
import { fileSchema, type FileTable } from "./schema.ts";
import { MISSING } from "./shapes.ts";

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
  let result = v.safeParse(fileSchema, table);
  if (!result.success) {
    for (const { path, issue } of result.issues.flatMap((issue) => leaves(issue))) {
      if (isTyped(path)) retype(table, path, issue.expected);
    }
    result = v.safeParse(fileSchema, table);
  }
  if (result.success) return { file: result.output, findings: [], broken: new Broken([]) };
  const findings = result.issues.flatMap(findingsOf);
  const cuts = findings.map(({ path }) => wholeKey(path));
  // The output has the shape of the schema but for the keys that are cut out now.
  const file = result.output as RawTable;
  for (const path of cuts) cutOut(file, path);
  return { file: file as FileTable, findings, broken: new Broken(cuts) };
}

/** Replaces a text by the number, the switch or the list of one that it was meant to be. */
function retype(table: RawTable, path: Path, expected: string | null): void {
  const [holder, key] = locate(table, path);
  const text = holder?.[key];
  if (holder === undefined || typeof text !== "string") return;
  // A number, or a word that the text is not: `("auto" | number)`.
  const isNumber = expected === "number" || expected?.endsWith("| number)");
  if (isNumber && /^-?\d+(\.\d+)?$/.test(text)) holder[key] = Number(text);
  if (expected === "boolean" && /^(true|false)$/.test(text)) holder[key] = text === "true";
  if (expected === "Array") holder[key] = [text];
}

function cutOut(table: RawTable, path: Path): void {
  const [holder, key] = locate(table, path);
  if (holder !== undefined) delete holder[key];
}

/** The table or list that holds the last step of `path`, and that step. */
function locate(table: RawTable, path: Path): [RawTable | undefined, string | number] {
  let holder: unknown = table;
  for (const step of path.slice(0, -1)) {
    holder = typeof holder === "object" && holder !== null ? (holder as RawTable)[step] : undefined;
  }
  return [isTable(holder) || Array.isArray(holder) ? holder as RawTable : undefined, path.at(-1)!];
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

/** What the library found, as findings. */
export function findingsOf(issue: v.BaseIssue<unknown>): readonly Finding[] {
  return leaves(issue).map(({ path, issue: { path: steps, message } }) => {
    const about = steps?.at(-1)?.origin === "key" && message !== MISSING;
    return { path, message, ...about && { about: "key" } };
  });
}

/** The issue itself, or where alternatives have all failed, the issues of the one that the value was meant for. */
function leaves(
  issue: v.BaseIssue<unknown>,
  outer: Path = [],
): readonly { readonly path: Path; readonly issue: v.BaseIssue<unknown> }[] {
  const path = [...outer, ...issue.path?.map(({ key }) => key as string | number) ?? []];
  const meant = issue.issues?.filter(({ kind, path }) => kind !== "schema" || path !== undefined);
  return meant === undefined || meant.length === 0
    ? [{ path, issue }]
    : meant.flatMap((inner) => leaves(inner, path));
}
