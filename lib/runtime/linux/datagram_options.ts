/**
 * Sockets for datagrams, opened and set.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../../addr.ts";
import { NetError } from "../runtime.ts";
import {
  type Family,
  IP_PKTINFO,
  IPPROTO_IP,
  IPV6_RECVPKTINFO,
  SO_RCVBUFFORCE,
  SO_SNDBUFFORCE,
} from "./datagram_layout.ts";
import { netErrorOf } from "./errors.ts";
import {
  AF_INET,
  AF_INET6,
  encodeAddress,
  ERRNO,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./layout.ts";
import { bind, close, connect, getOption, setOption, socket } from "./libc.ts";

/** What the kernel is to keep of a bound port, each way, bytes: with the system's default a burst of many clients is lost. */
const PORT_BUFFER = 4 * 1024 * 1024;

/** And of what one backend replies to one client. It takes memory when it is used, and all together are bounded by the kernel. */
const UPSTREAM_BUFFER = 1024 * 1024;

/** What a socket speaks that is for this address. */
export function familyOf({ address }: SocketAddress): Family {
  return address.includes(":") ? AF_INET6 : AF_INET;
}

/** Whether it stands for all addresses of this machine. */
export function isWildcard({ address }: SocketAddress): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * A socket that is bound to an address. One for all addresses shows which of them a datagram came to.
 * @param sharesPort Whether others may be bound to it who say so too: the threads of a process.
 * @param notices Is told if the kernel gave a much smaller buffer than it was asked for.
 * @throws {NetError}
 */
export function boundSocket(at: SocketAddress, sharesPort: boolean, notices: Set<string>): number {
  const family = familyOf(at);
  const fd = open(family);
  if (sharesPort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (isWildcard(at) && family === AF_INET) setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
  if (isWildcard(at) && family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  setBuffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, PORT_BUFFER);
  setBuffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, PORT_BUFFER);
  check(fd, bind(fd, encodeAddress(at, family)));
  // The kernel doubles what it was asked for, for needs of its own, and says that.
  const receives = getOption(fd, SOL_SOCKET, SO_RCVBUF) / 2;
  if (receives < PORT_BUFFER / 2) notices.add(noticeOf(at, receives));
  return fd;
}

/**
 * A socket that receives from one address only and is told what becomes of what it sends there.
 * @throws {NetError} `exhausted`, `unreachable` …
 */
export function connectedSocket(to: SocketAddress): number {
  const family = familyOf(to);
  const fd = open(family);
  setBuffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, UPSTREAM_BUFFER);
  const result = connect(fd, encodeAddress(to, family));
  if (result === -ERRNO.EAGAIN) {
    close(fd);
    throw new NetError("exhausted", "no port is free");
  }
  check(fd, result);
  return fd;
}

function open(family: Family): number {
  const fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw netErrorOf(fd);
  return fd;
}

function check(fd: number, result: number): void {
  if (result >= 0) return;
  close(fd);
  throw netErrorOf(result);
}

/** Asks for a buffer of `size` bytes, beyond the system's bound if that is allowed. */
function setBuffer(fd: number, name: number, forcedName: number, size: number): void {
  if (setOption(fd, SOL_SOCKET, forcedName, size) < 0) setOption(fd, SOL_SOCKET, name, size);
}

function noticeOf(at: SocketAddress, receives: number): string {
  const [got, wanted] = [receives, PORT_BUFFER].map((bytes) => `${Math.round(bytes / 1024)} kB`);
  return `${
    formatAddress(at)
  } has a receive buffer of ${got}, not ${wanted}, so bursts of many clients may be lost; ` +
    "net.core.rmem_max is the bound";
}
