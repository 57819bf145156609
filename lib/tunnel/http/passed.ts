/**
 * What is passed on of a piece of a stream.
 *
 * @module
 */

/** Collects views and new bytes; views that lie side by side are passed on without a copy. */
export class Passed {
  #parts: Uint8Array[] = [];

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const last = this.#parts.at(-1);
    if (last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      const length = last.length + bytes.length;
      this.#parts[this.#parts.length - 1] = new Uint8Array(last.buffer, last.byteOffset, length);
    } else this.#parts.push(bytes);
  }

  /** All of it in a row. */
  get bytes(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : concat(this.#parts);
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
