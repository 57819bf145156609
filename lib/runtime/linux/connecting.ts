/**
 * Connecting by TCP.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { Timeout, type Timeouts } from "../../timeouts.ts";
import { type Conn, NetError } from "../runtime.ts";
import { netErrorOf } from "./errors.ts";
import {
  AF_INET,
  AF_INET6,
  encodeAddress,
  EPOLLERR,
  EPOLLHUP,
  EPOLLOUT,
  ERRNO,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./layout.ts";
import { close, connect, getOption, socket } from "./libc.ts";
import type { Poller, PollHandler } from "./poller.ts";
import { CONN_EVENTS, LinuxConn } from "./streams.ts";

/** As the kernel wants them. A backend is the same object for every connection. */
const encoded = new WeakMap<SocketAddress, Uint8Array<ArrayBuffer>>();

/**
 * Connects to an IP address.
 * @param timeout ms
 * @throws {NetError} By rejecting.
 */
export function connectTo(
  to: SocketAddress,
  timeout: number,
  poller: Poller,
  timeouts: Timeouts,
): Promise<Conn> {
  return new Promise((resolve, reject) => {
    const family = to.address.includes(":") ? AF_INET6 : AF_INET;
    let address = encoded.get(to);
    if (address === undefined) encoded.set(to, address = encodeAddress(to, family));
    const fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return reject(netErrorOf(fd));
    const result = connect(fd, address);
    if (result < 0 && result !== -ERRNO.EINPROGRESS) {
      close(fd);
      return reject(netErrorOf(result));
    }
    const connecting = new Connecting(fd, to, timeout, poller, resolve, reject);
    try {
      poller.add(fd, CONN_EVENTS, connecting);
    } catch (error) {
      close(fd);
      return reject(error);
    }
    timeouts.begin(timeout, connecting);
  });
}

/** A connection that waits for the other side's answer, and how long it does. */
class Connecting extends Timeout implements PollHandler {
  constructor(
    private readonly fd: number,
    private readonly to: SocketAddress,
    private readonly patience: number,
    private readonly poller: Poller,
    private readonly resolve: (conn: Conn) => void,
    private readonly reject: (error: NetError) => void,
  ) {
    super(Connecting.prototype.giveUp);
  }

  giveUp(): void {
    this.fail(new NetError("timeout", `no answer within ${this.patience} ms`));
  }

  onEvents(events: number): void {
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
      const fault = getOption(this.fd, SOL_SOCKET, SO_ERROR);
      if (fault !== 0) return this.fail(netErrorOf(-Math.abs(fault)));
    }
    if ((events & EPOLLOUT) === 0) return;
    this.cancel();
    const options = { remote: this.to, local: undefined, isWatched: true, hasNoDelay: false };
    const conn = new LinuxConn(this.fd, this.poller, options);
    this.poller.handOver(this.fd, conn);
    // What came along with the answer is an event of the connection.
    conn.onEvents(events);
    this.poller.needsYield = true;
    this.resolve(conn);
  }

  fail(error: NetError): void {
    this.cancel();
    this.poller.close(this.fd);
    this.poller.needsYield = true;
    this.reject(error);
  }
}
