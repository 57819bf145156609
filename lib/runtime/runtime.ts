/**
 * The seam to the platform: what sluice needs of sockets and time, and nothing else. One file beside this one
 * per runtime implements it, `tests/support/` holds twins in memory, and one contract suite runs against all.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";

/**
 * Sockets. `pipe` belongs to the Net that made both connections, so that a platform can do it its own way. Streams are
 * read by who owns them; datagrams are handed over as they come, so that there is no queue of them anywhere but in
 * the kernel, and a platform that gets many at once need not make a promise for each.
 */
export interface Net {
  /**
   * Listens on one address.
   * @throws {NetError} `in_use`, `denied`, `unavailable` …
   */
  listen(options: ListenOptions): Listener;

  /**
   * Connects to an IP address; the caller owns the connection.
   * @throws {NetError} `refused`, `unreachable`, `timeout`, `exhausted` …
   */
  connect(to: SocketAddress, options: ConnectOptions): Promise<Conn>;

  /**
   * Copies both ways until both directions have ended, one side has failed, or neither has moved for
   * `idleTimeout`. The end of the first direction is passed on as a half-close, while the other goes on; the end of
   * the last one by the caller, who closes both connections once `listener` has been told. Never throws.
   */
  pipe(downstream: Conn, upstream: Conn, options: PipeOptions, listener: PipeListener): void;

  /**
   * Opens a port for datagrams; `0.0.0.0` and `::` are as for `listen`. Whoever sends one to it is answered from the
   * address it was sent to, as far as the platform can tell which that was.
   * @throws {NetError} As `listen`.
   */
  bind(at: SocketAddress, receiver: DatagramReceiver): DatagramListener;

  /**
   * Opens a socket that sends datagrams to one address and receives none but from there. The caller owns it.
   * @throws {NetError} `exhausted`, `unavailable` …
   */
  associate(to: SocketAddress, receiver: ReplyReceiver): UpstreamSocket;
}

export interface ListenOptions {
  /** An IP address; `::` takes IPv4 clients too and shows their addresses as IPv4. */
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Connections that the kernel completes before they are accepted. */
  readonly backlog: number;
}

export interface ConnectOptions {
  /** ms */
  readonly timeout: number;
}

export interface Listener {
  readonly address: SocketAddress;
  /**
   * The next connection; the caller owns it. Clients that are gone before they could be accepted are passed over, or
   * their first read says `reset`.
   * @throws {NetError} `closed` after `close()`; `exhausted` when there are no descriptors left: try again later.
   */
  accept(): Promise<Conn>;
  /** Ends every `accept`; resolves when the address is free again. Safe to call twice. */
  close(): Promise<void>;
}

/** A TCP connection. Whoever holds it closes it. One read and one write may be under way at once. */
export interface Conn {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;

  /**
   * Reads what is there, up to the length of `into`, waiting for the first byte.
   * @returns Bytes read; `null` at the end of the stream; `undefined` when `deadline` came first, and then nothing
   *   is lost: what arrives later goes to the next read, or to the pipe. No promise where it is known at once.
   * @throws {NetError} By rejecting: `reset`, `closed` …
   */
  read(into: Uint8Array, deadline?: Deadline): Awaitable<number | null | undefined>;

  /**
   * Writes all of `bytes`, waiting while the peer does not read.
   * @throws {NetError} `reset`, `closed` …
   */
  write(bytes: Uint8Array): Promise<void>;

  /** Ends this side's stream; reading goes on. Does nothing if the connection is gone. */
  closeWrite(): Promise<void>;

  /** Turns Nagle's algorithm off: what is written leaves at once. */
  setNoDelay(): void;

  /** Lets the kernel ask a silent peer whether it is still there, after `idle` ms where the platform can say so. */
  setKeepAlive(idle: number): void;

  /** Closes at once; reads and writes under way fail with `closed`. Safe to call twice. */
  close(): void;
}

/**
 * Connections that are secured by TLS 1.3. They are made apart from those of a Net, and nobody's `pipe` takes them.
 */
export interface Tls {
  /**
   * Listens as {@linkcode Net.listen}. What it accepts is plain until {@linkcode accept} secures it, so that something,
   * such as a PROXY header, may come before.
   * @throws {NetError} As there.
   */
  listen(options: ListenOptions): Promise<Listener>;

  /**
   * The server's side of the handshake on a connection of this Tls's own `listen`. It takes over `conn`, and closes it if
   * the handshake fails.
   * @throws {NetError} `timeout`, `reset`, or `other` with a message that says what the client did wrong.
   */
  accept(conn: Conn, options: AcceptOptions): Promise<SecureConn>;

  /**
   * Connects to an IP address, and shakes hands; the caller owns the connection.
   * @throws {NetError} As {@linkcode Net.connect}; `untrusted`, if the server is not who it should be, with a message that
   *   says what is wrong with its certificate.
   */
  connect(to: SocketAddress, options: SecureConnectOptions): Promise<SecureConn>;
}

export interface AcceptOptions {
  /** PEM; those who vouch for it may follow. */
  readonly certificate: string;
  /** PEM */
  readonly privateKey: string;
  /** The one application protocol (RFC 7301): who does not speak it is refused. */
  readonly alpn: string;
  /** ms */
  readonly timeout: number;
  /** What has been read of the handshake already, behind whatever came before it. */
  readonly first?: Uint8Array;
}

export interface SecureConnectOptions {
  /** The name that the server is asked for, and, unless trust is in a pin, has to have a certificate for; else its IP address. */
  readonly serverName?: string;
  /** The one application protocol. */
  readonly alpn: string;
  readonly trust: Trust;
  /** For connecting and the handshake, together; ms. */
  readonly timeout: number;
}

/** Whom a client believes who the server is. */
export type Trust =
  /** The authorities that the system, or else the runtime, knows. */
  | { readonly kind: "system" }
  | { readonly kind: "authorities"; readonly pem: string }
  /** The SHA-256 of the server's certificate in DER. Neither its names nor its dates count. */
  | { readonly kind: "pin"; readonly sha256: Uint8Array };

/** A connection after its handshake. */
export interface SecureConn extends Conn {
  /** The SHA-256 of the server's certificate in DER, as this side sees it. */
  readonly certificate: Uint8Array;
}

/** A moment that may come before a read ends. */
export interface Deadline {
  /** Whether it has come. */
  readonly passed: boolean;
  /** Called once when it comes. Set by the read that waits for it, of which there is one at a time. */
  onPassed: (() => void) | undefined;
}

export interface PipeOptions {
  /** Delivered upstream before anything else: the head. The pipe takes over the buffer behind it. */
  readonly first: Uint8Array;
  /** ms; 0: none. It comes up to an eighth late, so that a chunk need not look at the clock. */
  readonly idleTimeout: number;
  /** Kept up to date while the pipe runs. */
  readonly counts: ByteCounts;
}

export interface ByteCounts {
  /** Bytes from downstream delivered upstream. */
  up: number;
  /** Bytes from upstream delivered downstream. */
  down: number;
}

/** How a pipe ended: `closed` when somebody closed a connection under it. */
export type PipeEnd = "ended" | "downstream_reset" | "upstream_reset" | "idle_timeout" | "closed";

/** Who has started a pipe. A promise of its end would be memory of every idle connection. */
export interface PipeListener {
  /** Called once, maybe before `pipe` has returned. */
  onPipeEnd(end: PipeEnd): void;
}

/** What may be known already: to wait for it nevertheless takes time and memory. */
export type Awaitable<Value> = Value | Promise<Value>;

/**
 * Who sent a datagram, in the platform's own spelling; `unmapped` makes it canonical. Altered by nobody and small, so it
 * may be kept: who is answered as the very object that it was has not to be looked up.
 */
export interface Peer {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Takes what comes to a bound port. A call returns when it is done with `datagram`, whose bytes are the platform's own;
 * if it has sent them on, it returns what {@linkcode ReplySocket.send} or {@linkcode UpstreamSocket.send} returned. The
 * next datagram does not wait for that, until many of one port are held: then the kernel keeps what it can. It throws
 * nothing: who takes datagrams answers for its own faults.
 */
export interface DatagramReceiver {
  received(datagram: Uint8Array, from: Peer, at: ReplySocket): Sending;
}

/**
 * As {@linkcode DatagramReceiver}, for what comes from the one address that a socket sends to; but the next datagram of a
 * socket waits until this one is done with, so that a slow client slows its own backend alone.
 */
export interface ReplyReceiver {
  received(datagram: Uint8Array): Sending;
  /**
   * A datagram did not get there. `refused` (where the platform shows that nobody listens there) and `unreachable` are
   * about the other end, the other codes about this side or this one datagram, which may be too long for the way. Called
   * at most once a datagram, and never after `close()`.
   */
  failed(error: NetError): void;
}

/** `undefined` if the bytes of a datagram may be altered again, else resolves when they may; never rejects. */
export type Sending = Promise<void> | undefined;

/** A bound port. */
export interface DatagramListener {
  readonly address: SocketAddress;
  /** Nothing more is received or sent; resolves when the address is free again. Safe to call twice. */
  close(): Promise<void>;
}

/** Where a datagram came to, and so where the answer leaves from. There is one object for each address. */
export interface ReplySocket {
  readonly local: SocketAddress;
  /**
   * Whether so much waits to be sent that more would have to be thrown away. Ask before each `send`: it takes what it
   * is given.
   */
  readonly isFull: boolean;
  /**
   * Does nothing after the port was closed. That `to` cannot be reached is told to nobody. Only datagrams that wait for
   * each other arrive in their order, as those do that an {@linkcode UpstreamSocket} receives and its receiver sends on.
   */
  send(datagram: Uint8Array, to: Peer): Sending;
}

/** A socket with one other end. */
export interface UpstreamSocket {
  /** As in {@linkcode ReplySocket}. */
  readonly isFull: boolean;
  /** Sends one after the other, in the order of the calls; does nothing after `close()`. */
  send(datagram: Uint8Array): Sending;
  /** Closes at once; nothing is received any more. Safe to call twice. */
  close(): void;
}

/** What went wrong with a socket, in words that are the same on every platform. */
export type NetErrorCode =
  | "refused"
  | "reset"
  | "timeout"
  | "unreachable"
  /** No descriptors, ports or memory left. */
  | "exhausted"
  | "in_use"
  | "denied"
  /** No such address on this machine. */
  | "unavailable"
  /** Not who it should be. */
  | "untrusted"
  /** Closed by this side. */
  | "closed"
  | "other";

export class NetError extends Error {
  override readonly name = "NetError";
  constructor(readonly code: NetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Time. Tests pass one that they move themselves. */
export interface Clock {
  /** Monotonic, ms. */
  now(): number;
  /** Wall-clock time, ms since 1970. */
  date(): number;
  /** Calls `callback` once, after `ms`; for very long times it may come earlier, so look at `now()`. */
  setTimer(callback: () => void, ms: number): Timer;
}

export interface Timer {
  cancel(): void;
}
