/**
 * TOML text to values, and, for who has to point at them, to places.
 *
 * @module
 */
import { parse, TomlError } from "smol-toml";
import type { AST } from "toml-eslint-parser";
import { type Parsed, Places } from "./document.ts";
import type { Locator, Path, Position } from "./problem.ts";

/** Reads TOML 1.0. A key that occurs twice is a syntax error. */
export function parseToml(text: string): Parsed {
  try {
    const table = parse(text);
    return { ok: true, document: { table, positions: () => positions(text) } };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column, message } = error;
    const [, what = message] = /^Invalid TOML document: (.*)/.exec(message) ?? [];
    return { ok: false, position: { line, column }, message: EXPLAINED[what] ?? what };
  }
}

/** What smol-toml says, where it can be said more plainly. */
const EXPLAINED: Readonly<Record<string, string>> = {
  "trying to redefine an already defined value": "this key is there already",
  "trying to redefine an already defined table or value": "this key or table is there already",
  "each key-value declaration must be followed by an end-of-line":
    "expected the end of the line after the value",
  "illegal character in key":
    "expected key = value; a key has letters, digits, - and _, or stands in quotes",
  "incomplete key-value: cannot find end of key": "expected key = value",
  "invalid value": 'expected a value; text is written in quotes: key = "text"',
};

/** Where every key and value stands. Loads a second parser: this one is for the bad day alone. */
async function positions(text: string): Promise<Locator> {
  const { parseTOML } = await import("toml-eslint-parser");
  const places = new Places();
  const note = (path: Path, key: AST.HasLocs, value: AST.HasLocs = key) =>
    places.note(path, start(key), start(value));
  const noteValue = (path: Path, value: AST.TOMLContentNode) => {
    if (value.type === "TOMLArray") {
      value.elements.forEach((element, i) => {
        note([...path, i], element);
        noteValue([...path, i], element);
      });
    } else if (value.type === "TOMLInlineTable") {
      for (const pair of value.body) notePair(path, pair);
    }
  };
  const notePair = (table: Path, { key, value }: AST.TOMLKeyValue) => {
    const path = [...table, ...key.keys.map(nameOf)];
    for (let end = table.length + 1; end < path.length; end++) note(path.slice(0, end), key);
    note(path, key, value);
    noteValue(path, value);
  };
  for (const node of parseTOML(text, { tomlVersion: "1.1" }).body[0].body) {
    if (node.type === "TOMLKeyValue") {
      notePair([], node);
      continue;
    }
    const path = node.resolvedKey;
    for (let end = 1; end <= path.length; end++) note(path.slice(0, end), node);
    for (const pair of node.body) notePair(path, pair);
  }
  return places.locate;
}

function start({ loc }: AST.HasLocs): Position {
  return { line: loc.start.line, column: loc.start.column + 1 };
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}
