/**
 * What sluice uses of Bun, in types: Bun's own would clash with those of the other runtimes. The only file beside its
 * like that names Bun.
 *
 * @module
 */
declare const Bun: Api;

/** Bun itself. */
export function bun(): Api {
  return Bun;
}

interface Api {
  listen<Data>(options: ListenOptions<Data>): TcpListener;
  connect<Data>(options: ConnectOptions<Data>): Promise<TcpSocket<Data>>;
  udpSocket(options: UdpOptions & { readonly connect: Address }): Promise<ConnectedUdpSocket>;
  udpSocket(options: UdpOptions): Promise<UdpSocket>;
  /** What a promise that has been fulfilled holds, without waiting for it. */
  peek<T>(promise: Promise<T>): T | Promise<T>;
  readonly stdout: { writer(): FileSink };
  readonly stderr: { writer(): FileSink };
}

export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Sockets of one kind share theirs. `socket.data` says which one it is about. */
export interface TcpHandlers<Data> {
  readonly binaryType: "uint8array";
  open(socket: TcpSocket<Data>): void;
  data(socket: TcpSocket<Data>, chunk: Uint8Array<ArrayBuffer>): void;
  drain(socket: TcpSocket<Data>): void;
  /** The other side will send nothing more. Not called if this side had ended its stream already: `close` is. */
  end(socket: TcpSocket<Data>): void;
  /** Both streams have ended, or `error` says why not. */
  close(socket: TcpSocket<Data>, error?: Error): void;
  /** A handler threw. */
  error(socket: TcpSocket<Data>, error: Error): void;
}

interface ListenOptions<Data> extends Address {
  readonly allowHalfOpen: true;
  readonly socket: TcpHandlers<Data>;
}

interface ConnectOptions<Data> extends Address {
  readonly allowHalfOpen: true;
  readonly data: Data;
  readonly socket: TcpHandlers<Data>;
}

export interface TcpListener {
  readonly port: number;
  stop(): void;
}

export interface TcpSocket<Data> {
  data: Data;
  readonly localAddress: string | undefined;
  readonly localPort: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
  /** Hands as much to the kernel as it takes, and says how much that was; -1 if the socket is closed. */
  write(bytes: Uint8Array): number;
  shutdown(): void;
  close(): void;
  /** Closes with a reset. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(noDelay: boolean): boolean;
  /** @param idle ms */
  setKeepAlive(enable: boolean, idle: number): boolean;
}

interface UdpOptions extends Address {
  readonly binaryType: "uint8array";
  /** What node:dgram passes on; {@linkcode REUSE_ADDRESS}. */
  readonly flags?: number;
  readonly socket: UdpHandlers;
}

/** SO_REUSEADDR */
export const REUSE_ADDRESS = 16;

export interface UdpHandlers {
  data(socket: unknown, datagram: Uint8Array<ArrayBuffer>, port: number, hostname: string): void;
  drain(): void;
  /** The error is the last argument. */
  error(...args: readonly unknown[]): void;
}

interface BoundUdpSocket {
  readonly port: number;
  close(): void;
}

export interface UdpSocket extends BoundUdpSocket {
  /** Says whether the kernel took it. Throws what the kernel says of this datagram or an earlier one. */
  send(datagram: Uint8Array, port: number, hostname: string): boolean;
}

export interface ConnectedUdpSocket extends BoundUdpSocket {
  send(datagram: Uint8Array): boolean;
}

export interface FileSink {
  write(text: string): number | Promise<number>;
  flush(): number | Promise<number>;
}
