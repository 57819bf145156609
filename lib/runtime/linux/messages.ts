/**
 * The memory that recvmmsg(2) and sendmmsg(2) are told of messages by: headers, and what they point to.
 *
 * @module
 */
import { CONTROL_SIZE, MESSAGE, NAME_SIZE, PIECE, WORD } from "./datagram_layout.ts";

/** From name to name, bytes. */
const NAME_STRIDE = 32;

/** Gives the address of memory, which stays there for as long as it lives. */
export type AddressOf = (bytes: Uint8Array<ArrayBuffer>) => number;

/**
 * A fixed number of messages, each of one piece of memory, and with a name and with control messages once these are
 * given a length; several pieces that follow each other may be made one message. All pointers are to this memory
 * itself, but those to the pieces' bytes.
 */
export class Messages {
  /** All of it. */
  readonly words: Int32Array<ArrayBuffer>;
  /** From each header to the end of the last one. */
  readonly #from: readonly Uint8Array<ArrayBuffer>[];
  readonly #address: number;
  /** The words where these begin. */
  readonly #pieces: number;
  readonly #names: number;
  readonly #controls: number;

  constructor(count: number, addressOf: AddressOf) {
    const pieces = count * MESSAGE.size;
    const names = pieces + count * PIECE.size;
    const controls = names + count * NAME_STRIDE;
    const memory = new Uint8Array(new ArrayBuffer(controls + count * CONTROL_SIZE));
    this.words = new Int32Array(memory.buffer);
    this.#from = Array.from({ length: count }, (_, i) => memory.subarray(i * MESSAGE.size, pieces));
    this.#address = addressOf(memory);
    this.#pieces = pieces / WORD;
    this.#names = names / WORD;
    this.#controls = controls / WORD;
    for (let i = 0; i < count; i++) this.gather(i, i, 1);
  }

  /** The headers from this one on: a call that is given them can reach none beyond. */
  from(first: number): Uint8Array<ArrayBuffer> {
    return this.#from[first]!;
  }

  /** The word where a header begins. */
  headerAt(i: number): number {
    return i * (MESSAGE.size / WORD);
  }

  /** The word where a name begins. */
  nameAt(i: number): number {
    return this.#names + i * (NAME_STRIDE / WORD);
  }

  /** The word where control messages begin. */
  controlAt(i: number): number {
    return this.#controls + i * (CONTROL_SIZE / WORD);
  }

  /** Says which pieces a message consists of. */
  gather(message: number, firstPiece: number, count: number): void {
    check(firstPiece + count, this.#from.length);
    const header = this.headerAt(message);
    this.#point(header + MESSAGE.pieces, this.#pieces + firstPiece * (PIECE.size / WORD));
    this.words[header + MESSAGE.pieceCount] = count;
  }

  /** Says where the bytes of a piece are. Whoever does answers for it that they are there until the call is over. */
  setPiece(i: number, address: number, length: number): void {
    const at = this.#pieces + i * (PIECE.size / WORD);
    this.#write(at + PIECE.base, address);
    this.words[at + PIECE.length] = length;
  }

  /** Says how long a name is, or may be, bytes; 0: there is none. */
  setName(i: number, length: number): void {
    check(length, NAME_SIZE);
    const header = this.headerAt(i);
    if (length === 0) this.#write(header + MESSAGE.name, 0);
    else this.#point(header + MESSAGE.name, this.nameAt(i));
    this.words[header + MESSAGE.nameLength] = length;
  }

  /** Says how long control messages are, or may be, bytes; 0: there are none. */
  setControl(i: number, length: number): void {
    check(length, CONTROL_SIZE);
    const header = this.headerAt(i);
    if (length === 0) this.#write(header + MESSAGE.control, 0);
    else this.#point(header + MESSAGE.control, this.controlAt(i));
    this.words[header + MESSAGE.controlLength] = length;
  }

  #point(at: number, word: number): void {
    this.#write(at, this.#address + word * WORD);
  }

  #write(at: number, address: number): void {
    this.words[at] = address;
    this.words[at + 1] = address / 2 ** 32;
  }
}

/** Ends in a fault of sluice what would otherwise be one of the process. */
function check(count: number, most: number): void {
  if (!(count >= 0 && count <= most)) throw new RangeError(`${count} of ${most}`);
}
