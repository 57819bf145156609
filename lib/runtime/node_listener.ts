/**
 * Listening with `node:net`.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import { type SocketAddress, unmapped } from "../addr.ts";
import { NodeConn } from "./node_conn.ts";
import { netError } from "./node_errors.ts";
import { type Conn, type Listener, type ListenOptions, NetError } from "./runtime.ts";

/** Connections that are here and were not accepted; further ones are closed. */
const MOST_WAITING = 1024;

/** @throws {NetError} As `Net.listen`. */
export function listen({ address, port, backlog }: ListenOptions): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.once("error", (error) => reject(netError(error)));
    server.listen({ host: address, port, backlog }, () => resolve(new NodeListener(server)));
  });
}

class NodeListener implements Listener {
  readonly address: SocketAddress;
  readonly #server: Server;
  readonly #arrived: NodeConn[] = [];
  #waiting: { resolve: (conn: Conn) => void; reject: (error: NetError) => void } | undefined;
  #isClosed = false;

  constructor(server: Server) {
    this.#server = server;
    const bound = server.address();
    this.address = bound === null || typeof bound === "string"
      ? { address: "", port: 0 }
      : { address: unmapped(bound.address), port: bound.port };
    server.removeAllListeners("error");
    // What it says of single connections, or that there are no descriptors left: the next ones are accepted all the same.
    server.on("error", () => {});
    server.on("connection", (socket) => this.#take(socket));
  }

  #take(socket: Socket): void {
    const conn = new NodeConn(socket);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting.resolve(conn);
    else if (this.#arrived.length < MOST_WAITING && !this.#isClosed) {
      this.#arrived.push(conn);
    } else conn.close();
  }

  accept(): Promise<Conn> {
    const conn = this.#arrived.shift();
    if (conn !== undefined) return Promise.resolve(conn);
    if (this.#isClosed) return Promise.reject(CLOSED);
    return new Promise((resolve, reject) => this.#waiting = { resolve, reject });
  }

  close(): Promise<void> {
    // Its callback would wait for the connections, too, and they are other people's; the address is free at once.
    if (!this.#isClosed) this.#server.close();
    this.#isClosed = true;
    for (const conn of this.#arrived.splice(0)) conn.close();
    this.#waiting?.reject(CLOSED);
    this.#waiting = undefined;
    return Promise.resolve();
  }
}

const CLOSED = new NetError("closed", "the listener is closed");
