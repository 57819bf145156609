/**
 * The variables that the texts of a file name.
 *
 * @module
 */
import type { Environment } from "../runtime/process.ts";
import { isTable, type RawTable } from "./document.ts";
import type { Finding, Path } from "./problem.ts";

/** A file whose texts hold the values of the variables that they named. */
export interface Expanded {
  readonly table: RawTable;
  /** Whether the text there named a variable. */
  readonly isExpanded: (path: Path) => boolean;
  readonly findings: readonly Finding[];
}

/** Names that every object has of itself: as keys they would be dropped further on, without a word. */
const RESERVED_NAMES = ["__proto__", "constructor", "prototype"];

/** Puts in the values of `${NAME}` and `${NAME:-default}`; the default is for a variable that is unset or empty. */
export function expandVariables(table: RawTable, env: Environment): Expanded {
  const expanded = new Set<string>();
  const findings: Finding[] = [];
  const expand = (value: unknown, path: Path): unknown => {
    if (typeof value === "string" && value.includes("${")) {
      expanded.add(JSON.stringify(path));
      return expandText(value, env, (message) => findings.push({ path, message }));
    }
    if (Array.isArray(value)) return value.map((item, i) => expand(item, [...path, i]));
    return isTable(value) ? expandTable(value, path) : value;
  };
  const expandTable = (table: RawTable, path: Path): RawTable =>
    Object.fromEntries(
      Object.entries(table).flatMap(([key, value]) => {
        const inner = [...path, key];
        if (!RESERVED_NAMES.includes(key)) return [[key, expand(value, inner)]];
        findings.push({ path: inner, message: "cannot be a name here", about: "key" });
        return [];
      }),
    );
  return {
    table: expandTable(table, []),
    isExpanded: (path) => expanded.has(JSON.stringify(path)),
    findings,
  };
}

/** `$${` for the characters themselves, or `${` up to `}`. */
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

function expandText(text: string, env: Environment, complain: (message: string) => void): string {
  return text.replace(REFERENCE, (all: string, inside: string | undefined, end: string) => {
    if (inside === undefined) return "${";
    const [, name, rest, preset] = /^([A-Za-z_]\w*)(:-(.*))?$/s.exec(inside) ?? [];
    if (name === undefined || end === "") {
      complain(
        `expected "\${NAME}" or "\${NAME:-default}", got "${all}"; ` +
          'for the characters themselves write "$${"',
      );
      return all;
    }
    const set = Object.hasOwn(env, name) ? env[name] : undefined;
    const value = set || (rest === undefined ? set : preset);
    if (value === undefined) {
      complain(`the variable ${name} is not set; "\${${name}:-default}" would give a default`);
    }
    return value ?? "";
  });
}
