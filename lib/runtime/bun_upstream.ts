/**
 * Sockets of Bun with one other end.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { bun, type ConnectedUdpSocket, type UdpHandlers } from "./bun_api.ts";
import { netError } from "./bun_errors.ts";
import { opened, SendQueue } from "./bun_sends.ts";
import { exhausted, noDescriptorIsLeft } from "./bun_spare.ts";
import { reportFault } from "./faults.ts";
import { NetError, type ReplyReceiver, type Sending, type UpstreamSocket } from "./runtime.ts";

/** Most datagrams that may wait for the kernel. */
const MOST_SENDS = 64;
/** Most replies that may wait for the one before. Bun cannot leave them to the kernel; further ones are lost, as there. */
const MOST_REPLIES = 64;

/** A connected socket: the kernel keeps strangers away, and tells when nobody listens at the other end. */
export class BunUpstreamSocket implements UpstreamSocket {
  readonly #socket: ConnectedUdpSocket;
  readonly #receiver: ReplyReceiver;
  readonly #queue = new SendQueue();
  /** Replies that came while another one was being sent on; `undefined` when none is. */
  #waiting: Uint8Array[] | undefined;
  #isClosed = false;

  /** @throws {NetError} */
  constructor({ address, port }: SocketAddress, receiver: ReplyReceiver) {
    this.#receiver = receiver;
    this.#socket = open({ address, port }, {
      data: (_, datagram) => this.#receive(datagram),
      drain: () => this.#queue.flush(),
      error: (...args) => this.#fail(args.at(-1)),
    });
    if (!noDescriptorIsLeft()) return;
    this.close();
    throw exhausted();
  }

  get isFull(): boolean {
    return this.#queue.length >= MOST_SENDS;
  }

  send(datagram: Uint8Array): Sending {
    if (this.#isClosed || this.#queue.length === 0 && this.#hasSent(datagram)) return undefined;
    return this.#queue.add(() => this.#hasSent(datagram));
  }

  /** Whether it need not be sent again. */
  #hasSent(datagram: Uint8Array): boolean {
    try {
      return this.#socket.send(datagram);
    } catch (error) {
      // Whoever sends is in the middle of something.
      queueMicrotask(() => this.#fail(error));
      return true;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#queue.clear();
  }

  #receive(datagram: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#waiting !== undefined) {
      if (this.#waiting.length < MOST_REPLIES) this.#waiting.push(datagram);
      return;
    }
    const sending = this.#deliver(datagram);
    if (sending !== undefined) void this.#deliverRest(sending);
  }

  /** One after the other, until none waits. */
  async #deliverRest(sending: Promise<void>): Promise<void> {
    const waiting: Uint8Array[] = this.#waiting = [];
    await sending;
    for (let next; !this.#isClosed && (next = waiting.shift()) !== undefined;) {
      await this.#deliver(next);
    }
    this.#waiting = undefined;
  }

  #deliver(datagram: Uint8Array): Sending {
    try {
      return this.#receiver.received(datagram);
    } catch (fault) {
      reportFault(fault);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    try {
      this.#receiver.failed(netError(error));
    } catch (fault) {
      reportFault(fault);
    }
  }
}

/** A socket on a port that the system chooses. */
function open({ address, port }: SocketAddress, socket: UdpHandlers): ConnectedUdpSocket {
  const hostname = address.includes(":") ? "::" : "0.0.0.0";
  const connect = { hostname: address, port };
  const options = { hostname, port: 0, connect, binaryType: "uint8array", socket } as const;
  try {
    return opened(() => bun().udpSocket(options));
  } catch (error) {
    if (!(error instanceof NetError) || error.code !== "in_use") throw error;
    throw new NetError("exhausted", "no port is free", { cause: error });
  }
}
