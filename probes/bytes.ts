/**
 * Reading bytes that may not all have arrived yet.
 *
 * Every read of every parser goes through {@linkcode ByteReader}; its one bounds check is the only one
 * there is. Running short means one of two things: at the open end of a stream, *more is needed*; inside
 * a length prefix, or after the end of the stream, *malformed*.
 *
 * @module
 */

/**
 * Thrown by a reader that ran out of bytes, caught by `attempt()` alone, so it never leaves a parser.
 * It is no `Error`: nothing went wrong, and a stack trace would cost more than the parse.
 */
export class Shortage {
  /** @param wanted Bytes of the head, counted from its start, that the read needed; `undefined` if no number of them would do. */
  constructor(readonly wanted: number | undefined) {}
}

/** A cursor over bytes. All multi-byte integers are big-endian unless the name says otherwise. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #open: boolean;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  /**
   * @param bytes What has arrived.
   * @param open Whether more may arrive behind it. The children that {@linkcode take} makes are closed.
   * @param start Where it begins to read, and `end` where its bytes end: a view would be an object more.
   */
  constructor(bytes: Uint8Array, open: boolean, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#open = open;
    this.#start = this.#at = start;
    this.#end = end;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#at - this.#start;
  }

  /** Bytes that are here and unread. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /**
   * Moves past `count` bytes and returns where they start: the one bounds check.
   * @throws {Shortage} If they are not all here.
   */
  #advance(count: number): number {
    const start = this.#at;
    if (count > this.#end - start) {
      throw new Shortage(this.#open ? start - this.#start + count : undefined);
    }
    this.#at = start + count;
    return start;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return this.#bytes[at]! << 8 | this.#bytes[at + 1]!;
  }

  u16le(): number {
    const at = this.#advance(2);
    return this.#bytes[at + 1]! << 8 | this.#bytes[at]!;
  }

  u24(): number {
    return this.u8() << 16 | this.u16();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  u32le(): number {
    return this.u16le() + this.u16le() * 0x1_0000;
  }

  /** Moves past `count` bytes. */
  skip(count: number): void {
    this.#advance(count);
  }

  /** The next `count` bytes, as a view of the head: not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** The next `count` bytes as text, one character a byte: byte 0x80 is U+0080. */
  text(count: number): string {
    // Not TextDecoder("latin1"): that is Windows-1252, where 0x80 is the euro sign, and slower on short text.
    const bytes = this.#bytes;
    const end = this.#advance(count) + count;
    let text = "";
    let i = end - count;
    // Each addition is a string more for the collector, so there is one for eight characters.
    for (; i + 8 <= end; i += 8) {
      text += String.fromCharCode(
        bytes[i]!,
        bytes[i + 1]!,
        bytes[i + 2]!,
        bytes[i + 3]!,
        bytes[i + 4]!,
        bytes[i + 5]!,
        bytes[i + 6]!,
        bytes[i + 7]!,
      );
    }
    for (; i < end; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }

  /** The next `count` bytes as text; after the end of the stream, as many as there are. */
  prefix(count: number): string {
    return this.text(this.#open ? count : Math.min(count, this.remaining));
  }

  /** A closed reader over the next `count` bytes: running short inside it is malformed. */
  take(count: number): ByteReader {
    const at = this.#advance(count);
    return new ByteReader(this.#bytes, false, at, at + count);
  }

  /** Everything unread, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** The byte `ahead` bytes from here, left unread. */
  peek(ahead = 0): number {
    const at = this.#at;
    const found = this.#bytes[this.#advance(ahead + 1) + ahead]!;
    this.#at = at;
    return found;
  }

  /**
   * Whether the next bytes are `literal` (ASCII); read if so, left unread if not.
   * The first byte that differs decides, so a stranger is told apart without waiting for more.
   * @throws {Shortage} If all that is here agrees and the rest is missing; one more byte may tell.
   */
  starts(literal: string): boolean {
    const here = Math.min(literal.length, this.remaining);
    for (let i = 0; i < here; i++) {
      if (this.#bytes[this.#at + i] !== literal.charCodeAt(i)) return false;
    }
    this.#advance(here < literal.length ? here + 1 : here);
    return true;
  }

  /**
   * The bytes up to `delimiter`, as text without it; the delimiter is read too.
   * @param limit The most bytes before the delimiter; `undefined` is returned as soon as it cannot be within them.
   * @throws {Shortage} If it has not arrived and still may.
   */
  until(delimiter: number, limit: number): string | undefined {
    const first = this.#bytes.indexOf(delimiter, this.#at);
    const found = first < this.#end ? first : -1;
    if (found < 0 && this.remaining <= limit) this.#advance(this.remaining + 1);
    if (found < 0 || found - this.#at > limit) return undefined;
    const text = this.text(found - this.#at);
    this.#at++;
    return text;
  }
}
