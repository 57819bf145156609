/**
 * Memory that a connection is read into so that what came is a frame already.
 *
 * @module
 */
import { HEADER_LENGTH, writeHeader } from "./frames.ts";

/**
 * Its sizes in bytes, with the header of the frame; they grow and shrink as those of a pipe. The largest is three TLS
 * records (16,384 bytes, RFC 8446 §5.1): the most that Deno encrypts at once.
 */
const BUFFER_SIZES = [4096, 16_384, 49_152] as const;
const SMALL_READS_TO_SHRINK = 8;

/** Has room for a header before what is read. One at a time reads into it. */
export class FrameBuffer {
  #size = 0;
  #buffer = new Uint8Array(BUFFER_SIZES[0]);
  #room = this.#buffer.subarray(HEADER_LENGTH);
  #smallReads = 0;

  /** Where to read to. */
  get room(): Uint8Array {
    return this.#room;
  }

  /** The `data` frame of so many bytes that were read. */
  frame(length: number): Uint8Array {
    writeHeader(this.#buffer, 0, "data", length);
    return this.#buffer.subarray(0, HEADER_LENGTH + length);
  }

  /** Gets ready for the next read, after one of `length`; what was read is gone. */
  adapt(length: number): void {
    if (length === this.#room.length) {
      this.#smallReads = 0;
      if (this.#size < BUFFER_SIZES.length - 1) this.#resize(this.#size + 1);
    } else if (
      this.#size > 0 && length <= BUFFER_SIZES[0] && ++this.#smallReads >= SMALL_READS_TO_SHRINK
    ) {
      this.#smallReads = 0;
      this.#resize(0);
    }
  }

  #resize(size: number): void {
    this.#size = size;
    this.#buffer = new Uint8Array(BUFFER_SIZES[size]!);
    this.#room = this.#buffer.subarray(HEADER_LENGTH);
  }
}
