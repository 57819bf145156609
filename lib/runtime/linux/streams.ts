/**
 * TCP connections on descriptors of their own. They are watched from the first time that they have to wait, once and
 * for everything (edge-triggered), and remember what they are ready for.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { type Awaitable, type Conn, type Deadline, NetError } from "../runtime.ts";
import { netErrorOf } from "./errors.ts";
import {
  decodeAddress,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  ERRNO,
  MSG_NOSIGNAL,
  SHUT_WR,
  SOCKADDR_IN6,
} from "./layout.ts";
import { localAddress, recv, send, shutdown, splice } from "./libc.ts";
import type { Poller, PollHandler } from "./poller.ts";
import { setKeepAlive, setNoDelay, setResetOnClose } from "./socket_options.ts";

/** What a connection is watched for. */
export const CONN_EVENTS = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

/** The other end sends no more, or something went wrong: reading is what tells. */
const LAST_EVENTS = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

const address = new Uint8Array(SOCKADDR_IN6.size);

/** What copies from one connection to the other, without promises, and so takes their events. */
export interface Relaying {
  /** `conn` may be ready for something that it was not ready for. */
  onReady(conn: LinuxConn): void;
  /** `conn` was reset; what came before may still be read. Comes behind `onReady`. */
  onReset(conn: LinuxConn): void;
  /** One of the two was closed on this side. */
  onClosed(): void;
}

interface Reading {
  readonly into: Uint8Array<ArrayBuffer>;
  readonly deadline: Deadline | undefined;
  readonly resolve: (length: number | null | undefined) => void;
  readonly reject: (error: NetError) => void;
}

interface Writing {
  rest: Uint8Array<ArrayBuffer>;
  readonly resolve: () => void;
  readonly reject: (error: NetError) => void;
}

/** How a connection comes into being. */
export interface ConnOptions {
  readonly remote: SocketAddress;
  /** `undefined`: the kernel is asked for it when somebody wants to know. */
  readonly local: SocketAddress | undefined;
  /** Whether it is watched already, and so ready for what it was told of. */
  readonly isWatched: boolean;
  readonly hasNoDelay: boolean;
}

export class LinuxConn implements Conn, PollHandler {
  readonly remote: SocketAddress;
  /**
   * Whether a read may bring something, and a write may take something: only once it has not, an event is worth waiting
   * for.
   */
  canRead: boolean;
  canWrite: boolean;
  readonly #poller: Poller;
  /** -1 once it is closed. */
  #fd: number;
  #local: SocketAddress | undefined;
  #isWatched: boolean;
  #noDelay: "off" | "wanted" | "on";
  #hasWritten = false;
  /** No more events will come after this one: so a read that brings less than it might does not say that it was all. */
  #isLast = false;
  #reading: Reading | undefined;
  #writing: Writing | undefined;
  #relay: Relaying | undefined;

  constructor(fd: number, poller: Poller, options: ConnOptions) {
    this.#fd = fd;
    this.#poller = poller;
    this.remote = options.remote;
    this.#local = options.local;
    this.#isWatched = options.isWatched;
    this.canRead = this.canWrite = !options.isWatched;
    this.#noDelay = options.hasNoDelay ? "on" : "off";
  }

  get local(): SocketAddress {
    return this.#local ??= localOf(this.#fd);
  }

  read(into: Uint8Array, deadline?: Deadline): Awaitable<number | null | undefined> {
    if (this.#fd < 0) return Promise.reject(closed());
    if (deadline?.passed) return undefined;
    const buffer = into as Uint8Array<ArrayBuffer>;
    if (this.canRead) {
      const length = this.receive(buffer, buffer.length);
      if (length >= 0) return length === 0 ? null : length;
      if (length !== -ERRNO.EAGAIN) return Promise.reject(netErrorOf(length));
    }
    return new Promise((resolve, reject) => {
      this.#watch();
      const reading: Reading = { into: buffer, deadline, resolve, reject };
      this.#reading = reading;
      if (deadline === undefined) return;
      deadline.onPassed = () => {
        if (this.#reading === reading) this.#reading = undefined;
        resolve(undefined);
      };
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#fd < 0) return Promise.reject(closed());
    const rest = bytes as Uint8Array<ArrayBuffer>;
    const sent = rest.length === 0 ? 0 : this.#sendSome(rest);
    if (sent === rest.length) return Promise.resolve();
    if (sent < 0) return Promise.reject(netErrorOf(sent));
    return new Promise((resolve, reject) => {
      this.#watch();
      this.#writing = { rest: rest.subarray(sent), resolve, reject };
    });
  }

  closeWrite(): Promise<void> {
    this.endWriting();
    return Promise.resolve();
  }

  setNoDelay(): void {
    if (this.#noDelay === "off") this.#noDelay = "wanted";
  }

  setKeepAlive(idle: number): void {
    if (this.#fd >= 0) setKeepAlive(this.#fd, idle);
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#poller.close(this.#fd);
    this.#fd = -1;
    this.#relay?.onClosed();
    if (this.#reading !== undefined) this.#takeReading()?.reject(closed());
    if (this.#writing !== undefined) this.#takeWriting()?.reject(closed());
  }

  onEvents(events: number): void {
    if ((events & LAST_EVENTS) !== 0) this.#isLast = true;
    if ((events & (EPOLLIN | LAST_EVENTS)) !== 0) this.canRead = true;
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) !== 0) this.canWrite = true;
    const relay = this.#relay;
    if (relay !== undefined) {
      relay.onReady(this);
      if ((events & EPOLLERR) !== 0) relay.onReset(this);
      return;
    }
    if (this.#reading !== undefined && this.canRead) this.#goOnReading(this.#reading);
    if (this.#writing !== undefined && this.canWrite) this.#goOnWriting(this.#writing);
  }

  // What follows is for the relay.

  /** Hands its events over; both ends of a pipe get them from the first moment on. */
  join(relay: Relaying): void {
    if (this.#reading !== undefined || this.#writing !== undefined || this.#relay !== undefined) {
      throw new TypeError("a pipe is for connections that nobody else reads or writes");
    }
    this.#relay = relay;
    if (this.#fd >= 0) this.#watch();
  }

  /** Takes them back. */
  leave(): void {
    this.#relay = undefined;
  }

  get isClosed(): boolean {
    return this.#fd < 0;
  }

  /** Is told in the next turn that it can be read, as it can. */
  readAgain(): void {
    this.#poller.again(this.#fd, EPOLLIN);
  }

  /** Receives into the beginning of `into`: bytes, 0 at the end of the stream, or a negative error number. */
  receive(into: Uint8Array<ArrayBuffer>, length: number): number {
    const received = recv(this.#fd, into, length, 0);
    // What is still to come will be an event, unless the last one has come.
    if (received < length && !this.#isLast || received === -ERRNO.EAGAIN) this.canRead = false;
    return received;
  }

  /** Sends the first `length` of `bytes`: how many of them, or a negative error number. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    if (this.#noDelay !== "on") this.#beforeWrite();
    const sent = send(this.#fd, bytes, length, MSG_NOSIGNAL);
    if (sent < length) this.canWrite = false;
    return sent;
  }

  /** As {@linkcode receive}, into a pipe of the kernel that is empty. */
  receiveInto(pipe: number, length: number): number {
    const received = splice(this.#fd, pipe, length);
    if (received === -ERRNO.EAGAIN) this.canRead = false;
    return received;
  }

  /** As {@linkcode send}, from a pipe of the kernel that has so many. */
  sendFrom(pipe: number, length: number): number {
    if (this.#noDelay !== "on") this.#beforeWrite();
    const sent = splice(pipe, this.#fd, length);
    if (sent === -ERRNO.EAGAIN) this.canWrite = false;
    return sent;
  }

  /** Ends this side's stream. */
  endWriting(): void {
    if (this.#fd >= 0) shutdown(this.#fd, SHUT_WR);
  }

  /** Makes the close that comes a reset, which is how the other side's was. */
  resetOnClose(): void {
    if (this.#fd >= 0) setResetOnClose(this.#fd);
  }

  /** Nagle's algorithm holds back no first write, so it is turned off before the second: many have none. */
  #beforeWrite(): void {
    if (this.#hasWritten && this.#noDelay === "wanted") {
      this.#noDelay = "on";
      setNoDelay(this.#fd);
    }
    this.#hasWritten = true;
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#poller.add(this.#fd, CONN_EVENTS, this);
    this.#isWatched = true;
  }

  /** As {@linkcode send}, and 0 where it would have to wait. */
  #sendSome(bytes: Uint8Array<ArrayBuffer>): number {
    const sent = this.canWrite ? this.send(bytes, bytes.length) : 0;
    return sent === -ERRNO.EAGAIN ? 0 : sent;
  }

  #goOnReading({ into }: Reading): void {
    const length = this.receive(into, into.length);
    if (length === -ERRNO.EAGAIN) return;
    const reading = this.#takeReading();
    if (length < 0) reading?.reject(netErrorOf(length));
    else reading?.resolve(length === 0 ? null : length);
  }

  #goOnWriting(writing: Writing): void {
    const sent = this.#sendSome(writing.rest);
    if (sent < 0) return this.#takeWriting()?.reject(netErrorOf(sent));
    writing.rest = writing.rest.subarray(sent);
    if (writing.rest.length === 0) this.#takeWriting()?.resolve();
  }

  #takeReading(): Reading | undefined {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading?.deadline !== undefined) reading.deadline.onPassed = undefined;
    this.#poller.needsYield = true;
    return reading;
  }

  #takeWriting(): Writing | undefined {
    const writing = this.#writing;
    this.#writing = undefined;
    this.#poller.needsYield = true;
    return writing;
  }
}

function closed(): NetError {
  return new NetError("closed", "closed on this side");
}

/** The socket's own address; once it is closed, that of no socket. */
export function localOf(fd: number): SocketAddress {
  return localAddress(fd, address) < 0 ? { address: "::", port: 0 } : decodeAddress(address);
}
