/**
 * Buffers for the largest datagram that there is, at the price of those that come.
 *
 * @module
 */

/** No datagram is longer, bytes: UDP counts its length in 16 bits (RFC 768). */
export const LARGEST_DATAGRAM = 65_536;

/** A buffer for one datagram. */
export interface Slice {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly slab: Slab;
}

interface Slab {
  readonly memory: ArrayBuffer;
  /** Where its free slices begin. */
  readonly free: number[];
}

const SLICES = 256;

/**
 * Cuts buffers from slabs that are so large that the system gives them memory page by page, as they are written to: so
 * a slice takes what its longest datagram was long. Its pages go back with the slab, once no slice of that is in use;
 * that this comes to pass, slices are cut from the oldest slab that has any. One slab without a slice in use may stay.
 */
export class Slabs {
  readonly #slabs: Slab[] = [];

  /** A slice, whose owner gives it back by `free`. */
  take(): Slice {
    let slab = this.#slabs.find(hasFree);
    if (slab === undefined) this.#slabs.push(slab = newSlab());
    const begin = slab.free.pop() ?? 0;
    return { slab, bytes: new Uint8Array(slab.memory, begin, LARGEST_DATAGRAM) };
  }

  /** Takes a slice back, once. Nobody may read or write it any more. */
  free({ slab, bytes }: Slice): void {
    slab.free.push(bytes.byteOffset);
    if (slab.free.length < SLICES) return;
    // The last one with room stays, or else a single socket that comes and goes would cost a slab each time.
    const isNeeded = !this.#slabs.some((other) => other !== slab && hasFree(other));
    if (!isNeeded) this.#slabs.splice(this.#slabs.indexOf(slab), 1);
  }
}

function hasFree(slab: Slab): boolean {
  return slab.free.length > 0;
}

function newSlab(): Slab {
  return {
    memory: new ArrayBuffer(SLICES * LARGEST_DATAGRAM),
    free: Array.from({ length: SLICES }, (_, i) => (SLICES - 1 - i) * LARGEST_DATAGRAM),
  };
}
