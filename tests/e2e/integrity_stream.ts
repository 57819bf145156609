/**
 * Bytes of which each says where it belongs: whoever knows a stream's seed can write it, and tell of every byte of it
 * whether it is the right one.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Bytes until the pattern begins again: a prime, so that no buffer's length is a part of it. */
const PERIOD = 1_048_573;
/** Most bytes that are written or looked at at once. */
export const MOST_AT_ONCE = 262_144;

const pattern = new Uint8Array(PERIOD + MOST_AT_ONCE);
{
  const next = randomFrom(1);
  for (let i = 0; i < PERIOD; i++) pattern[i] = 256 * next();
  pattern.set(pattern.subarray(0, MOST_AT_ONCE), PERIOD);
}

/** What stands at a place of a stream. */
function expected(seed: number, at: number, length: number): Uint8Array {
  const from = (seed + at) % PERIOD;
  return pattern.subarray(from, from + length);
}

/**
 * Writes a stream from its beginning, `size` bytes at a time.
 * @param seed Which stream it is: a whole number.
 */
export async function writeStream(
  conn: Deno.TcpConn,
  seed: number,
  length: number,
  size: number,
): Promise<void> {
  for (let at = 0; at < length;) {
    at += await conn.write(expected(seed, at, Math.min(size, length - at)));
  }
}

/** What was read of a stream. */
export interface ReadStream {
  /** Bytes that were right. */
  readonly length: number;
  /** The first wrong thing. */
  readonly fault?: string;
  readonly end: "end of stream" | "reset" | "enough";
}

/**
 * Reads a stream until it ends, or until enough of it was read, and holds every byte against what it should be.
 * @param buffer Its length is what is read at once, at most.
 */
export async function readStream(
  conn: Deno.TcpConn,
  seed: number,
  buffer: Uint8Array,
  enough = Infinity,
): Promise<ReadStream> {
  let length = 0;
  while (length < enough) {
    let got: number | null;
    try {
      got = await conn.read(buffer);
    } catch {
      return { length, end: "reset" };
    }
    if (got === null) return { length, end: "end of stream" };
    if (Buffer.compare(buffer.subarray(0, got), expected(seed, length, got)) !== 0) {
      return { length, end: "enough", fault: `wrong bytes between ${length} and ${length + got}` };
    }
    length += got;
  }
  return { length, end: "enough" };
}

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ state >>> 15, 1 | state);
    x = x + Math.imul(x ^ x >>> 7, 61 | x) ^ x;
    return ((x ^ x >>> 14) >>> 0) / 2 ** 32;
  };
}
