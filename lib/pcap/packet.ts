/**
 * From a captured packet to what it carries: link header → IP → TCP or UDP.
 *
 * ```
 * Ethernet    addresses 12, [802.1Q tag 4]*, type 2
 * Linux SLL   14, type 2              SLL2   type 2, 18              loopback   family 4
 * IPv4        version and header length 1, 1, total length 2, 2, fragment 2, 1, protocol 1, 2, addresses 4+4, options
 * IPv6        version … 4, payload length 2, next header 1, 1, addresses 16+16, extension headers
 * TCP         ports 2+2, sequence 4, acknowledgment 4, header length (4 bits) 1, flags 1, 6, options
 * UDP         ports 2+2, length 2, 2
 * ```
 *
 * @module
 */
import type { ByteReader } from "../../probes/bytes.ts";
import { attempt } from "../../probes/probe.ts";
import type { SocketAddress } from "../addr.ts";
import { readIp } from "../ip_bytes.ts";
import type { Packet } from "./capture_file.ts";

/** What an IP packet carries, and between whom. */
export interface IpPacket {
  /** TCP is 6, UDP 17. */
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** As far as it was captured. */
  readonly payload: Uint8Array;
}

/** A TCP segment (RFC 9293 §3.1). */
export interface Segment {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly payload: Uint8Array;
}

/** A UDP datagram (RFC 768). */
export interface Datagram {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  /** As far as it was captured. */
  readonly payload: Uint8Array;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

// https://www.tcpdump.org/linktypes.html
const NULL = 0;
const ETHERNET = 1;
/** What OpenBSD and the other BSDs write for RAW. */
const BSD_RAW = [12, 14];
const RAW = 101;
const LOOP = 108;
const LINUX_SLL = 113;
const IPV4 = 228;
const IPV6 = 229;
const LINUX_SLL2 = 276;

// EtherTypes
const TYPE_IPV4 = 0x0800;
const TYPE_IPV6 = 0x86dd;
const TYPES_VLAN = [0x8100, 0x88a8, 0x9100];

// IP protocol numbers; those of extension headers are of RFC 8200 §4.1 and RFC 4302.
const TCP = 6;
const UDP = 17;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION_OPTIONS = 60;

const UDP_HEADER_LENGTH = 8;

/**
 * The IP packet in a captured one; `undefined` for anything else, and for fragments.
 * @throws {SyntaxError} If the link type is not one of those above.
 */
export function readIpPacket({ linkType, bytes }: Packet): IpPacket | undefined {
  const found = attempt(
    (reader) => {
      if (!skipLinkHeader(reader, linkType)) return undefined;
      const version = reader.peek() >> 4;
      return version === 4 ? readIpv4(reader) : version === 6 ? readIpv6(reader) : undefined;
    },
    bytes,
    true,
  );
  return found === undefined || "kind" in found ? undefined : found;
}

/** Moves to the IP header; returns whether there is one. */
function skipLinkHeader(reader: ByteReader, linkType: number): boolean {
  switch (linkType) {
    case NULL:
    case LOOP:
      // The family's number and byte order depend on the system; the IP header tells as much.
      reader.skip(4);
      return true;
    case RAW:
    case IPV4:
    case IPV6:
    case BSD_RAW[0]:
    case BSD_RAW[1]:
      return true;
    case ETHERNET:
      reader.skip(12);
      return isIp(reader.u16(), reader);
    case LINUX_SLL:
      reader.skip(14);
      return isIp(reader.u16(), reader);
    case LINUX_SLL2: {
      const type = reader.u16();
      reader.skip(18);
      return isIp(type, reader);
    }
    default:
      throw new SyntaxError(
        `the capture's link type ${linkType} is not known; Ethernet, raw IP, loopback and Linux "any" are`,
      );
  }
}

/** Whether IP follows, behind any VLAN tags, which are read. */
function isIp(type: number, reader: ByteReader): boolean {
  while (TYPES_VLAN.includes(type)) {
    reader.skip(2);
    type = reader.u16();
  }
  return type === TYPE_IPV4 || type === TYPE_IPV6;
}

function readIpv4(reader: ByteReader): IpPacket | undefined {
  const headerLength = (reader.u8() & 0x0f) * 4;
  reader.skip(1);
  const totalLength = reader.u16();
  reader.skip(2);
  // The offset and the flag "more fragments"; the flag "don't fragment" is no matter.
  const isFragment = (reader.u16() & 0x3fff) !== 0;
  reader.skip(1);
  const protocol = reader.u8();
  reader.skip(2);
  const [source, destination] = [readIp(reader, 4), readIp(reader, 4)];
  // Segments that the network card is to cut are captured with a length of 0.
  const length = totalLength === 0 ? reader.remaining + 20 : totalLength;
  if (isFragment || headerLength < 20 || length < headerLength) return undefined;
  reader.skip(headerLength - 20);
  // The link may have padded the packet, the capture may have cut it.
  const payload = reader.bytes(Math.min(length - headerLength, reader.remaining));
  return { protocol, source, destination, payload };
}

function readIpv6(reader: ByteReader): IpPacket | undefined {
  reader.skip(4);
  const length = reader.u16();
  let next = reader.u8();
  reader.skip(1);
  const [source, destination] = [readIp(reader, 6), readIp(reader, 6)];
  const rest = reader.take(Math.min(length === 0 ? Infinity : length, reader.remaining));
  for (;;) {
    switch (next) {
      case HOP_BY_HOP:
      case ROUTING:
      case DESTINATION_OPTIONS:
        next = rest.u8();
        rest.skip(8 * rest.u8() + 6);
        continue;
      case AUTHENTICATION:
        next = rest.u8();
        rest.skip(4 * rest.u8() + 6);
        continue;
      case FRAGMENT: {
        next = rest.u8();
        rest.skip(1);
        const isFragment = (rest.u16() & 0xfff9) !== 0;
        rest.skip(4);
        if (isFragment) return undefined;
        continue;
      }
      default:
        return { protocol: next, source, destination, payload: rest.rest() };
    }
  }
}

/** The TCP segment in an IP packet; `undefined` if it carries none. */
export function readSegment(packet: IpPacket): Segment | undefined {
  if (packet.protocol !== TCP) return undefined;
  const found = attempt(
    (reader) => {
      const [sourcePort, destinationPort] = [reader.u16(), reader.u16()];
      const [sequence, acknowledgment] = [reader.u32(), reader.u32()];
      const headerLength = (reader.u8() >> 4) * 4;
      const flags = reader.u8();
      if (headerLength < 20) return undefined;
      reader.skip(headerLength - 14);
      return {
        source: { address: packet.source, port: sourcePort },
        destination: { address: packet.destination, port: destinationPort },
        sequence,
        acknowledgment,
        syn: (flags & 0x02) !== 0,
        ack: (flags & 0x10) !== 0,
        fin: (flags & 0x01) !== 0,
        payload: reader.rest(),
      };
    },
    packet.payload,
    true,
  );
  return found === undefined || "kind" in found ? undefined : found;
}

/** The UDP datagram in an IP packet; `undefined` if it carries none. */
export function readDatagram(packet: IpPacket): Datagram | undefined {
  if (packet.protocol !== UDP) return undefined;
  const found = attempt(
    (reader) => {
      const [sourcePort, destinationPort] = [reader.u16(), reader.u16()];
      const length = reader.u16() - UDP_HEADER_LENGTH;
      reader.skip(2);
      if (length < 0) return undefined;
      return {
        source: { address: packet.source, port: sourcePort },
        destination: { address: packet.destination, port: destinationPort },
        payload: reader.bytes(Math.min(length, reader.remaining)),
        isWhole: length <= packet.payload.length - UDP_HEADER_LENGTH,
      };
    },
    packet.payload,
    true,
  );
  return found === undefined || "kind" in found ? undefined : found;
}
