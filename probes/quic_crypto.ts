/**
 * What the TLS handshake of a QUIC connection travels in: CRYPTO frames, pieces of one stream. They come in any order,
 * and more than once (RFC 9000 §2.2, §19). An Initial packet holds nothing but these frames (§12.4):
 *
 * ```
 * PADDING           u8 0
 * PING              u8 1
 * ACK               u8 2 or 3 | varint largest | varint delay | varint n | varint first range
 *                   n × { varint gap | varint length } | 3 × varint ECN count, if 3
 * CRYPTO            u8 6 | varint offset | varint n, data
 * CONNECTION_CLOSE  u8 0x1c | varint error | varint frame type | varint n, reason
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { attempt } from "./probe.ts";
import { varint } from "./quic_packet.ts";

const PADDING = 0x00;
const PING = 0x01;
const ACK = 0x02;
const ACK_ECN = 0x03;
const CRYPTO = 0x06;
const CONNECTION_CLOSE = 0x1c;

/** Longest handshake stream that is read; an endpoint must take 4096 bytes (RFC 9000 §7.5). */
export const MAX_STREAM_LENGTH = 16 * 1024;

/** A piece of the handshake stream: a view of the packet's frames. */
export interface CryptoFrame {
  readonly offset: number;
  readonly data: Uint8Array;
}

/**
 * The CRYPTO frames among those of an Initial packet, in their order.
 * @returns `undefined` if there is no frame at all, one is malformed, or one has no place in an Initial packet; an
 *   endpoint would end the connection.
 */
export function cryptoFrames(frames: Uint8Array): readonly CryptoFrame[] | undefined {
  const found = attempt(readFrames, frames, true);
  return found === undefined || "kind" in found ? undefined : found;
}

function readFrames(frames: ByteReader): CryptoFrame[] | undefined {
  const found: CryptoFrame[] = [];
  do {
    const type = frames.u8();
    switch (type) {
      case PADDING:
      case PING:
        break;
      case ACK:
      case ACK_ECN:
        skipAck(frames, type);
        break;
      case CRYPTO: {
        const offset = varint(frames);
        found.push({ offset, data: frames.bytes(varint(frames)) });
        break;
      }
      case CONNECTION_CLOSE:
        varint(frames);
        varint(frames);
        frames.skip(varint(frames));
        break;
      default:
        return undefined;
    }
  } while (frames.remaining > 0);
  return found;
}

function skipAck(frames: ByteReader, type: number): void {
  varint(frames);
  varint(frames);
  const ranges = varint(frames);
  varint(frames);
  for (let i = 0; i < ranges; i++) {
    varint(frames);
    varint(frames);
  }
  for (let i = 0; type === ACK_ECN && i < 3; i++) varint(frames);
}

/** Where a stream lies while pieces are added to it: one of them at a time. */
const room = new Uint8Array(MAX_STREAM_LENGTH);
/** 1 where a byte of it is known. */
const known = new Uint8Array(MAX_STREAM_LENGTH);

/**
 * The handshake stream of a connection, put together of its pieces. Anybody can make one that begins far behind its
 * start or is full of gaps, so that what is kept is only what has come: as many bytes, and less for each piece than the
 * frame took that it came in.
 */
export class CryptoStream {
  /** Where what is known begins and ends, in turn: in order, with a gap between every two. */
  #ranges = new Uint16Array(0);
  /** What is in them, in one. */
  #bytes = new Uint8Array(0);

  /** What is known without a gap, from the start: a view. */
  get start(): Uint8Array {
    return this.#bytes.subarray(0, this.#ranges[0] === 0 ? this.#ranges[1] : 0);
  }

  /**
   * Adds the pieces of a packet.
   * @returns `false` if one goes past what is read at most, or contradicts what is known: then nothing can say which
   *   of the two the backend would believe, and an endpoint may end the connection (RFC 9000 §2.2).
   */
  add(...pieces: readonly CryptoFrame[]): boolean {
    this.#unfold();
    if (!pieces.every(place)) return false;
    this.#fold();
    return true;
  }

  #unfold(): void {
    known.fill(0);
    const ranges = this.#ranges;
    for (let i = 0, at = 0; i < ranges.length; i += 2) {
      const length = ranges[i + 1]! - ranges[i]!;
      room.set(this.#bytes.subarray(at, at + length), ranges[i]);
      known.fill(1, ranges[i], ranges[i + 1]);
      at += length;
    }
  }

  #fold(): void {
    const ranges: number[] = [];
    let length = 0;
    for (let start = known.indexOf(1), end = 0; start >= 0; start = known.indexOf(1, end)) {
      end = known.indexOf(0, start);
      if (end < 0) end = MAX_STREAM_LENGTH;
      ranges.push(start, end);
      length += end - start;
    }
    const bytes = new Uint8Array(length);
    for (let i = 0, at = 0; i < ranges.length; i += 2) {
      bytes.set(room.subarray(ranges[i], ranges[i + 1]), at);
      at += ranges[i + 1]! - ranges[i]!;
    }
    this.#ranges = Uint16Array.from(ranges);
    this.#bytes = bytes;
  }
}

/** Puts a piece to where it belongs; `false` if that is nowhere. */
function place({ offset, data }: CryptoFrame): boolean {
  const end = offset + data.length;
  if (end > MAX_STREAM_LENGTH) return false;
  for (let from = 0, at = offset; at < end; from++, at++) {
    if (known[at] === 1 && room[at] !== data[from]) return false;
    room[at] = data[from]!;
    known[at] = 1;
  }
  return true;
}
