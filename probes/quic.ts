/**
 * QUIC (RFC 9000, RFC 9369). A client begins with Initial packets, which anyone can open; their CRYPTO frames hold
 * its TLS ClientHello (RFC 9001 §4), cut as it likes over frames, packets and datagrams:
 *
 * ```
 * datagram   { long header | frames, protected }*                       quic_packet.ts, quic_keys.ts
 * frames     { u8 type | … }*, among them CRYPTO: pieces of a stream    quic_crypto.ts
 * stream     u8 1 (client_hello) | u24 n | ClientHello                  client_hello.ts
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { type ClientHello, clientHello } from "./client_hello.ts";
import type { DatagramProbe, DatagramResult } from "./datagram.ts";
import { attempt, type Facts } from "./probe.ts";
import { cryptoFrames, CryptoStream, MAX_STREAM_LENGTH } from "./quic_crypto.ts";
import { initialKeys, openPacket, type PacketKeys } from "./quic_keys.ts";
import {
  coalescedPackets,
  connectionKey,
  isFirstOfOtherVersion,
  type LongHeader,
  MIN_FIRST_LENGTH,
  type ProtectedPacket,
  QUIC_V1,
  QUIC_V2,
  quicHeader,
} from "./quic_packet.ts";

/** Opening takes time for every byte; no client sends as many before it knows the path (RFC 9000 §14). */
const MAX_DATAGRAM_LENGTH = 4096;
/** The shortest connection ID that a client may choose for a server (RFC 9000 §7.2). */
const MIN_CHOSEN_ID_LENGTH = 8;
/** The most datagrams that are read. A hello with a post-quantum key fills two or three; the others may be repetitions. */
const MAX_DATAGRAMS = 8;
/** The most pieces of the handshake that are listed. */
const MAX_RANGES = 32;

const CLIENT_HELLO = 1;

const NO = { kind: "no" } as const;
const NEED = { kind: "need" } as const;

/**
 * Matches a client's whole ClientHello in QUIC version 1 or 2, and gives `serverName` and `alpns`; matches the first
 * datagram of a client of another version without them, since only a server can negotiate. The first datagram must
 * hold an Initial packet that opens, or 0-RTT packets that overtook it.
 */
export const quic: DatagramProbe = (datagrams, final) => {
  if (datagrams.length === 0) return NO;
  const answer = readingOf(datagrams).answer;
  if (answer.kind !== "need") return answer;
  return final || datagrams.length >= MAX_DATAGRAMS ? NO : NEED;
};

/**
 * What was read of clients that are asked about again, by their first datagram: so one more costs what it takes to open
 * that one. The answers are the same without it.
 */
const readings = new WeakMap<Uint8Array, Reading>();

function readingOf(datagrams: readonly Uint8Array[]): Reading {
  const first = datagrams[0]!;
  const known = readings.get(first);
  const reading = known?.isOf(datagrams) ? known : new Reading();
  reading.goOn(datagrams);
  if (reading.answer.kind === "need") readings.set(first, reading);
  return reading;
}

/** A client's datagrams, read as far as they are here. */
class Reading {
  answer: DatagramResult = NEED;
  readonly #read: Uint8Array[] = [];
  readonly #connections = new Map<string, Connection>();

  /** Whether what was read are the first of `datagrams`. */
  isOf(datagrams: readonly Uint8Array[]): boolean {
    return this.#read.length <= datagrams.length &&
      this.#read.every((datagram, i) => datagram === datagrams[i]);
  }

  /** Reads those that were not read, up to the answer. */
  goOn(datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams.slice(this.#read.length, MAX_DATAGRAMS)) {
      if (this.answer.kind !== "need") return;
      this.answer = this.#next(datagram);
      this.#read.push(datagram);
    }
  }

  #next(datagram: Uint8Array): DatagramResult {
    const otherVersion = this.#read.length === 0 ? readOtherVersion(datagram) : undefined;
    if (otherVersion !== undefined) return { kind: "match", facts: otherVersion };
    const packets = coalescedPackets(datagram);
    for (const packet of packets.filter((packet) => isClientInitial(packet, datagram))) {
      const answer = this.#connectionOf(packet.header).read(packet);
      // What does not open is no packet, and ends where nobody knows. One attempt also bounds what garbage costs.
      if (answer === undefined) break;
      if (answer.kind !== "need") return answer;
    }
    const opened = this.#connections.values().some(({ packets }) => packets > 0);
    return opened || packets.some(({ header }) => header.type === "0-rtt") ? NEED : NO;
  }

  #connectionOf(header: LongHeader): Connection {
    const key = connectionKey(header);
    const connection = this.#connections.get(key) ?? new Connection(header);
    this.#connections.set(key, connection);
    return connection;
  }
}

/** What a client's first datagram in another version than 1 and 2 tells. */
function readOtherVersion(datagram: Uint8Array): Facts | undefined {
  const header = quicHeader(datagram);
  return header?.form === "long" && isFirstOfOtherVersion(datagram, header)
    ? { protocol: "quic", quicCid: header.dcid.toHex(), details: headerDetails(header) }
    : undefined;
}

/** Whether a server would take the packet for one that a client begins with, as far as it can be seen unopened. */
function isClientInitial({ header, token }: ProtectedPacket, datagram: Uint8Array): boolean {
  return header.type === "initial" &&
    datagram.length >= MIN_FIRST_LENGTH && datagram.length <= MAX_DATAGRAM_LENGTH &&
    // With a token, the ID may be one that a server chose in its Retry packet.
    (token.length > 0 || header.dcid.length >= MIN_CHOSEN_ID_LENGTH);
}

/** A connection that a client is about to open: what its Initial packets have said so far. */
class Connection {
  /** How many were opened. */
  packets = 0;
  readonly #keys: PacketKeys;
  readonly #stream = new CryptoStream();
  /** Where the first of its pieces began and ended, in turn. */
  readonly #ranges: number[] = [];
  #largest = -1;

  constructor(header: LongHeader) {
    this.#keys = initialKeys(header.version, header.dcid, "client");
  }

  /** Reads another Initial packet; `undefined` if it does not open. */
  read(packet: ProtectedPacket): DatagramResult | undefined {
    const opened = openPacket(packet, this.#keys, this.#largest);
    if (opened === undefined) return undefined;
    this.packets++;
    this.#largest = Math.max(this.#largest, opened.packetNumber);
    const pieces = cryptoFrames(opened.frames);
    if (pieces === undefined || !this.#stream.add(...pieces)) return NO;
    for (const { offset, data } of pieces.slice(0, MAX_RANGES - this.#ranges.length / 2)) {
      this.#ranges.push(offset, offset + data.length);
    }
    const hello = attempt(readClientHello, this.#stream.start, false);
    if (hello === undefined) return NO;
    if (!("kind" in hello)) return { kind: "match", facts: this.#facts(hello, packet) };
    return hello.kind === "need" && hello.bytes <= MAX_STREAM_LENGTH ? NEED : NO;
  }

  #facts({ serverName, alpns, ech }: ClientHello, { header, token }: ProtectedPacket): Facts {
    return {
      protocol: "quic",
      ...(serverName !== undefined && { serverName }),
      ...(alpns !== undefined && { alpns }),
      quicCid: header.dcid.toHex(),
      details: {
        ...headerDetails(header),
        ...(token.length > 0 && { tokenLength: token.length }),
        packets: this.packets,
        cryptoRanges: rangesText(this.#ranges),
        ...(ech && { ech }),
      },
    };
  }
}

/** The ClientHello that the stream begins with; it may go on with other messages. */
function readClientHello(stream: ByteReader): ClientHello | undefined {
  return stream.u8() === CLIENT_HELLO ? clientHello(stream.take(stream.u24())) : undefined;
}

/** `0-1200,1300-1310` */
function rangesText(ranges: readonly number[]): string {
  return ranges.map((at, i) => i % 2 === 0 ? at : `-${at}${i < ranges.length - 1 ? "," : ""}`)
    .join("");
}

function headerDetails({ version, dcid, scid }: LongHeader) {
  return { version: versionName(version), dcid: dcid.toHex(), scid: scid.toHex() };
}

/** `1` and `2`; the wire value of other versions. */
function versionName(version: number): string {
  if (version === QUIC_V1) return "1";
  return version === QUIC_V2 ? "2" : `0x${version.toString(16).padStart(8, "0")}`;
}
