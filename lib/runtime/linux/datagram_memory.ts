/**
 * Where the bytes of datagrams are while the kernel reads or writes them: one piece of memory for all sockets of a
 * thread, most of it never touched.
 *
 * @module
 */
import type { AddressOf } from "./messages.ts";

/** Datagrams that may have been received and not sent on yet. */
export const SLOTS = 128;
/** No datagram is longer: UDP counts its length in 16 bits (RFC 768). */
export const LARGEST_DATAGRAM = 65_535;
/**
 * From slot to slot, bytes. The beginnings of slots at a power of two would share a few lines of the processor's cache,
 * so each stands 1,344 bytes (21 lines) further on.
 */
const STRIDE = 65_536 + 1344;
/** For copies of what is sent from elsewhere. */
const COPIES = 4 * 65_536;
const COPIES_AT = SLOTS * STRIDE;

const NOTHING = new Uint8Array(0);

/** Slots for datagrams that are received, of which only the pages that are written take memory, and room for copies. */
export class DatagramMemory {
  readonly #bytes = new Uint8Array(new ArrayBuffer(COPIES_AT + COPIES));
  readonly #address: number;
  /** What was shown of each slot: datagrams in a row are often equally long, and need no new object then. */
  readonly #shown: Uint8Array<ArrayBuffer>[] = Array(SLOTS).fill(NOTHING);
  #copied = 0;

  constructor(addressOf: AddressOf) {
    this.#address = addressOf(this.#bytes);
  }

  /** The address of a slot. */
  slotAddress(slot: number): number {
    return this.addressOf(slot * STRIDE);
  }

  /** The first bytes of a slot, {@linkcode LARGEST_DATAGRAM} at most. */
  slot(slot: number, length: number): Uint8Array<ArrayBuffer> {
    const shown = this.#shown[slot];
    if (shown?.length === length) return shown;
    const begin = slot * STRIDE;
    return this.#shown[slot] = this.#bytes.subarray(begin, begin + Math.min(length, STRIDE));
  }

  /**
   * Where the bytes of a datagram are: in their slot, if they are in one, else in a copy, which stays until
   * {@linkcode freeCopies}; -1 when there is no room for it.
   * @param datagram {@linkcode LARGEST_DATAGRAM} bytes at most.
   */
  place(datagram: Uint8Array): number {
    if (datagram.buffer === this.#bytes.buffer) return datagram.byteOffset;
    if (datagram.length > COPIES - this.#copied) return -1;
    const at = COPIES_AT + this.#copied;
    this.#bytes.set(datagram, at);
    this.#copied += datagram.length;
    return at;
  }

  /** The address of a place. */
  addressOf(place: number): number {
    return this.#address + place;
  }

  /** A copy of the bytes at a place. */
  copy(place: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(place, place + length);
  }

  freeCopies(): void {
    this.#copied = 0;
  }
}
