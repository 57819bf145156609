/**
 * How Linux lays out what sluice hands it: structures, constants and error numbers of the 64-bit little-endian
 * machines that it runs on. Where they differ, they differ in one table. Pure, so that every machine tests all.
 *
 * @module
 */
import { formatIp, parseIp, type SocketAddress } from "../../addr.ts";
import { asIpv6, ipBytes } from "../../ip_bytes.ts";

/** Machines by the name that the runtime has for them. */
export type Machine = "x86_64" | "aarch64";

/** What differs from machine to machine: offsets and sizes in bytes. */
export interface Layout {
  /** `struct epoll_event`: `events` is at 0, `data` (u64) here. It is packed on x86-64 alone. */
  readonly epollEvent: { readonly size: number; readonly data: number };
}

export const LAYOUTS: Readonly<Record<Machine, Layout>> = {
  x86_64: { epollEvent: { size: 12, data: 4 } },
  aarch64: { epollEvent: { size: 16, data: 8 } },
};

/** Address families. */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Kinds of sockets, and what may be added to them. */
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** The same two for pipes, eventfds and epoll. */
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

/** What can be set of a socket: level, then name. */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

/** How to send and receive. */
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

export const SHUT_WR = 1;

/** Events of a descriptor (`epoll_ctl(2)`), as unsigned numbers. */
export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
/** The other end sends no more. */
export const EPOLLRDHUP = 0x2000;
/** Tells what has changed, not how it is. */
export const EPOLLET = 0x8000_0000;

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

/** Moves pages instead of copying them, and does not wait for the pipe. */
export const SPLICE_F_MOVE = 1;
export const SPLICE_F_NONBLOCK = 2;
export const F_SETPIPE_SZ = 1031;
export const F_GETPIPE_SZ = 1032;

/** `struct sockaddr_in` and `struct sockaddr_in6`: u16 of the machine, u16 of the network, and then the address. */
export const SOCKADDR_IN = { size: 16, family: 0, port: 2, address: 4 } as const;
export const SOCKADDR_IN6 = { size: 28, family: 0, port: 2, address: 8, scope: 24 } as const;

/**
 * Writes an address as a socket of `family` takes it.
 * @param family AF_INET6 for a socket that speaks IPv4 too; left out, that of the address.
 * @throws {TypeError} If it is no IP address, or an IPv6 one for an IPv4 socket: the caller's fault.
 */
export function encodeAddress(
  { address, port }: SocketAddress,
  family?: typeof AF_INET | typeof AF_INET6,
): Uint8Array<ArrayBuffer> {
  const ip = parseIp(address);
  if (ip === undefined) throw new TypeError(`${address} is no IP address`);
  const wide = family === undefined ? ip.family === 6 : family === AF_INET6;
  if (!wide && ip.family === 6) throw new TypeError(`${address} is no IPv4 address`);
  const layout = wide ? SOCKADDR_IN6 : SOCKADDR_IN;
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  view.setUint16(layout.family, wide ? AF_INET6 : AF_INET, true);
  view.setUint16(layout.port, port);
  bytes.set(ipBytes(wide ? asIpv6(ip) : ip), layout.address);
  return bytes;
}

/** Reads an address that the kernel wrote; an IPv4 client of an IPv6 socket is IPv4 here. */
export function decodeAddress(bytes: Uint8Array): SocketAddress {
  const port = bytes[2]! << 8 | bytes[3]!;
  if (bytes[0] === AF_INET) return { address: ipv4(bytes, SOCKADDR_IN.address), port };
  const at = SOCKADDR_IN6.address;
  if (isMapped(bytes, at)) return { address: ipv4(bytes, at + 12), port };
  let value = 0n;
  for (let i = at; i < at + 16; i++) value = value << 8n | BigInt(bytes[i]!);
  return { address: formatIp({ family: 6, value }), port };
}

/** IPv4 addresses as text. Most come again, and then need not be written, and hashed by who counts them, again. */
const texts = new Map<number, string>();
const MOST_TEXTS = 4096;

function ipv4(bytes: Uint8Array, at: number): string {
  const key = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
  let text = texts.get(key);
  if (text === undefined) {
    if (texts.size >= MOST_TEXTS) texts.clear();
    text = `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
    texts.set(key, text);
  }
  return text;
}

/** Whether an address is in `::ffff:0:0/96`. */
function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 10; i++) if (bytes[i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** Error numbers (`errno(3)`), by the names that every system has for them. */
export const ERRNO = {
  EPERM: 1,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EPIPE: 32,
  EPROTO: 71,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;
