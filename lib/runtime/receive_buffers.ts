/**
 * The buffers of a bound port: many, because what a datagram was sent on in is not free until it has left.
 *
 * @module
 */
import type { Slabs } from "./slabs.ts";

/** A buffer that one datagram after the other comes into. */
export interface ReceiveBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Says, once for each `take`, that nobody reads its bytes any more. */
  readonly free: () => void;
}

/** Datagrams of one socket whose bytes may be in use at once; then it receives no more until one is done with. */
export const MOST_HELD = 1024;

/** The buffers of one socket. The one that was freed last is used next: it is in the processor's cache. */
export class ReceiveBuffers {
  readonly #slabs: Slabs;
  readonly #free: ReceiveBuffer[] = [];
  #count = 0;
  #onFree: ((buffer: ReceiveBuffer) => void) | undefined;
  #isClosed = false;

  constructor(slabs: Slabs) {
    this.#slabs = slabs;
  }

  /**
   * A buffer; `undefined` when all are held.
   * @throws {RangeError} As {@linkcode Slabs.take}.
   */
  take(): ReceiveBuffer | undefined {
    return this.#free.pop() ?? (this.#count < MOST_HELD ? this.#make() : undefined);
  }

  /** The one that is freed next. One may wait at a time. */
  next(): Promise<ReceiveBuffer> {
    return new Promise((resolve) => this.#onFree = resolve);
  }

  /** Gives the memory back, of buffers that are held when they are freed. */
  close(): void {
    this.#isClosed = true;
    for (const { bytes } of this.#free.splice(0)) this.#slabs.free(bytes);
  }

  #make(): ReceiveBuffer {
    const bytes = this.#slabs.take();
    this.#count++;
    const buffer = { bytes, free: () => this.#freed(buffer) };
    return buffer;
  }

  #freed(buffer: ReceiveBuffer): void {
    const onFree = this.#onFree;
    this.#onFree = undefined;
    if (onFree !== undefined) onFree(buffer);
    else if (this.#isClosed) this.#slabs.free(buffer.bytes);
    else this.#free.push(buffer);
  }
}
