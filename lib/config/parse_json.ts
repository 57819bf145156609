/**
 * JSON text (RFC 8259) to values and places. JSON.parse tells neither where it failed nor that a key occurs twice.
 *
 * @module
 */
import { type Parsed, Places, type RawTable } from "./document.ts";
import type { Path, Position } from "./problem.ts";

/** Tables and lists within each other; no configuration has that many. */
const MAX_DEPTH = 100;

/** Reads JSON whose outermost value is an object. A key that occurs twice is an error. */
export function parseJson(text: string): Parsed {
  const places = new Places();
  const reader = new JsonReader(text, places);
  try {
    const table = reader.document();
    return { ok: true, document: { table, positions: () => Promise.resolve(places.locate) } };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return { ok: false, position: reader.position(error.at), message: error.message };
  }
}

class JsonFault extends Error {
  constructor(readonly at: number, message: string) {
    super(message);
  }
}

class JsonReader {
  readonly #text: string;
  readonly #places: Places;
  /** Where each line starts. */
  readonly #lines: readonly number[];
  #at = 0;

  constructor(text: string, places: Places) {
    this.#text = text;
    this.#places = places;
    this.#lines = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  document(): RawTable {
    const at = this.#skipSpace();
    if (this.#text[at] !== "{") throw new JsonFault(at, "expected {");
    const table = this.#object([]);
    const end = this.#skipSpace();
    if (end < this.#text.length) throw new JsonFault(end, "expected nothing after the last }");
    return table;
  }

  position(at: number): Position {
    const line = this.#lines.findLastIndex((start) => start <= at);
    return { line: line + 1, column: at - this.#lines[line]! + 1 };
  }

  #object(path: Path): RawTable {
    const table: RawTable = Object.create(null);
    this.#list("}", (keyAt) => {
      if (this.#text[keyAt] !== '"') throw new JsonFault(keyAt, "expected a key in quotes");
      const key = this.#string();
      if (key in table) throw new JsonFault(keyAt, `"${key}" is there already`);
      const colon = this.#skipSpace();
      if (this.#text[colon] !== ":") throw new JsonFault(colon, "expected : after the key");
      this.#at++;
      const valueAt = this.#skipSpace();
      this.#places.note([...path, key], this.position(keyAt), this.position(valueAt));
      table[key] = this.#value([...path, key]);
    });
    return table;
  }

  #array(path: Path): unknown[] {
    const values: unknown[] = [];
    this.#list("]", (at) => {
      const item = [...path, values.length];
      this.#places.note(item, this.position(at), this.position(at));
      values.push(this.#value(item));
    });
    return values;
  }

  /** Reads the opening bracket, what `item` reads, separated by commas, and `close`. */
  #list(close: string, item: (at: number) => void): void {
    this.#at++;
    let at = this.#skipSpace();
    for (let first = true; this.#text[at] !== close; first = false) {
      if (!first) {
        if (this.#text[at] !== ",") throw new JsonFault(at, `expected , or ${close}`);
        this.#at++;
        at = this.#skipSpace();
      }
      item(at);
      at = this.#skipSpace();
    }
    this.#at++;
  }

  #value(path: Path): unknown {
    if (path.length > MAX_DEPTH) throw new JsonFault(this.#at, "too many levels");
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(path);
      case "[":
        return this.#array(path);
      case '"':
        return this.#string();
      default:
        return this.#word();
    }
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (this.#text[end] !== '"') {
      end += this.#text[end] === "\\" ? 2 : 1;
      if (end >= this.#text.length) throw new JsonFault(start, "this text has no closing quote");
    }
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, this.#at));
    } catch {
      throw new JsonFault(start, "this text has a line break or an escape that JSON does not know");
    }
  }

  /** Reads a number, `true`, `false` or `null`. */
  #word(): unknown {
    const start = this.#at;
    const [word] = /[^\s,:\[\]{}"]*/y.exec(this.#text.slice(start)) ?? [""];
    try {
      const value: unknown = JSON.parse(word);
      this.#at += word.length;
      return value;
    } catch {
      throw new JsonFault(
        start,
        word === "" ? "expected a value" : `expected a value, got ${word}`,
      );
    }
  }

  /** Moves past white space and returns where it ends. */
  #skipSpace(): number {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#at;
  }
}
