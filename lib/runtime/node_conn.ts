/**
 * Connections of `node:net` and `node:tls`, which Deno and Bun have alike.
 *
 * @module
 */
import type { Socket } from "node:net";
import { type SocketAddress, unmapped } from "../addr.ts";
import { netError } from "./node_errors.ts";
import { type Conn, type Deadline, NetError } from "./runtime.ts";

/** What is kept of what nobody has asked for yet, bytes, before the socket is stopped. */
const MOST_UNREAD = 131_072;

/** Holds up what comes of a socket. */
export interface Flow {
  stop(): void;
  start(): void;
}

interface Reader {
  readonly into: Uint8Array;
  readonly deadline: Deadline | undefined;
  readonly resolve: (length: number | null) => void;
  readonly reject: (error: NetError) => void;
}

/** A socket hands over what comes as it comes, in memory of its own for each chunk. */
export class NodeConn implements Conn {
  #local = NOWHERE;
  #remote = NOWHERE;
  readonly #socket: Socket;
  readonly #flow: Flow;
  /** What nobody has asked for yet. */
  #chunks: Uint8Array[] = [];
  #unread = 0;
  #reader: Reader | undefined;
  #isStopped = false;
  #hasEnded = false;
  /** Why there is nothing to be done with it any more. */
  #failure: NetError | undefined;

  constructor(socket: Socket, flow: Flow = pausing(socket)) {
    this.#socket = socket;
    this.#flow = flow;
    this.noteAddressesOf(socket);
    socket.on("data", this.#onData).on("end", this.#onEnd);
    socket.on("error", this.#onError).on("close", this.#onClose);
  }

  get local(): SocketAddress {
    return this.#local;
  }

  get remote(): SocketAddress {
    return this.#remote;
  }

  /** A socket has addresses only while it is connected: to be called when it is, if it was not yet. */
  noteAddressesOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): void {
    this.#local = { address: unmapped(localAddress ?? ""), port: localPort ?? 0 };
    this.#remote = { address: unmapped(remoteAddress ?? ""), port: remotePort ?? 0 };
  }

  read(into: Uint8Array, deadline?: Deadline): Promise<number | null | undefined> {
    if (deadline?.passed) return Promise.resolve(undefined);
    if (this.#unread > 0) return Promise.resolve(this.#takeInto(into));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#hasEnded) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#reader = { into, deadline, resolve, reject };
      if (deadline === undefined) return;
      deadline.onPassed = () => {
        this.#reader = undefined;
        resolve(undefined);
      };
    });
  }

  /** As many of the chunks as there is room for. */
  #takeInto(into: Uint8Array): number {
    let length = 0;
    while (length < into.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const fitting = chunk.subarray(0, into.length - length);
      into.set(fitting, length);
      length += fitting.length;
      if (fitting.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(fitting.length);
    }
    this.#unread -= length;
    if (this.#isStopped && this.#unread < MOST_UNREAD) {
      this.#isStopped = false;
      this.#flow.start();
    }
    return length;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error == null) resolve();
        else reject(this.#failure ?? netError(error));
      });
    });
  }

  closeWrite(): Promise<void> {
    if (this.#failure === undefined) this.#socket.end();
    return Promise.resolve();
  }

  setNoDelay(): void {
    this.#socket.setNoDelay(true);
  }

  setKeepAlive(idle: number): void {
    this.#socket.setKeepAlive(true, idle);
  }

  close(): void {
    this.#chunks = [];
    this.#unread = 0;
    this.#fail(new NetError("closed", "closed by this side"));
    this.#socket.destroy();
  }

  /** Gives the socket away, with all that came and was not read; nothing is to be done with the connection any more. */
  release(): Socket {
    const socket = this.#socket;
    socket.pause();
    socket.off("data", this.#onData).off("end", this.#onEnd);
    socket.off("error", this.#onError).off("close", this.#onClose);
    for (const chunk of this.#chunks.reverse()) socket.unshift(chunk);
    this.#chunks = [];
    this.#unread = 0;
    this.#failure ??= new NetError("closed", "the connection was given away");
    return socket;
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#failure !== undefined) return;
    this.#chunks.push(chunk);
    this.#unread += chunk.length;
    const reader = this.#takeReader();
    if (reader !== undefined) reader.resolve(this.#takeInto(reader.into));
    if (this.#unread >= MOST_UNREAD && !this.#isStopped) {
      this.#isStopped = true;
      this.#flow.stop();
    }
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#takeReader()?.resolve(null);
  };

  readonly #onError = (error: Error): void => this.#fail(netError(error));

  readonly #onClose = (): void => {
    if (!this.#hasEnded) this.#fail(new NetError("reset", "Connection reset by peer"));
  };

  #fail(error: NetError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#takeReader()?.reject(error);
  }

  #takeReader(): Reader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader?.deadline !== undefined) reader.deadline.onPassed = undefined;
    return reader;
  }
}

function pausing(socket: Socket): Flow {
  return { stop: () => socket.pause(), start: () => socket.resume() };
}

const NOWHERE: SocketAddress = { address: "", port: 0 };
