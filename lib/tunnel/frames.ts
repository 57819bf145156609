/**
 * The frames of the tunnel's channels (PROTOCOL.md, "Frames"):
 *
 * ```
 * type      1
 * length    3   of the payload
 * payload
 * ```
 *
 * @module
 */

/** One end of a channel. */
export type End = "agent" | "edge";

interface FrameRule {
  readonly code: number;
  /** Who sends it. */
  readonly from: End | "both";
  /** Longest payload, bytes. */
  readonly longest: number;
}

/** Longest payload of what is said in JSON, bytes. */
const JSON_LONGEST = 16_384;
/** Longest payload of a piece of a stream, bytes. */
export const LONGEST_DATA = 65_536;
/** Longest datagram that UDP over IPv4 can carry, bytes. */
export const LONGEST_DATAGRAM = 65_507;

const RULES = {
  hello: { code: 1, from: "agent", longest: JSON_LONGEST },
  challenge: { code: 2, from: "edge", longest: JSON_LONGEST },
  login: { code: 3, from: "agent", longest: JSON_LONGEST },
  welcome: { code: 4, from: "edge", longest: JSON_LONGEST },
  open: { code: 5, from: "agent", longest: JSON_LONGEST },
  opened: { code: 6, from: "edge", longest: JSON_LONGEST },
  rejected: { code: 7, from: "edge", longest: JSON_LONGEST },
  shut: { code: 8, from: "agent", longest: JSON_LONGEST },
  tickets: { code: 9, from: "edge", longest: JSON_LONGEST },
  ping: { code: 10, from: "both", longest: 0 },
  pong: { code: 11, from: "both", longest: 0 },
  goodbye: { code: 12, from: "both", longest: JSON_LONGEST },
  join: { code: 32, from: "agent", longest: 32 },
  visit: { code: 33, from: "edge", longest: JSON_LONGEST },
  accept: { code: 34, from: "agent", longest: 0 },
  unreachable: { code: 35, from: "agent", longest: JSON_LONGEST },
  data: { code: 36, from: "both", longest: LONGEST_DATA },
  datagram: { code: 37, from: "both", longest: LONGEST_DATAGRAM },
  end: { code: 38, from: "both", longest: 0 },
} as const satisfies Readonly<Record<string, FrameRule>>;

export type FrameType = keyof typeof RULES;

/** What came of a channel. A `data` frame may come in pieces, each of which looks like one. */
export interface Frame {
  readonly type: FrameType;
  /** Of the reader's own memory: it holds until the next read. */
  readonly payload: Uint8Array;
}

/** The other end does not speak the protocol. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Bytes before the payload. */
export const HEADER_LENGTH = 4;

/** Writes the header of a frame whose payload is at `at` + {@linkcode HEADER_LENGTH}. */
export function writeHeader(into: Uint8Array, at: number, type: FrameType, length: number): void {
  into[at] = RULES[type].code;
  into[at + 1] = length >> 16;
  into[at + 2] = length >> 8;
  into[at + 3] = length;
}

/** @throws {RangeError} If `payload` is longer than such a frame may be. */
export function encodeFrame(type: FrameType, payload: Uint8Array = NOTHING): Uint8Array {
  const { longest } = RULES[type];
  if (payload.length > longest) {
    throw new RangeError(
      `${type}: ${payload.length} bytes, and at most ${longest} go into a frame`,
    );
  }
  const frame = new Uint8Array(HEADER_LENGTH + payload.length);
  writeHeader(frame, 0, type, payload.length);
  frame.set(payload, HEADER_LENGTH);
  return frame;
}

const NOTHING = new Uint8Array(0);

interface Known extends FrameRule {
  readonly type: FrameType;
}

const BY_CODE: ReadonlyArray<Known | undefined> = Object.entries(RULES).reduce<Known[]>(
  (table, [type, rule]) => {
    table[rule.code] = { type: type as FrameType, ...rule };
    return table;
  },
  [],
);

/**
 * Sizes of a reader's buffer, bytes. A read that fills it gets the next larger one; eight in a row that would have fit the
 * smallest go back to it. The second one holds every frame that has to be whole.
 */
const BUFFER_SIZES = [4096, 69_632, 278_528] as const;
const SMALL_READS_TO_SHRINK = 8;

/**
 * Takes frames out of a stream, wherever it was cut. Bytes are read into its own memory:
 * `filled(await conn.read(reader.room()))`, then {@linkcode next} until there is none.
 */
export class FrameReader {
  readonly #from: End;
  #buffer: Uint8Array = new Uint8Array(BUFFER_SIZES[0]);
  #size = 0;
  /** What has come and was not taken yet is between these. */
  #start = 0;
  #end = 0;
  /** What is still to come of a `data` frame that is given out in pieces, bytes. */
  #rest = 0;
  /** Whether the last read left no room; how many in a row would have fit the smallest buffer. */
  #wasFilled = false;
  #smallReads = 0;

  /** @param from Who sends: frames that only the other end may send are refused. */
  constructor(from: End) {
    this.#from = from;
  }

  /** Whether the stream may end here: between two frames. */
  get isBetweenFrames(): boolean {
    return this.#start === this.#end && this.#rest === 0;
  }

  /** Where to read to, at least one byte. Frames that were given out before are gone. */
  room(): Uint8Array {
    const kept = this.#buffer.subarray(this.#start, this.#end);
    if (this.#wasFilled && this.#size < BUFFER_SIZES.length - 1) this.#resize(this.#size + 1);
    else if (this.#smallReads >= SMALL_READS_TO_SHRINK && kept.length === 0) this.#resize(0);
    if (kept.length > 0) this.#buffer.set(kept);
    this.#start = 0;
    this.#end = kept.length;
    return this.#end === 0 ? this.#buffer : this.#buffer.subarray(this.#end);
  }

  #resize(size: number): void {
    this.#wasFilled = false;
    this.#smallReads = 0;
    if (size === this.#size) return;
    this.#size = size;
    this.#buffer = new Uint8Array(BUFFER_SIZES[size]!);
  }

  /** So many bytes were read into {@linkcode room}. */
  filled(length: number): void {
    this.#end += length;
    this.#wasFilled = this.#end === this.#buffer.length;
    this.#smallReads = length <= BUFFER_SIZES[0] && !this.#wasFilled ? this.#smallReads + 1 : 0;
  }

  /**
   * The next frame; `undefined` if more has to come first.
   * @throws {ProtocolError} If it is none that may come.
   */
  next(): Frame | undefined {
    const here = this.#end - this.#start;
    if (this.#rest > 0) return here === 0 ? undefined : this.#piece(here);
    if (here < HEADER_LENGTH) return undefined;
    const buffer = this.#buffer;
    const at = this.#start;
    const length = buffer[at + 1]! << 16 | buffer[at + 2]! << 8 | buffer[at + 3]!;
    const type = this.#typeOf(buffer[at]!, length);
    if (here >= HEADER_LENGTH + length) {
      this.#start += HEADER_LENGTH + length;
      return { type, payload: buffer.subarray(at + HEADER_LENGTH, this.#start) };
    }
    // An empty piece would say nothing.
    if (type !== "data" || here === HEADER_LENGTH) return undefined;
    this.#start += HEADER_LENGTH;
    this.#rest = length;
    return this.#piece(here - HEADER_LENGTH);
  }

  #piece(here: number): Frame {
    const length = Math.min(here, this.#rest);
    const payload = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length;
    this.#rest -= length;
    return { type: "data", payload };
  }

  #typeOf(code: number, length: number): FrameType {
    const known = BY_CODE[code];
    if (known === undefined) throw new ProtocolError(`there is no frame of type ${code}`);
    const { type, from, longest } = known;
    if (from !== "both" && from !== this.#from) {
      throw new ProtocolError(`${type} does not come from the ${this.#from}`);
    }
    if (length > longest) {
      throw new ProtocolError(`${type}: ${length} bytes are announced, and ${longest} are allowed`);
    }
    return type;
  }
}
