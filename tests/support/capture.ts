/**
 * Capture files for tests, from the inside out: TCP segment, IP packet, link header, file.
 *
 * @module
 */

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
  return join(
    u16(from),
    u16(to),
    u32(sequence),
    u32(acknowledgment),
    [(20 + options) / 4 << 4, flags, 0xff, 0xff, 0, 0, 0, 0],
    new Uint8Array(options).fill(1),
    typeof data === "string" ? new TextEncoder().encode(data) : data,
  );
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
  return join(
    [0x40 | headerLength / 4, 0],
    u16(parts.totalLength ?? headerLength + payload.length),
    [0, 0],
    u16(fragment),
    [64, protocol, 0, 0],
    [192, 0, 2, from, 192, 0, 2, to],
    new Uint8Array(options),
    payload,
  );
}

/** An IPv6 packet between 2001:db8::`from` and 2001:db8::`to`; `next` names the first header in `payload`. */
export function ipv6(from: number, to: number, payload: Uint8Array, next = 6): Uint8Array {
  const address = (last: number) => [0x20, 0x01, 0x0d, 0xb8, ...new Uint8Array(11), last];
  return join(
    [0x60, 0, 0, 0],
    u16(payload.length),
    [next, 64],
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
  return join(new Uint8Array(12), ...tags.map((tag) => [...u16(tag), 0, 7]), u16(type), payload);
}

export interface PcapParts {
  readonly linkType: number;
  readonly little?: boolean;
  readonly magic?: number;
}

/** A classic pcap file. */
export function pcap(packets: readonly Uint8Array[], parts: PcapParts): Uint8Array {
  const { linkType, little = true, magic = 0xa1b2c3d4 } = parts;
  const word = wordIn(little);
  return join(
    word(magic),
    little ? [2, 0, 4, 0] : [0, 2, 0, 4],
    new Uint8Array(8),
    word(262_144),
    word(linkType),
    ...packets.map((packet) =>
      join(word(1), word(2), word(packet.length), word(packet.length), packet)
    ),
  );
}

/** A pcapng block, padded to four bytes. */
export function block(type: number, body: Uint8Array, little = true): Uint8Array {
  const word = wordIn(little);
  const padding = -body.length & 3;
  const length = word(12 + body.length + padding);
  return join(word(type), length, body, new Uint8Array(padding), length);
}

/** A pcapng section of these interfaces and blocks. */
export function section(
  interfaces: ReadonlyArray<{ readonly linkType: number; readonly snapLength?: number }>,
  blocks: readonly Uint8Array[],
  little = true,
): Uint8Array {
  const word = wordIn(little);
  const header = join(
    word(0x1a2b3c4d),
    little ? [1, 0, 0, 0] : [0, 1, 0, 0],
    new Uint8Array(8).fill(0xff),
  );
  return join(
    block(0x0a0d0d0a, header, little),
    ...interfaces.map(({ linkType, snapLength = 0 }) => {
      const type = little ? [linkType & 0xff, linkType >> 8] : u16(linkType);
      return block(1, join(type, [0, 0], word(snapLength)), little);
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
  const word = wordIn(little);
  const length = word(packet.length);
  const padding = new Uint8Array(-packet.length & 3);
  const body = join(word(interfaceIndex), word(1), word(2), length, length, packet, padding, [
    0,
    0,
    0,
    0,
  ]);
  return block(6, body, little);
}

/** A pcapng Simple Packet, cut to `kept` bytes. */
export function simplePacket(packet: Uint8Array, kept = packet.length): Uint8Array {
  return block(3, join(wordIn(true)(packet.length), packet.subarray(0, kept)));
}

/** These bytes, one after the other. */
export function join(...parts: ReadonlyArray<ArrayLike<number>>): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function u32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}

function wordIn(little: boolean): (value: number) => number[] {
  return (value) => little ? u32(value).reverse() : u32(value);
}
