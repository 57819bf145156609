/**
 * Listeners of Bun.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { bun, type TcpListener, type TcpSocket } from "./bun_api.ts";
import { BunConn, CONN_HANDLERS, type Data } from "./bun_conn.ts";
import { netError } from "./bun_errors.ts";
import { exhausted, noDescriptorIsLeft } from "./bun_spare.ts";
import { type Conn, type Listener, type ListenOptions, NetError } from "./runtime.ts";

interface Waiting {
  readonly resolve: (conn: Conn) => void;
  readonly reject: (error: NetError) => void;
}

/**
 * Bun accepts whatever comes, whether anybody has asked for it or not, and has the kernel complete 512 connections
 * before that, whatever `backlog` says. So that is how many accepted ones wait here; further ones are closed.
 */
export class BunListener implements Listener {
  readonly address: SocketAddress;
  readonly #listener: TcpListener;
  readonly #backlog: number;
  readonly #accepted: BunConn[] = [];
  readonly #waiting: Waiting[] = [];
  /** Whether a connection was closed for want of descriptors, and nobody has been told yet. */
  #isShort = false;
  #isClosed = false;

  /** @throws {NetError} */
  constructor({ address, port, backlog }: ListenOptions) {
    this.#backlog = backlog;
    const open = (socket: TcpSocket<Data>) => this.#opened(socket);
    const socket = { ...CONN_HANDLERS, open };
    try {
      this.#listener = bun().listen({ hostname: address, port, allowHalfOpen: true, socket });
    } catch (error) {
      throw netError(error);
    }
    this.address = { address, port: this.#listener.port };
  }

  accept(): Promise<Conn> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#isShort) {
      this.#isShort = false;
      return Promise.reject(exhausted());
    }
    for (let conn; (conn = this.#accepted.shift()) !== undefined;) {
      if (conn.failure === undefined) return Promise.resolve(conn);
      conn.close();
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #opened(socket: TcpSocket<Data>): void {
    if (noDescriptorIsLeft()) {
      socket.close();
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#isShort = true;
      else waiting.reject(exhausted());
    } else if (this.#accepted.length >= this.#backlog || this.#isClosed) {
      socket.close();
    } else {
      const conn = BunConn.of(socket);
      if (conn === undefined) return socket.close();
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#accepted.push(conn);
      else waiting.resolve(conn);
    }
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#listener.stop();
      for (const conn of this.#accepted.splice(0)) conn.close();
      for (const { reject } of this.#waiting.splice(0)) reject(closed());
    }
    return Promise.resolve();
  }
}

function closed(): NetError {
  return new NetError("closed", "closed by this side");
}
