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
/** Bytes that a stream has room for at first: a hello without and one with a post-quantum key. */
const FIRST_CAPACITY = 2048;

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

/** The handshake stream of a connection, put together of its pieces. */
export class CryptoStream {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  /** 1 where a byte is known. */
  #known = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  /** What is known without a gap, from the start: a view, until the next piece is added. */
  get start(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * Adds a piece.
   * @returns `false` if it goes past what is read at most, or contradicts what is known: then nothing can say which
   *   of the two the backend would believe, and an endpoint may end the connection (RFC 9000 §2.2).
   */
  add({ offset, data }: CryptoFrame): boolean {
    const end = offset + data.length;
    if (end > MAX_STREAM_LENGTH) return false;
    while (end > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    const known = this.#known;
    for (let from = 0, at = offset; at < end; from++, at++) {
      if (known[at] === 1 && bytes[at] !== data[from]) return false;
      bytes[at] = data[from]!;
      known[at] = 1;
    }
    while (known[this.#length] === 1) this.#length++;
    return true;
  }

  #grow(): void {
    const bytes = new Uint8Array(this.#bytes.length * 2);
    const known = new Uint8Array(bytes.length);
    bytes.set(this.#bytes);
    known.set(this.#known);
    this.#bytes = bytes;
    this.#known = known;
  }
}
