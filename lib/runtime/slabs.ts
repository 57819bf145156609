/**
 * Buffers for the largest datagram that there is, at the price of those that come.
 *
 * @module
 */

/** No datagram is longer, bytes: UDP counts its length in 16 bits (RFC 768). */
export const LARGEST_DATAGRAM = 65_536;

/** So many that a slab, 32 MiB, is too large for glibc's malloc to keep it when it is free, and to fill it with zeros. */
const SLICES = 512;

/**
 * Cuts buffers from slabs that are so large that the system gives them memory page by page, as they are written to: so
 * a slice takes what its longest datagram was long. Its pages go back with the slab, once no slice of that is in use;
 * that this comes to pass, slices are cut from the oldest slab that has any. One slab without a slice in use may stay.
 */
export class Slabs {
  /** The oldest first, each with where its free slices begin. */
  readonly #slabs = new Map<ArrayBuffer, number[]>();

  /**
   * A slice, whose owner gives it back by `free`. It holds what its last owner left there.
   * @throws {RangeError} If there is no memory for another slab.
   */
  take(): Uint8Array<ArrayBuffer> {
    for (const [slab, free] of this.#slabs) {
      const begin = free.pop();
      if (begin !== undefined) return new Uint8Array(slab, begin, LARGEST_DATAGRAM);
    }
    const slab = new ArrayBuffer(SLICES * LARGEST_DATAGRAM);
    this.#slabs.set(slab, Array.from({ length: SLICES - 1 }, (_, i) => (i + 1) * LARGEST_DATAGRAM));
    return new Uint8Array(slab, 0, LARGEST_DATAGRAM);
  }

  /** Takes a slice back, once. Nobody may read or write it any more. */
  free({ buffer: slab, byteOffset }: Uint8Array<ArrayBuffer>): void {
    const free = this.#slabs.get(slab);
    free?.push(byteOffset);
    // The last one with room stays, or else a single socket that comes and goes would cost a slab each time.
    if (free?.length !== SLICES || !this.#hasRoomBeside(slab)) return;
    this.#slabs.delete(slab);
    // Given back now: an idle process collects no garbage.
    slab.transfer(0);
  }

  #hasRoomBeside(slab: ArrayBuffer): boolean {
    return this.#slabs.entries().some(([other, free]) => other !== slab && free.length > 0);
  }
}
