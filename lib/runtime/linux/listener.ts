/**
 * Listening sockets of TCP.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { type Conn, type Listener, type ListenOptions, NetError } from "../runtime.ts";
import { netErrorOf } from "./errors.ts";
import {
  AF_INET,
  AF_INET6,
  decodeAddress,
  encodeAddress,
  EPOLLET,
  EPOLLIN,
  ERRNO,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOCKADDR_IN6,
  SOL_SOCKET,
} from "./layout.ts";
import { accept, bind, close, listen, setOption, socket } from "./libc.ts";
import type { Poller, PollHandler } from "./poller.ts";
import { setNoDelay } from "./socket_options.ts";
import { LinuxConn, localOf } from "./streams.ts";

/** Connections that are accepted in a row, at most; then it is everybody else's turn. */
const MOST_AT_ONCE = 64;

/** What was to be accepted is gone, or was forbidden by a firewall: the next one may be neither (accept(2)). */
const PASSED_OVER: ReadonlySet<number> = new Set([
  ERRNO.ECONNABORTED,
  ERRNO.EHOSTDOWN,
  ERRNO.EHOSTUNREACH,
  ERRNO.ENETDOWN,
  ERRNO.ENETUNREACH,
  ERRNO.ENOPROTOOPT,
  ERRNO.EOPNOTSUPP,
  ERRNO.EPERM,
  ERRNO.EPROTO,
]);

interface Accepting {
  readonly resolve: (conn: Conn) => void;
  readonly reject: (error: NetError) => void;
}

/** The kernel writes a client's address here. */
const client = new Uint8Array(SOCKADDR_IN6.size);

export class LinuxListener implements Listener, PollHandler {
  readonly address: SocketAddress;
  readonly #poller: Poller;
  /** -1 once it is closed. */
  #fd: number;
  /** What its connections have for their own address, where it is the same for all. */
  readonly #local: SocketAddress | undefined;
  #left = MOST_AT_ONCE;
  #accepting: Accepting | undefined;

  /**
   * @param sharesPort Whether others may listen on the same address who say so too: the threads of a process.
   * @throws {NetError}
   */
  constructor(options: ListenOptions, sharesPort: boolean, poller: Poller) {
    this.#poller = poller;
    this.#fd = listeningSocket(options, sharesPort);
    this.address = localOf(this.#fd);
    const isWildcard = options.address === "::" || options.address === "0.0.0.0";
    this.#local = isWildcard ? undefined : this.address;
    try {
      poller.add(this.#fd, (EPOLLIN | EPOLLET) >>> 0, this);
    } catch (error) {
      close(this.#fd);
      throw error;
    }
  }

  accept(): Promise<Conn> {
    if (this.#fd < 0) return Promise.reject(closed());
    const result = this.#take();
    if (result instanceof LinuxConn) return Promise.resolve(result);
    if (result !== undefined) return Promise.reject(result);
    return new Promise((resolve, reject) => this.#accepting = { resolve, reject });
  }

  onEvents(): void {
    this.#left = MOST_AT_ONCE;
    const accepting = this.#accepting;
    const result = accepting && this.#take();
    if (result === undefined) return;
    this.#accepting = undefined;
    this.#poller.needsYield = true;
    if (result instanceof LinuxConn) accepting?.resolve(result);
    else accepting?.reject(result);
  }

  close(): Promise<void> {
    if (this.#fd >= 0) {
      this.#poller.close(this.#fd);
      this.#fd = -1;
      this.#poller.needsYield = true;
      this.#accepting?.reject(closed());
      this.#accepting = undefined;
    }
    return Promise.resolve();
  }

  /** The next connection, or why there is none; `undefined` when there is none yet, which an event will change. */
  #take(): LinuxConn | NetError | undefined {
    for (; this.#left > 0; this.#left--) {
      const fd = accept(this.#fd, client, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        this.#left--;
        return new LinuxConn(fd, this.#poller, {
          remote: decodeAddress(client),
          local: this.#local,
          isWatched: false,
          hasNoDelay: true,
        });
      }
      if (fd === -ERRNO.EAGAIN) return undefined;
      if (!PASSED_OVER.has(-fd)) return netErrorOf(fd);
    }
    this.#poller.again(this.#fd, EPOLLIN);
    return undefined;
  }
}

function listeningSocket({ address, port, backlog }: ListenOptions, sharesPort: boolean): number {
  const family = address.includes(":") ? AF_INET6 : AF_INET;
  const fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw netErrorOf(fd);
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharesPort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // What is accepted has it from here.
  setNoDelay(fd);
  let result = bind(fd, encodeAddress({ address, port }, family));
  if (result >= 0) result = listen(fd, backlog);
  if (result >= 0) return fd;
  close(fd);
  throw netErrorOf(result);
}

function closed(): NetError {
  return new NetError("closed", "the listener is closed");
}
