/**
 * How the kernel wants many datagrams at once: the structures of recvmmsg(2), sendmmsg(2) and cmsg(3), as they lie in
 * the memory of 64-bit little-endian machines. x86-64 and arm64 have them alike. Memory is seen in words of 32 bits, so
 * what belongs to the network is in its order within a word.
 *
 * @module
 */
import { AF_INET, type AF_INET6, IPPROTO_IPV6, SOCKADDR_IN, SOCKADDR_IN6 } from "./layout.ts";

/** A word, bytes. */
export const WORD = 4;

/** `struct mmsghdr`: its size in bytes, and where its fields are, in words. */
export const MESSAGE = {
  size: 64,
  name: 0,
  nameLength: 2,
  pieces: 4,
  pieceCount: 6,
  control: 8,
  controlLength: 10,
  length: 14,
} as const;

/** `struct iovec`, likewise. */
export const PIECE = { size: 16, base: 0, length: 2 } as const;

/** What a socket speaks: IPv4; or IPv6, and with it maybe IPv4 too. */
export type Family = typeof AF_INET | typeof AF_INET6;

/**
 * An IP address as the kernel has it, in the four words of IPv6: one of IPv4 is mapped (`::ffff:192.0.2.1`). To a
 * link-local one belongs its interface; elsewhere `scope` is 0.
 */
export interface RawAddress {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly scope: number;
}

/** The third word of every mapped IPv4 address: `0000:ffff`. */
export const MAPPED = 0xffff_0000 | 0;

/** Whether an address that begins with this word is a link-local one: `fe80::/10`. */
export function isLinkLocal(a: number): boolean {
  return (a & 0xc0ff) === 0x80fe;
}

/** Bytes of the name of a message, at most; and those that a socket of a family wants. */
export const NAME_SIZE = SOCKADDR_IN6.size;

export function nameSize(family: Family): number {
  return family === AF_INET ? SOCKADDR_IN.size : SOCKADDR_IN6.size;
}

/** Where an address is in a name, in words. */
export function addressInName(family: Family): number {
  return (family === AF_INET ? SOCKADDR_IN.address : SOCKADDR_IN6.address) / WORD;
}

/** Where the interface of a link-local address is in a name, in words. */
export const SCOPE_IN_NAME = SOCKADDR_IN6.scope / WORD;

/** The port in the first word of a name, behind the family. */
export function portInName(word: number): number {
  return word >>> 24 | word >>> 8 & 0xff00;
}

/** Writes a name at the word `at`. */
export function writeName(
  words: Int32Array,
  at: number,
  family: Family,
  { a, b, c, d, scope }: RawAddress,
  port: number,
): void {
  words[at] = family | (port & 0xff) << 24 | (port & 0xff00) << 8;
  const address = at + addressInName(family);
  if (family === AF_INET) {
    words[address] = d;
    return;
  }
  // No flow label.
  words[at + 1] = 0;
  words[address] = a;
  words[address + 1] = b;
  words[address + 2] = c;
  words[address + 3] = d;
  words[at + SCOPE_IN_NAME] = scope;
}

/** `struct cmsghdr`, bytes: a u64 with the length of all, level, type; then the data. */
const CONTROL_HEADER = 16;

/** Bytes of the control messages of one message: the address that it leaves from or came to, and how it is cut. */
export const CONTROL_SIZE = 64;

/** Sets the size of a buffer beyond the system's bound, for who may (socket(7)). */
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

export const IPPROTO_IP = 0;
/** Shows the address that a datagram came to, and says the one that it leaves from (ip(7), ipv6(7)). */
export const IP_PKTINFO = 8;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
/** Has one long message cut into datagrams (udp(7)). */
export const SOL_UDP = 17;
export const UDP_SEGMENT = 103;

/** `struct in_pktinfo`: interface, local address, address in the header. */
const PACKET_INFO = { size: 12, localAddress: 1 } as const;
/** `struct in6_pktinfo`: address, interface. */
const PACKET_INFO6 = { size: 20 } as const;
/** How far behind the beginning of an IPv6 address its interface is there, in words. */
export const INTERFACE_BEHIND = 4;
const SEGMENT_SIZE = 2;

/**
 * Writes the control message that says which address of this machine a datagram leaves from, at the word `at`.
 * @returns The word behind it.
 */
export function writeSource(
  words: Int32Array,
  at: number,
  family: Family,
  { a, b, c, d, scope }: RawAddress,
): number {
  if (family === AF_INET) {
    const data = writeHeader(words, at, IPPROTO_IP, IP_PKTINFO, PACKET_INFO.size);
    words[data] = 0;
    words[data + PACKET_INFO.localAddress] = d;
    words[data + 2] = 0;
    return behind(at, PACKET_INFO.size);
  }
  const data = writeHeader(words, at, IPPROTO_IPV6, IPV6_PKTINFO, PACKET_INFO6.size);
  words[data] = a;
  words[data + 1] = b;
  words[data + 2] = c;
  words[data + 3] = d;
  words[data + INTERFACE_BEHIND] = scope;
  return behind(at, PACKET_INFO6.size);
}

/**
 * Writes the control message that has a message cut into datagrams of `size` bytes, the last one maybe shorter, at the
 * word `at`.
 * @returns The word behind it.
 */
export function writeSegment(words: Int32Array, at: number, size: number): number {
  words[writeHeader(words, at, SOL_UDP, UDP_SEGMENT, SEGMENT_SIZE)] = size;
  return behind(at, SEGMENT_SIZE);
}

/**
 * Where the address is that a datagram came to, whose control messages are at the word `at`.
 * @param length Of the control messages, bytes.
 * @returns The word where it begins, an IPv6 one with its interface behind it; -1 if the kernel has not said.
 */
export function findDestination(
  words: Int32Array,
  at: number,
  length: number,
  family: Family,
): number {
  const isIpv4 = family === AF_INET;
  const size = CONTROL_HEADER + (isIpv4 ? PACKET_INFO.size : PACKET_INFO6.size);
  const isThere = length >= size && words[at] === size && words[at + 1] === 0 &&
    words[at + 2] === (isIpv4 ? IPPROTO_IP : IPPROTO_IPV6) &&
    words[at + 3] === (isIpv4 ? IP_PKTINFO : IPV6_PKTINFO);
  if (!isThere) return -1;
  // Of a broadcast, the one in the header is no address of this machine.
  return at + CONTROL_HEADER / WORD + (isIpv4 ? PACKET_INFO.localAddress : 0);
}

/** Returns the word where the data begin. */
function writeHeader(
  words: Int32Array,
  at: number,
  level: number,
  type: number,
  size: number,
): number {
  words[at] = CONTROL_HEADER + size;
  words[at + 1] = 0;
  words[at + 2] = level;
  words[at + 3] = type;
  return at + CONTROL_HEADER / WORD;
}

/** The word behind a control message: the next one begins at a multiple of 8 bytes. */
function behind(at: number, size: number): number {
  return at + Math.ceil((CONTROL_HEADER + size) / 8) * 2;
}
