/**
 * Bound ports of Bun: datagrams of clients come in here, and their answers leave.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import type { SocketAddress } from "../addr.ts";
import { bun, REUSE_ADDRESS, type UdpSocket } from "./bun_api.ts";
import { opened, SendQueue } from "./bun_sends.ts";
import { reportFault } from "./faults.ts";
import type { DatagramListener, DatagramReceiver, Peer, ReplySocket, Sending } from "./runtime.ts";
import { type Bound, openPort } from "./wildcard.ts";

/**
 * Opens a port; see {@linkcode openPort}.
 * @throws {NetError}
 */
export function bindDatagrams(at: SocketAddress, receiver: DatagramReceiver): DatagramListener {
  const opened = openPort(at, {
    open: (at, reuseAddress) => new BunReplySocket(at, receiver, reuseAddress),
    addresses: () =>
      Object.values(networkInterfaces()).flat().flatMap((each) => each?.address ?? []),
  });
  const sockets = opened.map(({ socket }) => socket);
  return {
    address: { address: at.address, port: sockets[0]?.port ?? 0 },
    close() {
      for (const socket of sockets) socket.close();
      return Promise.resolve();
    },
  };
}

/** Most replies of one socket that may wait for the kernel. There is one at a time of each flow. */
const MOST_REPLIES = 4096;

class BunReplySocket implements ReplySocket, Bound {
  readonly local: SocketAddress;
  readonly #socket: UdpSocket;
  readonly #receiver: DatagramReceiver;
  readonly #queue = new SendQueue();
  #isClosed = false;

  /** @throws {NetError} */
  constructor({ address, port }: SocketAddress, receiver: DatagramReceiver, reuseAddress: boolean) {
    this.#receiver = receiver;
    this.#socket = opened(() =>
      bun().udpSocket({
        hostname: address,
        port,
        binaryType: "uint8array",
        flags: reuseAddress ? REUSE_ADDRESS : 0,
        socket: {
          data: (_, datagram, port, hostname) => this.#deliver(datagram, { hostname, port }),
          drain: () => this.#queue.flush(),
          // A client cannot be reached, which is nobody's business: it may be gone, or never have been there.
          error() {},
        },
      })
    );
    this.local = { address, port: this.#socket.port };
  }

  get port(): number {
    return this.local.port;
  }

  get isFull(): boolean {
    return this.#queue.length >= MOST_REPLIES;
  }

  send(datagram: Uint8Array, to: Peer): Sending {
    if (this.#isClosed || this.#queue.length === 0 && this.#hasSent(datagram, to)) return undefined;
    return this.#queue.add(() => this.#hasSent(datagram, to));
  }

  /** Whether it need not be sent again. */
  #hasSent(datagram: Uint8Array, { port, hostname }: Peer): boolean {
    for (let tried = 0; tried < 2; tried++) {
      try {
        return this.#socket.send(datagram, port, hostname);
      } catch {
        // It may be the error of an earlier one, to somebody else.
      }
    }
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#queue.clear();
  }

  /** Each datagram has memory of its own, so whatever becomes of it holds up no other. */
  #deliver(datagram: Uint8Array, from: Peer): void {
    if (this.#isClosed) return;
    try {
      void this.#receiver.received(datagram, from, this);
    } catch (error) {
      reportFault(error);
    }
  }
}
