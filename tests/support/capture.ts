/**
 * Capture files for tests, from the inside out: TCP segment or UDP datagram, IP packet, link header, file.
 *
 * @module
 */
import { concat } from "./bytes.ts";

export const FIN = 0x01;
export const SYN = 0x02;
export const ACK = 0x10;

export interface SegmentParts {
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly data?: Uint8Array | string;
  /** Bytes of options, a multiple of four. */
  readonly options?: number;
}

/** A TCP segment. */
export function segment(parts: SegmentParts): Uint8Array {
  const { from, to, sequence, acknowledgment = 0, flags = ACK, data = "", options = 0 } = parts;
  return concat(
    u16(from),
    u16(to),
    u32(sequence),
    u32(acknowledgment),
    (20 + options) / 4 << 4,
    flags,
    u16(0xffff),
    u32(0),
    new Uint8Array(options).fill(1),
    data,
  );
}

export interface DatagramParts {
  readonly from: number;
  readonly to: number;
  readonly data?: Uint8Array | string;
  /** What the header says, where that is not how long it is. */
  readonly length?: number;
}

/** A UDP datagram. */
export function datagram({ from, to, data = "", length }: DatagramParts): Uint8Array {
  return concat(u16(from), u16(to), u16(length ?? 8 + data.length), u16(0), data);
}

export interface Ipv4Parts {
  /** The flags and the offset of a fragment. */
  readonly fragment?: number;
  readonly protocol?: number;
  readonly totalLength?: number;
  readonly options?: number;
}

/** An IPv4 packet between 192.0.2.`from` and 192.0.2.`to`. */
export function ipv4(
  from: number,
  to: number,
  payload: Uint8Array,
  parts: Ipv4Parts = {},
): Uint8Array {
  const { fragment = 0x4000, protocol = 6, options = 0 } = parts;
  const headerLength = 20 + options;
  return concat(
    0x40 | headerLength / 4,
    0,
    u16(parts.totalLength ?? headerLength + payload.length),
    u16(0),
    u16(fragment),
    64,
    protocol,
    u16(0),
    Uint8Array.of(192, 0, 2, from, 192, 0, 2, to),
    new Uint8Array(options),
    payload,
  );
}

/** An IPv6 packet between 2001:db8::`from` and 2001:db8::`to`; `next` names the first header in `payload`. */
export function ipv6(from: number, to: number, payload: Uint8Array, next = 6): Uint8Array {
  const address = (last: number) => concat(u32(0x20010db8), new Uint8Array(11), last);
  return concat(
    u32(0x6000_0000),
    u16(payload.length),
    next,
    64,
    address(from),
    address(to),
    payload,
  );
}

/** An Ethernet frame, with VLAN tags of these types before its own. */
export function ethernet(
  type: number,
  payload: Uint8Array,
  tags: readonly number[] = [],
): Uint8Array {
  return concat(
    new Uint8Array(12),
    ...tags.map((tag) => concat(u16(tag), u16(7))),
    u16(type),
    payload,
  );
}

export interface PcapParts {
  readonly linkType: number;
  readonly little?: boolean;
  readonly magic?: number;
}

/** A classic pcap file. */
export function pcap(packets: readonly Uint8Array[], parts: PcapParts): Uint8Array {
  const { linkType, little = true, magic = 0xa1b2c3d4 } = parts;
  const { half, word } = inOrder(little);
  return concat(
    word(magic),
    half(2),
    half(4),
    new Uint8Array(8),
    word(262_144),
    word(linkType),
    ...packets.map((packet) =>
      concat(word(1), word(2), word(packet.length), word(packet.length), packet)
    ),
  );
}

/** A pcapng block, padded to four bytes. */
export function block(type: number, body: Uint8Array, little = true): Uint8Array {
  const { word } = inOrder(little);
  const padding = -body.length & 3;
  const length = word(12 + body.length + padding);
  return concat(word(type), length, body, new Uint8Array(padding), length);
}

/** A pcapng section of these interfaces and blocks. */
export function section(
  interfaces: ReadonlyArray<{ readonly linkType: number; readonly snapLength?: number }>,
  blocks: readonly Uint8Array[],
  little = true,
): Uint8Array {
  const { half, word } = inOrder(little);
  const header = concat(
    word(0x1a2b3c4d),
    half(1),
    half(0),
    new Uint8Array(8).fill(0xff),
  );
  return concat(
    block(0x0a0d0d0a, header, little),
    ...interfaces.map(({ linkType, snapLength = 0 }) => {
      return block(1, concat(half(linkType), half(0), word(snapLength)), little);
    }),
    ...blocks,
  );
}

/** A pcapng Enhanced Packet, with one option behind the packet. */
export function enhancedPacket(
  interfaceIndex: number,
  packet: Uint8Array,
  little = true,
): Uint8Array {
  const { word } = inOrder(little);
  const length = word(packet.length);
  const padding = new Uint8Array(-packet.length & 3);
  const body = concat(
    word(interfaceIndex),
    word(1),
    word(2),
    length,
    length,
    packet,
    padding,
    u32(0),
  );
  return block(6, body, little);
}

/** A pcapng Simple Packet, cut to `kept` bytes. */
export function simplePacket(packet: Uint8Array, kept = packet.length): Uint8Array {
  return block(3, concat(inOrder(true).word(packet.length), packet.subarray(0, kept)));
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Writers of 2 and 4 bytes in a byte order. */
function inOrder(little: boolean) {
  const ordered = (bytes: Uint8Array) => little ? bytes.reverse() : bytes;
  return {
    half: (value: number) => ordered(u16(value)),
    word: (value: number) => ordered(u32(value)),
  };
}
