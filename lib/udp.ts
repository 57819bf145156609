/**
 * The way of datagrams through sluice. Of a known flow: from the client to its backend, from the backend to the client
 * (`flow.ts`), and that is all: what runs for each of them makes nothing and waits for nothing. Whoever is not known
 * goes to `admission.ts` first.
 *
 * @module
 */
import type { SocketAddress } from "./addr.ts";
import type { Admission } from "./admission.ts";
import type { Port } from "./ports.ts";
import type {
  DatagramListener,
  DatagramReceiver,
  Peer,
  ReplySocket,
  Sending,
} from "./runtime/runtime.ts";
import type { UdpListener, UdpParts } from "./udp_parts.ts";

/** An address that datagrams come to. */
export class UdpPort implements Port<UdpListener>, DatagramReceiver {
  serves: UdpListener | undefined;
  readonly #parts: UdpParts;
  readonly #admission: Admission;
  readonly #socket: DatagramListener;
  /** Where newcomers came to: the addresses behind a wildcard. */
  readonly #sockets = new Set<ReplySocket>();

  /** @throws {NetError} When the address cannot be bound. */
  constructor(at: SocketAddress, parts: UdpParts, admission: Admission) {
    this.#parts = parts;
    this.#admission = admission;
    this.#socket = parts.net.bind(at, this);
  }

  get address(): SocketAddress {
    return this.#socket.address;
  }

  received(datagram: Uint8Array, from: Peer, at: ReplySocket): Sending {
    const flow = this.#parts.flows.get(at, from);
    if (flow !== undefined) return flow.request(datagram);
    this.#sockets.add(at);
    this.#admission.take(datagram, from, at, this);
    return undefined;
  }

  /** Ends its flows too, and lets go of who waits: without the port nobody could answer them. */
  close(): Promise<void> {
    for (const socket of this.#sockets) {
      this.#admission.abandon(socket);
      for (const flow of [...this.#parts.flows.at(socket)]) flow.end("drained");
    }
    return this.#socket.close();
  }
}
