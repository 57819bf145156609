/**
 * Messages as they come, cut anywhere: heads, and what frames a body.
 *
 * A chunked body (RFC 9112 §7.1):
 *
 * ```
 * size in hex [; extensions] CR LF  data CR LF      any number of chunks
 * 0 [; extensions] CR LF                            the last one
 * name: value CR LF                                 trailer fields, any number
 * CR LF
 * ```
 *
 * @module
 */
import type { Framing } from "./framing.ts";
import { BadMessage, LONGEST_HEAD, parseFields } from "./head.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Collects a head: everything up to the first empty line that is not the first line. */
export class HeadReader {
  /** What came of it in earlier calls, in a buffer that grows. */
  #buffer = new Uint8Array(0);
  #length = 0;
  #hasBegun = false;
  /** Whether nothing, or a CR alone, has come of the line so far. */
  #line: "empty" | "cr" | "other" = "empty";

  /**
   * Takes what is there of a head.
   * @returns The head and where it ends; `undefined` if all was taken and it is not complete.
   * @throws {BadMessage} If it is too long.
   */
  read(
    bytes: Uint8Array,
    at: number,
  ): { readonly head: Uint8Array; readonly to: number } | undefined {
    const end = this.#endOf(bytes, at);
    const part = bytes.subarray(at, end);
    if (this.#length + part.length > LONGEST_HEAD) {
      throw new BadMessage(431, "the head is too long");
    }
    if (end !== undefined && this.#length === 0) return { head: part, to: end };
    this.#append(part);
    return end === undefined ? undefined : { head: this.flush(), to: end };
  }

  /** Lets go of what it holds. */
  flush(): Uint8Array {
    const held = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    return held;
  }

  #endOf(bytes: Uint8Array, at: number): number | undefined {
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF) {
        if (this.#line !== "other" && this.#hasBegun) {
          this.#hasBegun = false;
          this.#line = "empty";
          return at + 1;
        }
        this.#line = "empty";
      } else if (byte === CR && this.#line === "empty") {
        this.#line = "cr";
      } else {
        this.#line = "other";
        this.#hasBegun = true;
      }
    }
    return undefined;
  }

  #append(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(Math.max(1024, 2 * length), LONGEST_HEAD));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(part, this.#length);
    this.#length = length;
  }
}

/** Longest line of a chunk's size, with its extensions, and longest trailer section, bytes. */
const LONGEST_SIZE_LINE = 4_096;
const LONGEST_TRAILER = 16_384;
/** More digits than this do not fit into a number. */
const SIZE_LINE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\0\r\n]*)?\r\n$/;

/** Finds the end of a body. */
export class BodyReader {
  readonly #kind: Framing["kind"];
  #state: "data" | "size" | "data_end" | "trailer" | "over";
  /** Bytes of data to come. */
  #left: number;
  /** What has come of a line, and of the lines of the trailer together. */
  #line = "";
  #trailer = 0;

  constructor(framing: Framing) {
    this.#kind = framing.kind;
    this.#left = framing.kind === "length" ? framing.length : Infinity;
    this.#state = framing.kind === "chunked" ? "size" : this.#left === 0 ? "over" : "data";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether the end of the stream is the end of the body. */
  get endsWithStream(): boolean {
    return this.#kind === "until_close";
  }

  /**
   * Takes a piece of the body, one byte at least.
   * @returns Where the piece ends, and what of it is content, if any.
   * @throws {BadMessage}
   */
  read(bytes: Uint8Array, at: number): { readonly to: number; readonly content?: Uint8Array } {
    if (this.#state === "data") {
      const content = bytes.subarray(at, Math.min(bytes.length, at + this.#left));
      this.#left -= content.length;
      if (this.#left === 0) this.#state = this.#kind === "chunked" ? "data_end" : "over";
      return { to: at + content.length, content };
    }
    const found = bytes.indexOf(LF, at);
    const to = found < 0 ? bytes.length : found + 1;
    const longest = this.#state === "data_end" ? 2 : LONGEST_SIZE_LINE;
    if (this.#line.length + to - at > longest) throw new BadMessage(400, "a chunk is malformed");
    for (let i = at; i < to; i++) this.#line += String.fromCharCode(bytes[i]!);
    if (found >= 0) this.#lineEnded();
    return { to };
  }

  #lineEnded(): void {
    const line = this.#line;
    this.#line = "";
    switch (this.#state) {
      case "size": {
        const size = SIZE_LINE.exec(line)?.[1];
        if (size === undefined) throw new BadMessage(400, "the size of a chunk is malformed");
        this.#left = parseInt(size, 16);
        this.#state = this.#left === 0 ? "trailer" : "data";
        return;
      }
      case "data_end":
        if (line !== "\r\n") throw new BadMessage(400, "a chunk is longer than its size");
        this.#state = "size";
        return;
      case "trailer":
        this.#trailer += line.length;
        if (line === "\r\n") {
          this.#state = "over";
          return;
        }
        if (!line.endsWith("\r\n") || this.#trailer > LONGEST_TRAILER) {
          throw new BadMessage(400, "the trailer is malformed");
        }
        parseFields([line.slice(0, -2)]);
    }
  }
}
