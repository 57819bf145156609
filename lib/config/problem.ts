/**
 * What is wrong with a configuration: found by key, told by place.
 *
 * @module
 */

/** From the top of the file to a value: names of tables and keys, and indexes of lists. */
export type Path = readonly (string | number)[];

/** Something wrong, by the key that it is about. */
export interface Finding {
  readonly path: Path;
  /** What was expected, what was found, and what to do about it. */
  readonly message: string;
  /** Whether the key itself is wrong, and not its value. */
  readonly about?: "key";
  /** Whether the configuration can be used all the same. */
  readonly isWarning?: true;
}

/** Something wrong, for the user: what, and where to look. */
export interface Problem {
  /** The file, the environment variable or the command line. */
  readonly source: string;
  /** Counted from 1; absent where the source has no lines, or the whole file is meant. */
  readonly position?: Position;
  /** As {@linkcode formatPath} writes it; absent where no key is to blame. */
  readonly key?: string;
  readonly message: string;
}

/** Line and column, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a path stands in a file; `undefined` if neither it nor a table around it does. */
export type Locator = (path: Path, about?: "key") => Position | undefined;

/** Writes a problem as one line: `config.toml:14:9: protocols.web.target[0]: expected host:port, got "db"`. */
export function formatProblem({ source, position, key, message }: Problem): string {
  const place = position === undefined ? source : `${source}:${position.line}:${position.column}`;
  return [place, ...key === undefined ? [] : [key], message].join(": ");
}

/** Writes a path as it would be in TOML, with the indexes of lists in brackets. */
export function formatPath(path: Path): string {
  return path.map((step, i) => {
    if (typeof step === "number") return `[${step}]`;
    const name = formatKey(step);
    return i === 0 ? name : `.${name}`;
  }).join("");
}

/** Writes a key, in quotes where TOML asks for them. */
export function formatKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoteText(key);
}

/** Writes text in the quotes of TOML. JSON's escapes are TOML's, but it leaves DEL alone. */
export function quoteText(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}

/** Orders problems as they are reported: those without a place first, then as in the file. */
export function byPosition(a: Problem, b: Problem): number {
  return comparePositions(a.position, b.position);
}

/** Orders places as in the file; what has none comes first. */
export function comparePositions(a: Position | undefined, b: Position | undefined): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}

/** All problems, a line each, and how many they are. */
export function report(problems: readonly string[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [...problems, count, ""].join("\n");
}
