/**
 * What the surroundings add to a file: values from the command line and the environment, and the variables that
 * its texts name.
 *
 * @module
 */
import type { Environment } from "../runtime/process.ts";
import { isTable, type RawTable } from "./document.ts";
import type { Finding, Path, Problem } from "./problem.ts";
import { FILE_KEYS, TABLE_KEYS } from "./schema.ts";
import { closest, didYouMean } from "./suggest.ts";

/** Values of keys of the top level that go before the file's. */
export interface OuterValues {
  readonly values: RawTable;
  /** By key, the name of the variable, or `command line`. */
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

const PREFIX = "SLUICE_";

/** Variables that are read by the command line, and not here. */
const COMMAND_LINE_VARIABLES = ["CONFIG", "LOG_LEVEL", "LOG_FORMAT", "LOG_DIR"]
  .map((name) => PREFIX + name);

/** What Kubernetes sets in every container beside a service that is called sluice. */
const SERVICE_VARIABLE = /^SLUICE_(SERVICE_(HOST|PORT)|PORT$|PORT_\d+_(TCP|UDP))/;

/** Keys that a variable can set: all that do not hold tables. */
const settable = new Map(
  FILE_KEYS.filter((key) => !TABLE_KEYS.includes(key))
    .map((key) => [PREFIX + key.toUpperCase(), key]),
);

/**
 * Collects `SLUICE_LISTEN_PORT` and its like, and what the command line says.
 * @param env An empty variable counts as unset.
 * @param overrides By key; they go before the environment.
 */
export function outerValues(
  env: Environment,
  overrides: Readonly<Record<string, string>>,
): OuterValues {
  const values: RawTable = {};
  const sources = new Map<string, string>();
  const problems: Problem[] = [];
  const set = (key: string, text: string, source: string) => {
    // What else it may be is seen when it does not fit (`validate.ts`).
    values[key] = text.includes(",")
      ? text.split(",").map((item) => item.trim()).filter((item) => item !== "")
      : text;
    sources.set(key, source);
  };
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || !text || SERVICE_VARIABLE.test(name)) continue;
    if (COMMAND_LINE_VARIABLES.includes(name)) continue;
    const key = settable.get(name);
    if (key !== undefined) set(key, text, name);
    else {
      problems.push({ source: name, message: `unknown variable${suggestion(name)}` });
    }
  }
  const keys = [...settable.values()];
  for (const [key, text] of Object.entries(overrides)) {
    if (keys.includes(key)) set(key, text, "command line");
    else {
      const message = `unknown key${didYouMean(key, keys)}`;
      problems.push({ source: "command line", key, message });
    }
  }
  return { values, sources, problems };
}

function suggestion(name: string): string {
  const known = [...settable.keys(), ...COMMAND_LINE_VARIABLES];
  // Without the prefix, which is alike in all of them.
  const meant = closest(name.slice(PREFIX.length), known.map((one) => one.slice(PREFIX.length)));
  return meant === undefined ? "" : `; did you mean "${PREFIX}${meant}"?`;
}

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
