/**
 * Sockets of Deno: the portable Net. Beside the other files of this folder that name their runtime, the only
 * one that does.
 *
 * @module
 */
import { type SocketAddress, unmapped } from "../addr.ts";
import { FairShare } from "../fair_share.ts";
import { pipe, type PipeParts, type Stream } from "../pipe.ts";
import { Timeouts } from "../timeouts.ts";
import { bindDatagrams } from "./deno_datagrams.ts";
import { netError, netErrorCode } from "./deno_errors.ts";
import { type DatagramParts, Sends } from "./deno_sends.ts";
import { DenoUpstreamSocket } from "./deno_upstream.ts";
import {
  type Clock,
  type Conn,
  type ConnectOptions,
  type DatagramListener,
  type DatagramReceiver,
  type Deadline,
  type Listener,
  type ListenOptions,
  type Net,
  NetError,
  type PipeListener,
  type PipeOptions,
  type ReplyReceiver,
  type UpstreamSocket,
} from "./runtime.ts";
import { Slabs } from "./slabs.ts";

/** A Net on Deno.listen, Deno.connect and Deno.listenDatagram. `close()` lets go of its timers once no connection is left. */
export class DenoNet implements Net {
  readonly #timeouts: Timeouts;
  readonly #pipeParts: PipeParts;
  readonly #datagramParts: DatagramParts;

  constructor(clock: Clock) {
    const share = new FairShare();
    this.#timeouts = new Timeouts(clock);
    this.#pipeParts = { share, timeouts: this.#timeouts, isReset };
    this.#datagramParts = { share, clock, slabs: new Slabs(), sends: new Sends() };
  }

  listen({ address, port, backlog }: ListenOptions): Listener {
    try {
      return new DenoListener(Deno.listen({ hostname: address, port, tcpBacklog: backlog }));
    } catch (error) {
      throw netError(error);
    }
  }

  async connect({ address, port }: SocketAddress, { timeout }: ConnectOptions): Promise<Conn> {
    const abort = new AbortController();
    const limit = this.#timeouts.start(timeout, () => abort.abort());
    try {
      const options = { hostname: address, port, signal: abort.signal, autoSelectFamily: false };
      return new DenoConn(await Deno.connect(options));
    } catch (error) {
      if (limit.passed) throw new NetError("timeout", `no answer within ${timeout} ms`);
      throw netError(error);
    } finally {
      limit.cancel();
    }
  }

  pipe(downstream: Conn, upstream: Conn, options: PipeOptions, listener: PipeListener): void {
    pipe(streamOf(downstream), streamOf(upstream), options, this.#pipeParts, listener);
  }

  bind(at: SocketAddress, receiver: DatagramReceiver): DatagramListener {
    return bindDatagrams(at, receiver, this.#datagramParts);
  }

  associate(to: SocketAddress, receiver: ReplyReceiver): UpstreamSocket {
    return new DenoUpstreamSocket(to, receiver, this.#datagramParts);
  }

  close(): void {
    this.#timeouts.close();
  }
}

class DenoListener implements Listener {
  readonly address: SocketAddress;
  readonly #listener: Deno.TcpListener;
  /** The accept that is under way: it holds the socket until it has ended. */
  #accepting: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.address = socketAddress(listener.addr);
  }

  async accept(): Promise<Conn> {
    for (;;) {
      const accepting = this.#listener.accept();
      this.#accepting = accepting;
      try {
        return new DenoConn(await accepting);
      } catch (error) {
        const failure = netError(error);
        // Who connects and resets at once is gone before Deno can ask for its address.
        if (failure.code !== "reset") throw failure;
      }
    }
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#listener.close();
    this.#closed = true;
    await this.#accepting.catch(() => {});
  }
}

class DenoConn implements Conn {
  readonly #conn: Deno.TcpConn;
  #closed = false;
  /** What a read that outlived its deadline will bring. */
  #late: Promise<Uint8Array | null> | undefined;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  get local(): SocketAddress {
    return socketAddress(this.#conn.localAddr);
  }

  get remote(): SocketAddress {
    return socketAddress(this.#conn.remoteAddr);
  }

  /** The pipe reads and writes Deno's own connection, unless there is a late read to deliver first. */
  get stream(): Stream {
    return this.#late === undefined ? this.#conn : {
      read: (into) => this.#take(into),
      write: (bytes) => this.#conn.write(bytes),
      closeWrite: () => this.#conn.closeWrite(),
    };
  }

  async read(into: Uint8Array, deadline?: Deadline): Promise<number | null | undefined> {
    try {
      return await (deadline === undefined ? this.#take(into) : this.#takeBefore(deadline, into));
    } catch (error) {
      throw netError(error);
    }
  }

  #take(into: Uint8Array): Promise<number | null> {
    return this.#late === undefined ? this.#conn.read(into) : this.#takeLate(this.#late, into);
  }

  async #takeLate(late: Promise<Uint8Array | null>, into: Uint8Array): Promise<number | null> {
    const bytes = await late;
    if (bytes === null) return null;
    const length = Math.min(bytes.length, into.length);
    into.set(bytes.subarray(0, length));
    this.#late = length < bytes.length ? Promise.resolve(bytes.subarray(length)) : undefined;
    return length;
  }

  #takeBefore(deadline: Deadline, into: Uint8Array): Promise<number | null | undefined> {
    return new Promise((resolve, reject) => {
      if (deadline.passed) return resolve(undefined);
      const reading = this.#take(into);
      deadline.onPassed = () => {
        this.#late = reading.then((length) => length === null ? null : into.slice(0, length));
        // Whoever reads next gets the error; if nobody does, nobody misses it.
        this.#late.catch(() => {});
        resolve(undefined);
      };
      reading.then(resolve, reject).then(() => deadline.onPassed = undefined);
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      let written = await this.#conn.write(bytes);
      while (written < bytes.length) written += await this.#conn.write(bytes.subarray(written));
    } catch (error) {
      throw netError(error);
    }
  }

  async closeWrite(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch {
      // The connection is gone, and so is its writing side.
    }
  }

  setNoDelay(): void {
    this.#set(() => this.#conn.setNoDelay(true));
  }

  /** Deno has no way to say after how long: the system's own interval counts. */
  setKeepAlive(): void {
    this.#set(() => this.#conn.setKeepAlive(true));
  }

  #set(option: () => void): void {
    try {
      option();
    } catch {
      // Some systems refuse once the peer is gone; the next read tells of that.
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}

function streamOf(conn: Conn): Stream {
  if (!(conn instanceof DenoConn)) throw new TypeError("a pipe is for connections of its own Net");
  return conn.stream;
}

function socketAddress(address: Deno.Addr): SocketAddress {
  const { hostname, port } = address as Deno.NetAddr;
  return { address: unmapped(hostname), port };
}

function isReset(error: unknown): boolean {
  return netErrorCode(error) !== "closed";
}
