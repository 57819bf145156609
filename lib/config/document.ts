/**
 * A configuration file as its parser leaves it: values, and places on demand.
 *
 * @module
 */
import type { Locator, Path, Position } from "./problem.ts";

/** A table of a file, not yet looked at. */
export type RawTable = Record<string, unknown>;

/** The values of a file. */
export interface Document {
  readonly table: RawTable;
  /** Where they stand. */
  positions(): Promise<Locator>;
}

/** What a parser makes of a text. */
export type Parsed =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly position: Position; readonly message: string };

/** Where every key and value of a file stands, noted while it is parsed. */
export class Places {
  readonly #places = new Map<string, { readonly key: Position; readonly value: Position }>();

  /** Notes where a key and its value start. A table that is opened again stays where it was first. */
  note(path: Path, key: Position, value: Position): void {
    const name = JSON.stringify(path);
    if (!this.#places.has(name)) this.#places.set(name, { key, value });
  }

  /** Finds a key or its value, or else the innermost table or list around it. */
  readonly locate: Locator = (path, about) => {
    for (let end = path.length; end > 0; end--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, end)));
      if (place !== undefined) {
        return about === "key" || end < path.length ? place.key : place.value;
      }
    }
    return undefined;
  };
}

/** Whether a value is a table: neither a list nor a date. */
export function isTable(value: unknown): value is RawTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}
