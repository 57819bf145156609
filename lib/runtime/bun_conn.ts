/**
 * Connections of Bun.
 *
 * @module
 */
import { type SocketAddress, unmapped } from "../addr.ts";
import type { TcpHandlers, TcpSocket } from "./bun_api.ts";
import { netError } from "./bun_errors.ts";
import { type Conn, type Deadline, NetError } from "./runtime.ts";

/** Takes over what happens to a connection. */
export interface Relaying {
  onData(conn: BunConn, chunk: Uint8Array): void;
  /** Nothing more comes. */
  onEnd(conn: BunConn): void;
  /** More can be written. */
  onDrain(conn: BunConn): void;
  /** It is closed: by this side, or by a reset. */
  onClosed(conn: BunConn, error: NetError): void;
}

interface Reader {
  readonly into: Uint8Array;
  readonly deadline: Deadline | undefined;
  readonly resolve: (length: number | null) => void;
  readonly reject: (error: NetError) => void;
}

interface Writer {
  rest: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: NetError) => void;
}

/**
 * Bun hands over what comes as it comes, in memory of its own for each chunk. What nobody has asked for is kept, and then
 * the socket is paused: so there is a chunk or two of it at most.
 */
export class BunConn implements Conn {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #socket: TcpSocket<Data>;
  #unread: Uint8Array | undefined;
  #reader: Reader | undefined;
  #writer: Writer | undefined;
  #relaying: Relaying | undefined;
  #isPaused = false;
  #hasEnded = false;
  /** Bun has closed the socket. */
  #isGone = false;
  /** Why there is nothing to be done with it any more. */
  #failure: NetError | undefined;
  #resets = false;

  private constructor(socket: TcpSocket<Data>, local: SocketAddress, remote: SocketAddress) {
    this.#socket = socket;
    this.local = local;
    this.remote = remote;
  }

  /**
   * The connection of a socket that Bun says is open.
   * @returns `undefined` if the other side has reset it meanwhile: the kernel has forgotten its address, and Bun may never
   *   say anything of it again. The socket is the caller's to close.
   */
  static of(socket: TcpSocket<Data>): BunConn | undefined {
    // A closed socket has no addresses, so they are read once and for all.
    const { localAddress, remoteAddress } = socket;
    if (localAddress === undefined || remoteAddress === undefined) return undefined;
    const conn = new BunConn(
      socket,
      { address: unmapped(localAddress), port: socket.localPort },
      { address: unmapped(remoteAddress), port: socket.remotePort },
    );
    return socket.data = conn;
  }

  /** Whether all that came was read, and nothing more comes. */
  get isAtEnd(): boolean {
    return this.#hasEnded && this.#unread === undefined;
  }

  /** Why it is closed, if it is. */
  get failure(): NetError | undefined {
    return this.#failure;
  }

  read(into: Uint8Array, deadline?: Deadline): Promise<number | null | undefined> {
    if (deadline?.passed) return Promise.resolve(undefined);
    if (this.#unread !== undefined) return Promise.resolve(this.#copyTo(into, this.#unread));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#hasEnded) return Promise.resolve(null);
    this.resume();
    return new Promise((resolve, reject) => {
      this.#reader = { into, deadline, resolve, reject };
      if (deadline === undefined) return;
      deadline.onPassed = () => {
        this.#reader = undefined;
        resolve(undefined);
      };
    });
  }

  #copyTo(into: Uint8Array, chunk: Uint8Array): number {
    const length = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, length));
    this.#unread = length < chunk.length ? chunk.subarray(length) : undefined;
    return length;
  }

  write(bytes: Uint8Array): Promise<void> {
    const sent = this.send(bytes);
    if (sent < 0) return Promise.reject(this.#whyNotWritten());
    if (sent === bytes.length) return Promise.resolve();
    return new Promise((resolve, reject) =>
      this.#writer = { rest: bytes.subarray(sent), resolve, reject }
    );
  }

  #whyNotWritten(): NetError {
    return this.#failure ?? new NetError("reset", "Connection reset by peer");
  }

  closeWrite(): Promise<void> {
    this.endWriting();
    return Promise.resolve();
  }

  setNoDelay(): void {
    if (!this.#isGone) this.#socket.setNoDelay(true);
  }

  setKeepAlive(idle: number): void {
    if (!this.#isGone) this.#socket.setKeepAlive(true, idle);
  }

  close(): void {
    this.#unread = undefined;
    this.#fail(new NetError("closed", "closed by this side"));
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#resets) this.#socket.terminate();
    else this.#socket.close();
  }

  /** `close()` will be a reset. */
  resetOnClose(): void {
    this.#resets = true;
  }

  /** Writes what can be written now; returns how many bytes that was, -1 if it is closed. */
  send(bytes: Uint8Array): number {
    if (this.#isGone) return -1;
    return bytes.length === 0 ? 0 : this.#socket.write(bytes);
  }

  endWriting(): void {
    if (!this.#isGone) this.#socket.shutdown();
  }

  pause(): void {
    if (this.#isPaused || this.#isGone) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#isGone) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  join(relaying: Relaying): void {
    this.#relaying = relaying;
  }

  leave(): void {
    this.#relaying = undefined;
  }

  /** Keeps what came for later. */
  keep(chunk: Uint8Array): void {
    this.pause();
    this.#unread = this.#unread === undefined ? chunk : joined(this.#unread, chunk);
  }

  /** What was kept. */
  take(): Uint8Array | undefined {
    const unread = this.#unread;
    this.#unread = undefined;
    return unread;
  }

  onData(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    if (this.#relaying !== undefined) return this.#relaying.onData(this, chunk);
    const reader = this.#takeReader();
    if (reader === undefined) return this.keep(chunk);
    const length = this.#copyTo(reader.into, chunk);
    if (this.#unread !== undefined) this.pause();
    reader.resolve(length);
  }

  onEnd(): void {
    if (this.#hasEnded || this.#failure !== undefined) return;
    this.#hasEnded = true;
    this.#relaying?.onEnd(this);
    this.#takeReader()?.resolve(null);
  }

  onDrain(): void {
    if (this.#relaying !== undefined) return this.#relaying.onDrain(this);
    const writer = this.#writer;
    if (writer === undefined) return;
    const sent = this.send(writer.rest);
    // If it is closed, that is told of by itself.
    if (sent < 0) return;
    writer.rest = writer.rest.subarray(sent);
    if (writer.rest.length > 0) return;
    this.#writer = undefined;
    writer.resolve();
  }

  onClose(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (error !== undefined) return this.#fail(netError(error));
    this.onEnd();
    this.#takeWriter()?.reject(this.#whyNotWritten());
  }

  #fail(error: NetError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#takeReader()?.reject(error);
    this.#takeWriter()?.reject(error);
    this.#relaying?.onClosed(this, error);
  }

  #takeReader(): Reader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader?.deadline !== undefined) reader.deadline.onPassed = undefined;
    return reader;
  }

  #takeWriter(): Writer | undefined {
    const writer = this.#writer;
    this.#writer = undefined;
    return writer;
  }
}

/** What a socket carries: its connection, once it is open. */
export type Data = BunConn | undefined;

/** What Bun calls for every connection. */
export const CONN_HANDLERS: Omit<TcpHandlers<Data>, "open"> = {
  binaryType: "uint8array",
  data: ({ data: conn }, chunk) => conn?.onData(chunk),
  drain: ({ data: conn }) => conn?.onDrain(),
  end: ({ data: conn }) => conn?.onEnd(),
  close: ({ data: conn }, error) => conn?.onClose(error),
  error({ data: conn }, error) {
    // One of the handlers above threw, which none does.
    console.error("sluice: internal fault, a connection is lost:", error);
    conn?.close();
  },
};

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
