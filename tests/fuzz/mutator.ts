/**
 * Inputs for fuzzing: captures, damaged a little, so that they get past the first bytes of a parser.
 *
 * @module
 */

/** Longest input; longer samples are cut. */
const MAX_LENGTH = 4096;
/** Most changes to one input. */
const MAX_CHANGES = 4;
/** Bytes and lengths at which parsers tend to err. */
const EDGES = [0, 1, 2, 3, 4, 5, 0x0a, 0x0d, 0x16, 0x20, 0x7f, 0x80, 0xfe, 0xff];

/** Makes inputs, all in one buffer: each is gone with the next. */
export class Mutator {
  readonly #corpus: readonly Uint8Array[];
  readonly #buffer = new Uint8Array(MAX_LENGTH);
  #length = 0;
  #state: number;

  /**
   * @param corpus What to start from, not empty.
   * @param seed Any integer; the same one makes the same inputs.
   */
  constructor(corpus: readonly Uint8Array[], seed: number) {
    if (corpus.length === 0) throw new RangeError("nothing to mutate");
    this.#corpus = corpus;
    this.#state = seed | 0;
  }

  /** The next input, as a view of the buffer. */
  next(): Uint8Array {
    this.#length = 0;
    this.#append(this.#sample());
    // Mostly one: a parser is reached deeper the less is damaged.
    const changes = 1 + this.below(1 + this.below(MAX_CHANGES));
    for (let i = 0; i < changes; i++) this.#change();
    return this.#buffer.subarray(0, this.#length);
  }

  /** A whole number from 0 to `limit` - 1 (mulberry32, a small generator that is good enough here). */
  below(limit: number): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * limit);
  }

  #change(): void {
    const at = this.#place();
    switch (this.below(8)) {
      case 0: // Flip a bit.
        if (at < this.#length) this.#buffer[at]! ^= 1 << this.below(8);
        return;
      case 1:
        if (at < this.#length) this.#buffer[at] = EDGES[this.below(EDGES.length)]!;
        return;
      case 2:
        if (at < this.#length) this.#buffer[at] = this.below(256);
        return;
      case 3: // Truncate.
        this.#length = at;
        return;
      case 4: { // Splice: go on as another sample does from there.
        const other = this.#sample();
        this.#length = at;
        this.#append(other.subarray(Math.min(at, other.length)));
        return;
      }
      case 5: // Insert a length byte.
        this.#insert(at, 1);
        if (at < this.#length) this.#buffer[at] = EDGES[this.below(EDGES.length)]!;
        return;
      case 6: // Repeat a piece.
        this.#insert(at, Math.min(1 + this.below(16), this.#length - at));
        return;
      case 7: { // Remove a piece.
        const end = Math.min(at + 1 + this.below(16), this.#length);
        this.#buffer.copyWithin(at, end, this.#length);
        this.#length -= end - at;
      }
    }
  }

  /** A place in the input: every other time one of the first 16, where most formats decide. */
  #place(): number {
    return this.below(this.below(2) === 0 ? this.#length + 1 : Math.min(this.#length + 1, 16));
  }

  #sample(): Uint8Array {
    return this.#corpus[this.below(this.#corpus.length)]!;
  }

  #append(bytes: Uint8Array): void {
    const fitting = bytes.subarray(0, MAX_LENGTH - this.#length);
    this.#buffer.set(fitting, this.#length);
    this.#length += fitting.length;
  }

  /** Moves what is at `at` and behind by `count` bytes; what was there stays as a copy. */
  #insert(at: number, count: number): void {
    this.#buffer.copyWithin(at + count, at, this.#length);
    this.#length = Math.min(this.#length + count, MAX_LENGTH);
  }
}
