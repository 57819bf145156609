/**
 * What the client of a captured TCP connection sent, put together of its segments.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import type { Segment } from "./packet.ts";

/** The client's side of a captured TCP connection. */
export interface TcpFlow {
  readonly transport: "tcp";
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  /** What the client sent, put in order, up to the first byte that was not captured or {@linkcode MAX_FLOW_BYTES}. */
  readonly head: Uint8Array;
  /** Whether the client ended its stream right behind `head`. */
  readonly ended: boolean;
}

/** Most bytes kept of a connection: twice the default of `probe_max_bytes`. */
export const MAX_FLOW_BYTES = 65_536;

/** What a client sends, while the capture is read. Sequence numbers count from the first byte, modulo 2^32. */
export class TcpStream {
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  /** The sequence number of the first byte. */
  readonly #start: number;
  readonly #pieces: Array<{ readonly at: number; readonly bytes: Uint8Array }> = [];
  #endsAt: number | undefined;

  /**
   * Whoever sends the SYN is the client; where the capture has none, whoever sends first.
   * @param first The first segment captured, of either side.
   */
  constructor(first: Segment) {
    const isAnswer = first.syn && first.ack;
    this.client = isAnswer ? first.destination : first.source;
    this.server = isAnswer ? first.source : first.destination;
    this.#start = isAnswer ? first.acknowledgment : firstByte(first);
  }

  /** Whether `segment` begins another connection between the same ends; the same SYN sent again does not. */
  isReopenedBy(segment: Segment): boolean {
    return segment.syn && !segment.ack && firstByte(segment) !== this.#start;
  }

  /** Takes in a segment of the client. */
  add(segment: Segment): void {
    const at = (firstByte(segment) - this.#start) >>> 0;
    if (at > MAX_FLOW_BYTES) return;
    if (segment.payload.length > 0) this.#pieces.push({ at, bytes: segment.payload });
    if (segment.fin) this.#endsAt = at + segment.payload.length;
  }

  /** Puts the pieces in order; of bytes that were sent twice the earlier piece's stand. */
  flow(): TcpFlow {
    const parts: Uint8Array[] = [];
    let end = 0;
    for (const { at, bytes } of this.#pieces.sort((a, b) => a.at - b.at)) {
      if (at > end) break;
      const fresh = bytes.subarray(end - at, MAX_FLOW_BYTES - at);
      parts.push(fresh);
      end += fresh.length;
    }
    const head = new Uint8Array(end);
    let filled = 0;
    for (const part of parts) {
      head.set(part, filled);
      filled += part.length;
    }
    const { client, server } = this;
    return { transport: "tcp", client, server, head, ended: this.#endsAt === end };
  }
}

/** The sequence number of a segment's first byte; its SYN counts as one before it (RFC 9293 §3.4). */
function firstByte({ sequence, syn }: Segment): number {
  return (sequence + (syn ? 1 : 0)) >>> 0;
}
