/**
 * Lines as bytes, written piece by piece into memory that is used again. Strings that are put together would be many
 * small objects for each line, which V8's collector has to look after as long as the line waits.
 *
 * @module
 */

/** What it has room for at first, bytes; it grows with the lines that wait. */
const FIRST_SIZE = 4096;
/** Larger numbers are not whole 32-bit numbers to V8. */
const LARGE = 2 ** 30;

const ZERO = 0x30;
const SPACE = 0x20;

/** Lines of ASCII that wait to be taken. */
export class LineBuffer {
  #bytes = new Uint8Array(FIRST_SIZE);
  #length = 0;
  #count = 0;
  readonly #decoder = new TextDecoder();

  /** How many characters there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds characters of ASCII. */
  text(text: string): this {
    const start = this.#length;
    const bytes = this.#roomFor(text.length);
    for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
    return this;
  }

  /** Adds the digits of a whole number. */
  number(value: number): this {
    if (!(value >= 0 && value < LARGE)) return this.text(String(value));
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    const bytes = this.#roomFor(digits);
    let rest = value;
    for (let at = this.#length - 1; digits > 0; at--, digits--) {
      const next = (rest / 10) | 0;
      bytes[at] = ZERO + rest - 10 * next;
      rest = next;
    }
    return this;
  }

  /** Adds spaces until there are `length` characters, if there are fewer. */
  padTo(length: number): this {
    const start = this.#length;
    if (length <= start) return this;
    const bytes = this.#roomFor(length - start);
    // A call of `fill` takes longer than the few that there are.
    for (let at = start; at < length; at++) bytes[at] = SPACE;
    return this;
  }

  /** Ends the line. */
  end(): void {
    this.text("\n");
    this.#count++;
  }

  /** What there is; it begins anew. */
  take(): { readonly lines: string; readonly count: number } {
    const lines = this.#decoder.decode(this.#bytes.subarray(0, this.#length));
    const count = this.#count;
    this.#length = 0;
    this.#count = 0;
    return { lines, count };
  }

  /** The bytes, with so many more at the end, which are to be written. */
  #roomFor(more: number): Uint8Array {
    this.#length += more;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
