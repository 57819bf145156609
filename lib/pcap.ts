/**
 * What clients said in a capture (tcpdump, Wireshark), so that `explain` can say what would become of them.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import { readCaptureFile } from "./pcap/capture_file.ts";
import { readIpPacket, readSegment, type Segment } from "./pcap/packet.ts";

/** The client's side of a captured TCP connection. */
export interface TcpFlow {
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  /** What the client sent, put in order, up to the first byte that was not captured or {@linkcode MAX_FLOW_BYTES}. */
  readonly head: Uint8Array;
  /** Whether the client ended its stream right behind `head`. */
  readonly ended: boolean;
}

/** Most bytes kept of a connection: twice the default of `probe_max_bytes`. */
export const MAX_FLOW_BYTES = 65_536;
/** Most connections read from a capture; those that begin later are passed over. */
export const MAX_FLOWS = 1024;

/**
 * Reads the TCP connections of a capture, in the order in which they begin. Whoever sends the SYN is the client;
 * where the capture has none, whoever sends first.
 * @param bytes A pcap or pcapng file of Ethernet, raw IP, loopback or Linux "any" packets.
 * @throws {SyntaxError} If it is no such file, or a damaged one.
 */
export function readPcap(bytes: Uint8Array): readonly TcpFlow[] {
  const streams: Stream[] = [];
  const current = new Map<string, Stream>();
  for (const packet of readCaptureFile(bytes)) {
    const ip = readIpPacket(packet);
    const segment = ip && readSegment(ip);
    if (segment === undefined) continue;
    const forth = key(segment.source, segment.destination);
    const back = key(segment.destination, segment.source);
    let stream = current.get(forth) ?? current.get(back);
    if (stream === undefined || stream.isReopenedBy(segment)) {
      if (streams.length === MAX_FLOWS) continue;
      stream = new Stream(segment);
      streams.push(stream);
      current.delete(back);
      current.set(key(stream.client, stream.server), stream);
    }
    if (forth === key(stream.client, stream.server)) stream.add(segment);
  }
  return streams.map((stream) => stream.flow());
}

function key(from: SocketAddress, to: SocketAddress): string {
  return `${formatAddress(from)} ${formatAddress(to)}`;
}

/** What a client sends, while the capture is read. Sequence numbers count from the first byte, modulo 2^32. */
class Stream {
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  /** The sequence number of the first byte. */
  readonly #start: number;
  readonly #pieces: Array<{ readonly at: number; readonly bytes: Uint8Array }> = [];
  #endsAt: number | undefined;

  /** @param first The first segment captured, of either side. */
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
    return { client: this.client, server: this.server, head, ended: this.#endsAt === end };
  }
}

/** The sequence number of a segment's first byte; its SYN counts as one before it (RFC 9293 §3.4). */
function firstByte({ sequence, syn }: Segment): number {
  return (sequence + (syn ? 1 : 0)) >>> 0;
}
