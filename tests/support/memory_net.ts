import { formatAddress, type SocketAddress } from "../../lib/addr.ts";
import { FairShare } from "../../lib/fair_share.ts";
import { pipe } from "../../lib/pipe.ts";
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
} from "../../lib/runtime/runtime.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { MemoryDatagrams, type MemoryPeer } from "./memory_datagrams.ts";

/** Bytes that a connection holds in one direction before its writer waits. */
const CAPACITY = 65_536;

/** Sockets in memory: a loopback of its own, for tests. Nothing happens in it that the test did not cause. */
export class MemoryNet implements Net {
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #share = new FairShare();
  readonly #listeners = new Map<string, MemoryListener>();
  /** Addresses that never answer, as behind a firewall that drops. */
  readonly silent = new Set<string>();
  /** Addresses to which a connect, or an associated socket, fails as a whole, and how. */
  readonly broken = new Map<string, NetError>();
  /** Where datagrams go. Their ports are others than those of connections. */
  readonly datagrams = new MemoryDatagrams(this.silent);
  /** The options that connections were given, in turn. */
  readonly tuned: string[] = [];
  /** Connections made and not yet closed, both ends counted. */
  openConns = 0;
  #nextPort = 40_000;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timeouts = new Timeouts(clock);
  }

  listen({ address, port }: ListenOptions): Listener {
    const at = { address, port: port === 0 ? this.#nextPort++ : port };
    const key = formatAddress(at);
    if (this.#listeners.has(key)) throw new NetError("in_use", `${key} is in use`);
    const listener = new MemoryListener(at, () => this.#listeners.delete(key));
    this.#listeners.set(key, listener);
    return listener;
  }

  connect(to: SocketAddress, options: ConnectOptions): Promise<MemoryConn> {
    return this.connectFrom({ address: "127.0.0.1", port: this.#nextPort++ }, to, options);
  }

  /** Connects as the client `from`. */
  connectFrom(
    from: SocketAddress,
    to: SocketAddress,
    { timeout }: ConnectOptions = { timeout: 1000 },
  ): Promise<MemoryConn> {
    const key = formatAddress(to);
    const fault = this.broken.get(key);
    if (fault !== undefined) return Promise.reject(fault);
    if (this.silent.has(key)) {
      return new Promise((_, reject) =>
        this.#clock.setTimer(
          () => reject(new NetError("timeout", `no answer within ${timeout} ms`)),
          timeout,
        )
      );
    }
    const listener = this.#listeners.get(key);
    if (listener === undefined) {
      return Promise.reject(new NetError("refused", "Connection refused"));
    }
    const up = new Channel();
    const down = new Channel();
    this.openConns += 2;
    listener.deliver(new MemoryConn(this, to, from, up, down));
    return Promise.resolve(new MemoryConn(this, from, to, down, up));
  }

  /** Where connections are taken. */
  get listening(): readonly SocketAddress[] {
    return Array.from(this.#listeners.values(), ({ address }) => address);
  }

  /** Connections and associated sockets that were not yet closed; of a connection both ends are counted. */
  get open(): number {
    return this.openConns + this.datagrams.open;
  }

  bind(at: SocketAddress, receiver: DatagramReceiver): DatagramListener {
    return this.datagrams.bind(at, receiver);
  }

  associate(to: SocketAddress, receiver: ReplyReceiver): UpstreamSocket {
    const fault = this.broken.get(formatAddress(to));
    if (fault !== undefined) throw fault;
    return this.datagrams.associate(to, receiver);
  }

  /** A client or a backend of datagrams at `at`, driven by the test. */
  peer(at: SocketAddress): MemoryPeer {
    return this.datagrams.peer(at);
  }

  pipe(downstream: Conn, upstream: Conn, options: PipeOptions, listener: PipeListener): void {
    const isReset = (error: unknown) => !(error instanceof NetError && error.code === "closed");
    const parts = { share: this.#share, timeouts: this.#timeouts, isReset };
    pipe(streamOf(downstream), streamOf(upstream), options, parts, listener);
  }

  close(): void {
    this.#timeouts.close();
  }
}

function streamOf(conn: Conn) {
  return {
    read: (into: Uint8Array) => conn.read(into) as Promise<number | null>,
    write: (bytes: Uint8Array) => conn.write(bytes).then(() => bytes.length),
    closeWrite: () => conn.closeWrite(),
  };
}

class MemoryListener implements Listener {
  readonly #arrived: Conn[] = [];
  #waiting: { resolve: (conn: Conn) => void; reject: (error: Error) => void } | undefined;
  #closed = false;

  constructor(readonly address: SocketAddress, private readonly onClose: () => void) {}

  deliver(conn: Conn): void {
    this.#arrived.push(conn);
    this.#settle();
  }

  accept(): Promise<Conn> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#waiting === undefined) return;
    const { resolve, reject } = this.#waiting;
    const conn = this.#arrived.shift();
    if (conn === undefined && !this.#closed) return;
    this.#waiting = undefined;
    if (conn === undefined) reject(new NetError("closed", "the listener is closed"));
    else resolve(conn);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.onClose();
    this.#settle();
    return Promise.resolve();
  }
}

/** One direction of a connection. */
class Channel {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #state: "open" | "ended" | "reset" = "open";
  #changed: Array<() => void> = [];

  get state() {
    return this.#state;
  }

  get size() {
    return this.#size;
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes.slice());
    this.#size += bytes.length;
    this.wake();
  }

  shift(into: Uint8Array): number {
    const chunk = this.#chunks[0]!;
    const length = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, length));
    if (length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(length);
    this.#size -= length;
    this.wake();
    return length;
  }

  end(state: "ended" | "reset"): void {
    if (this.#state === "open" || state === "reset") this.#state = state;
    if (state === "reset") {
      this.#chunks = [];
      this.#size = 0;
    }
    this.wake();
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  wake(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const resolve of waiting) resolve();
  }
}

export class MemoryConn implements Conn {
  #closed = false;

  constructor(
    private readonly net: MemoryNet,
    readonly local: SocketAddress,
    readonly remote: SocketAddress,
    private readonly incoming: Channel,
    private readonly outgoing: Channel,
  ) {}

  async read(into: Uint8Array, deadline?: Deadline): Promise<number | null | undefined> {
    let late = deadline?.passed ?? false;
    if (deadline !== undefined) {
      deadline.onPassed = () => {
        late = true;
        this.incoming.wake();
      };
    }
    for (;;) {
      if (this.#closed) throw new NetError("closed", "closed");
      if (late) return undefined;
      if (this.incoming.state === "reset") throw new NetError("reset", "Connection reset by peer");
      if (this.incoming.size > 0) return this.incoming.shift(into);
      if (this.incoming.state === "ended") return null;
      await this.incoming.changed();
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#closed) throw new NetError("closed", "closed");
      if (this.outgoing.state !== "open") throw new NetError("reset", "Broken pipe");
      const room = CAPACITY - this.outgoing.size;
      if (room > 0) this.outgoing.push(bytes.subarray(at, at += Math.min(room, bytes.length - at)));
      else await this.outgoing.changed();
    }
  }

  closeWrite(): Promise<void> {
    this.outgoing.end("ended");
    return Promise.resolve();
  }

  setNoDelay(): void {
    this.net.tuned.push("nodelay");
  }

  setKeepAlive(idle: number): void {
    this.net.tuned.push(`keepalive ${idle}`);
  }

  close(): void {
    this.#finish("ended");
  }

  /** Ends the connection as a crash does: what is under way is lost, and the peer's reads and writes fail. */
  reset(): void {
    this.#finish("reset");
  }

  #finish(state: "ended" | "reset"): void {
    if (this.#closed) return;
    this.#closed = true;
    // As a socket does: bytes that nobody will read are answered by a reset.
    this.outgoing.end(this.incoming.size > 0 ? "reset" : state);
    this.incoming.end("reset");
    this.incoming.wake();
    this.net.openConns--;
  }
}
