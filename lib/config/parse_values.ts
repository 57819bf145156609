/**
 * Values against a schema, and what the library says of those that do not fit.
 *
 * @module
 */
import * as v from "valibot";
import { isTable, type RawTable } from "./document.ts";
import type { Finding, Path } from "./problem.ts";
import { MISSING } from "./shapes.ts";

/**
 * Holds the values against a schema.
 * @param isTyped Whether a value came as text only because its source has nothing else: then it may be meant as a
 *   number, a switch or a list of one.
 */
export function parseValues<Schema extends v.GenericSchema>(
  schema: Schema,
  table: RawTable,
  isTyped: (path: Path) => boolean,
): v.SafeParseResult<Schema> {
  const result = v.safeParse(schema, table);
  if (result.success) return result;
  for (const { path, issue } of result.issues.flatMap((issue) => leaves(issue))) {
    if (isTyped(path)) retype(table, path, issue.expected);
  }
  return v.safeParse(schema, table);
}

/** Replaces a text by the number, the switch or the list of one that it was meant to be. */
function retype(table: RawTable, path: Path, expected: string | null): void {
  const [holder, key] = holderOf(table, path);
  const text = holder?.[key];
  if (holder === undefined || typeof text !== "string") return;
  // A number, or a word that the text is not: `("auto" | number)`.
  const isNumber = expected === "number" || expected?.endsWith("| number)");
  if (isNumber && /^-?\d+(\.\d+)?$/.test(text)) holder[key] = Number(text);
  if (expected === "boolean" && /^(true|false)$/.test(text)) holder[key] = text === "true";
  if (expected === "Array") holder[key] = [text];
}

/** The table or list that holds the last step of `path`, and that step. */
export function holderOf(table: RawTable, path: Path): [RawTable | undefined, string | number] {
  let holder: unknown = table;
  for (const step of path.slice(0, -1)) {
    holder = typeof holder === "object" && holder !== null ? (holder as RawTable)[step] : undefined;
  }
  return [isTable(holder) || Array.isArray(holder) ? holder as RawTable : undefined, path.at(-1)!];
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
