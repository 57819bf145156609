/**
 * What several data threads count together: how many connections, flows or clients of one thing each of them has. Every
 * thread writes a column of its own and reads the others', so that nothing is counted twice and who fails takes his part
 * with him.
 *
 * ```
 * table   lock | slot | slot | …                          Int32 each
 * slot    hash of the key, two numbers | own of thread 0 | own of thread 1 | …
 * ```
 *
 * A key is looked for in one bucket of slots; one that nobody has any of is free for another key. Where a bucket is full
 * a key is not shared: then a limit on it holds for each thread, and not for all together.
 *
 * @module
 */
import type { Elsewhere } from "../count.ts";
import type { Together } from "./messages.ts";

/** Keys of which somebody has some: clients, above all. Twice the connections that a process can have descriptors for. */
const SLOTS = 2 ** 17;
const BUCKET = 16;
const HASH = 2;
const LOCK = 0;
const FIRST = 1;
/** The lock is held for less than a microsecond, unless its holder lost the processor. */
const SPINS = 1000;

/** The memory that so many threads share. */
export function sharedTable(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * (FIRST + SLOTS * (HASH + threads)));
}

/** The table as one of the threads sees it. */
export class SharedTable implements Elsewhere {
  readonly #table: Int32Array;
  readonly #threads: number;
  readonly #thread: number;
  /** Where the keys are that this thread has some of. As long as it has, nobody moves them. */
  readonly #slots = new Map<string, number>();
  readonly #hash = new Int32Array(HASH);

  constructor({ table, threads, thread }: Together) {
    this.#table = new Int32Array(table);
    this.#threads = threads;
    this.#thread = thread;
  }

  tell(key: string, own: number): void {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      if (own === 0) return;
      slot = this.#take(key, own);
      if (slot !== undefined) this.#slots.set(key, slot);
      return;
    }
    if (own === 0) this.#slots.delete(key);
    Atomics.store(this.#table, slot + HASH + this.#thread, own);
  }

  of(key: string): number {
    const slot = this.#slots.get(key) ?? this.#find(key);
    if (slot === undefined) return 0;
    return this.#sum(slot) - Atomics.load(this.#table, slot + HASH + this.#thread);
  }

  /** Gives up all that the thread has told; for when it is gone. */
  clear(): void {
    const size = HASH + this.#threads;
    for (let at = FIRST + HASH + this.#thread; at < this.#table.length; at += size) {
      if (this.#table[at] !== 0) Atomics.store(this.#table, at, 0);
    }
    this.#slots.clear();
  }

  /** A slot for a key that this thread had none of. */
  #take(key: string, own: number): number | undefined {
    this.#lock();
    const slot = this.#find(key) ?? this.#free();
    if (slot !== undefined) {
      for (let i = 0; i < HASH; i++) Atomics.store(this.#table, slot + i, this.#hash[i]!);
      Atomics.store(this.#table, slot + HASH + this.#thread, own);
    }
    Atomics.store(this.#table, LOCK, 0);
    return slot;
  }

  /** Where a key is. Leaves its hash behind. */
  #find(key: string): number | undefined {
    hash(key, this.#hash);
    const [low, high] = this.#hash;
    return this.#inBucket((slot) =>
      Atomics.load(this.#table, slot) === low && Atomics.load(this.#table, slot + 1) === high
    );
  }

  /** A slot that nobody has anything in, in the bucket of the last hash. */
  #free(): number | undefined {
    return this.#inBucket((slot) => this.#sum(slot) === 0);
  }

  #inBucket(isIt: (slot: number) => boolean): number | undefined {
    const first = (this.#hash[0]! >>> 0) % (SLOTS / BUCKET) * BUCKET;
    for (let i = first; i < first + BUCKET; i++) {
      const slot = FIRST + i * (HASH + this.#threads);
      if (isIt(slot)) return slot;
    }
    return undefined;
  }

  #sum(slot: number): number {
    let sum = 0;
    for (let i = 0; i < this.#threads; i++) sum += Atomics.load(this.#table, slot + HASH + i);
    return sum;
  }

  /** Nothing below can throw, so nobody ends who holds it. */
  #lock(): void {
    for (let spins = 1; Atomics.compareExchange(this.#table, LOCK, 0, 1) !== 0; spins++) {
      if (spins % SPINS === 0) Atomics.wait(this.#table, LOCK, 1, 1);
    }
  }
}

/** 64 bits of a key, in which two keys meet by chance alone: the finaliser of MurmurHash3, twice. */
function hash(key: string, into: Int32Array): void {
  let low = 0x736c7563;
  let high = 0x746f6765;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    low = mix(low ^ code);
    high = mix(high ^ code ^ low);
  }
  into[0] = low;
  into[1] = high;
}

function mix(x: number): number {
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
  return x ^ x >>> 16;
}
