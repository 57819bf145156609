/**
 * A client's socket of UDP. Everything in it is text of one character a byte, as in the clients of TCP.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { HOST } from "./host.ts";
import type { Wire } from "./wire.ts";

/** Uses a socket, and gives what it read in the answer; rejects if there was none. */
export type UdpClient = (wire: Pick<UdpWire, "localPort" | "send" | "next">) => Promise<string>;

export class UdpWire implements Wire {
  bytesWritten = 0;
  bytesRead = 0;
  readonly #socket: Socket;
  readonly #to: number;
  /** Who share the socket. */
  readonly #users: { count: number };
  /** What has come and was not asked for yet; and who waits for more. */
  readonly #heard: string[] = [];
  #onHeard: () => void = () => {};

  private constructor(socket: Socket, to: number, users: { count: number }) {
    this.#socket = socket;
    this.#to = to;
    this.#users = users;
    users.count++;
    socket.on("message", (message) => {
      this.bytesRead += message.length;
      this.#heard.push(message.toString("latin1"));
      this.#onHeard();
    });
  }

  /** Binds a port of its own, to talk to another one. */
  static async open(to: number): Promise<UdpWire> {
    const socket = createSocket("udp4").bind(0, HOST);
    await once(socket, "listening");
    return new UdpWire(socket, to, { count: 0 });
  }

  /** The same socket for somebody who comes later, and hears what comes from now on. */
  share(): UdpWire {
    return new UdpWire(this.#socket, this.#to, this.#users);
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  /** Resolves when it is on its way: another one that is sent before that may overtake it. */
  async send(datagram: string): Promise<void> {
    const bytes = Buffer.from(datagram, "latin1");
    this.bytesWritten += bytes.length;
    await new Promise<void>((resolve, reject) => {
      const sent = (error: Error | null) => error ? reject(error) : resolve();
      this.#socket.send(bytes, this.#to, HOST, sent);
    });
  }

  /** The next datagram that has come or comes. */
  async next(): Promise<string> {
    for (;;) {
      const datagram = this.#heard.shift();
      if (datagram !== undefined) return datagram;
      await new Promise<void>((resolve) => this.#onHeard = resolve);
    }
  }

  /** The last one to do so closes the socket. */
  destroy(): void {
    if (--this.#users.count === 0) this.#socket.close();
  }
}
