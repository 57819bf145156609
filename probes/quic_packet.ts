/**
 * QUIC packets as they are on the wire, still protected. What holds in every version (RFC 8999 §5):
 *
 * ```
 * long       u8 1xxxxxxx | u32 version | u8 n, destination connection ID | u8 n, source connection ID | …
 * short      u8 0xxxxxxx | destination connection ID, of a length that its receiver chose | …
 * ```
 *
 * What is behind the IDs of a long header in versions 1 and 2 (RFC 9000 §17.2, RFC 9369 §3.2):
 *
 * ```
 * first byte 1 | fixed 1 | 2 type | 2 reserved | 2 packet number length - 1        the last four bits are protected
 * Initial    varint n, token | varint n, { 1..4 packet number | frames | 16 tag }
 * 0-RTT      varint n, { 1..4 packet number | frames | 16 tag }                    Handshake likewise
 * Retry      token | 16 integrity tag
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { attempt } from "./probe.ts";

export const QUIC_V1 = 0x00000001;
export const QUIC_V2 = 0x6b3343cf;
const VERSION_NEGOTIATION = 0;

const LONG_FORM = 0x80;
const FIXED_BIT = 0x40;

/** Where the destination connection ID begins; that of a long header is behind its length. */
export const LONG_DCID_AT = 6;
export const SHORT_DCID_AT = 1;

/** Servers discard the Initial packets of a client in a shorter datagram (RFC 9000 §14.1). */
export const MIN_FIRST_LENGTH = 1200;

/** The longest connection ID of versions 1 and 2 (RFC 9000 §17.2). */
export const MAX_ID_LENGTH = 20;

/**
 * The most packets that are read of one datagram. A client coalesces an Initial, a 0-RTT and a Handshake packet;
 * opening each costs time, and a datagram of 1200 bytes could hold thirty.
 */
const MAX_PACKETS = 4;

/** What a packet with a long header is; `unknown` in a version that is not known here. */
export type LongPacketType =
  | "initial"
  | "0-rtt"
  | "handshake"
  | "retry"
  | "version negotiation"
  | "unknown";

/** By the type bits. */
const TYPES: ReadonlyMap<number, readonly LongPacketType[]> = new Map([
  [QUIC_V1, ["initial", "0-rtt", "handshake", "retry"]],
  [QUIC_V2, ["retry", "initial", "0-rtt", "handshake"]],
]);

const LENGTH_TOLD: ReadonlySet<LongPacketType> = new Set(["initial", "0-rtt", "handshake"]);

/** What can be read of a packet without keys; the IDs are views of the datagram. */
export type QuicHeader =
  | {
    readonly form: "long";
    readonly type: LongPacketType;
    readonly version: number;
    readonly dcid: Uint8Array;
    readonly scid: Uint8Array;
  }
  | { readonly form: "short"; readonly dcid: Uint8Array };

export type LongHeader = Extract<QuicHeader, { form: "long" }>;

/** Whether the first packet of a datagram has a long header; asked of every datagram of a flow. */
export function isLongHeader(datagram: Uint8Array): boolean {
  return (datagram[0]! & LONG_FORM) !== 0;
}

/**
 * Reads the header of a datagram's first packet. Nothing proves that the datagram is QUIC at all: any that begins
 * with a zero bit reads as a short header, and in a version that is not known the IDs may be up to 255 bytes long.
 * @param dcidLength Bytes of the destination connection ID of short headers, as the receiver chose it.
 * @returns `undefined` if it is too short for its IDs, or these are too long for versions 1 and 2.
 */
export function quicHeader(datagram: Uint8Array, dcidLength = 0): QuicHeader | undefined {
  const read = (reader: ByteReader): QuicHeader | undefined =>
    reader.peek() & LONG_FORM ? longHeader(reader) : shortHeader(reader, dcidLength);
  const header = attempt(read, datagram, true);
  return header === undefined || "kind" in header ? undefined : header;
}

/**
 * Whether a client may begin with a datagram in a version that is not known here. Only the version and the IDs are
 * common to all versions. The rest is what every version so far holds to, and what keeps QUIC apart from RTP and others
 * (RFC 9443 §3).
 */
export function isFirstOfOtherVersion(
  datagram: Uint8Array,
  { type, dcid, scid }: LongHeader,
): boolean {
  return type === "unknown" && datagram.length >= MIN_FIRST_LENGTH &&
    (datagram[0]! & FIXED_BIT) !== 0 && Math.max(dcid.length, scid.length) <= MAX_ID_LENGTH;
}

function longHeader(packet: ByteReader): LongHeader | undefined {
  const typeBits = packet.u8() >> 4 & 3;
  const version = packet.u32();
  const dcid = packet.bytes(packet.u8());
  const scid = packet.bytes(packet.u8());
  if (version === VERSION_NEGOTIATION) {
    return { form: "long", type: "version negotiation", version, dcid, scid };
  }
  const type = TYPES.get(version)?.[typeBits];
  if (type === undefined) return { form: "long", type: "unknown", version, dcid, scid };
  if (Math.max(dcid.length, scid.length) > MAX_ID_LENGTH) return undefined;
  return { form: "long", type, version, dcid, scid };
}

function shortHeader(packet: ByteReader, dcidLength: number): QuicHeader {
  packet.skip(1);
  return { form: "short", dcid: packet.bytes(dcidLength) };
}

/** A packet that says how long it is: an Initial, 0-RTT or Handshake one. */
export interface ProtectedPacket {
  readonly header: LongHeader;
  /** Of an Initial that follows a Retry or an earlier connection; else empty. */
  readonly token: Uint8Array;
  /** All of it, as a view of the datagram. */
  readonly bytes: Uint8Array;
  /** Where the packet number begins in `bytes`. */
  readonly packetNumberAt: number;
}

/**
 * The packets of a datagram (RFC 9000 §12.2), up to the first that does not say how long it is. Those of another
 * connection than the first one's are passed over, as they are by every endpoint.
 */
export function coalescedPackets(datagram: Uint8Array): readonly ProtectedPacket[] {
  const packets: ProtectedPacket[] = [];
  let rest = datagram;
  for (let i = 0; i < MAX_PACKETS && rest.length > 0; i++) {
    const packet = firstPacket(rest);
    if (packet === undefined) break;
    const [first = packet] = packets;
    if (connectionKey(packet.header) === connectionKey(first.header)) packets.push(packet);
    rest = rest.subarray(packet.bytes.length);
  }
  return packets;
}

function firstPacket(datagram: Uint8Array): ProtectedPacket | undefined {
  const read = (reader: ByteReader): ProtectedPacket | undefined => {
    const header = reader.peek() & LONG_FORM ? longHeader(reader) : undefined;
    if (header === undefined || !LENGTH_TOLD.has(header.type)) return undefined;
    const token = reader.bytes(header.type === "initial" ? varint(reader) : 0);
    const length = varint(reader);
    const packetNumberAt = reader.offset;
    reader.skip(length);
    return { header, token, bytes: datagram.subarray(0, reader.offset), packetNumberAt };
  };
  const packet = attempt(read, datagram, true);
  return packet === undefined || "kind" in packet ? undefined : packet;
}

/** The same text for packets of the same version and destination connection ID. */
export function connectionKey({ version, dcid }: LongHeader): string {
  return `${version} ${dcid.toHex()}`;
}

/**
 * Reads a variable-length integer (RFC 9000 §16).
 * @returns Up to 2^62 - 1; from 2^53 on rounded, which is too large for any use of it.
 * @throws {Shortage} If it is cut off.
 */
export function varint(reader: ByteReader): number {
  switch (reader.peek() >> 6) {
    case 0:
      return reader.u8();
    case 1:
      return reader.u16() & 0x3fff;
    case 2:
      return reader.u32() % 2 ** 30;
    default:
      return reader.u32() % 2 ** 30 * 2 ** 32 + reader.u32();
  }
}

/**
 * The packet number that fits best behind the largest one so far (RFC 9000 A.3).
 * @param largest The largest packet number that was read; -1 if there was none.
 * @param truncated What the packet tells: its last bytes.
 * @param length How many bytes that is, 1 to 4.
 */
export function packetNumber(largest: number, truncated: number, length: number): number {
  const window = 256 ** length;
  const expected = largest + 1;
  const candidate = expected - expected % window + truncated;
  if (candidate <= expected - window / 2) return candidate + window;
  if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}
