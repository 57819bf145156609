/**
 * What the surroundings add to a file: values from the command line and the environment.
 *
 * @module
 */
import type { Environment } from "../runtime/process.ts";
import type { RawTable } from "./document.ts";
import type { Problem } from "./problem.ts";
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
const COMMAND_LINE_VARIABLES = [
  "CONFIG",
  "LOG_LEVEL",
  "LOG_FORMAT",
  "LOG_DIR",
  "EDGE",
  "TOKEN",
  "BASIC_AUTH",
].map((name) => PREFIX + name);

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
