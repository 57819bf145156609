/**
 * A port of an endpoint of udp, and its visitors: each address that sends is one.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import type {
  DatagramListener,
  DatagramReceiver,
  Peer,
  ReplySocket,
  Sending,
} from "../../runtime/runtime.ts";
import type { Endpoint } from "./endpoints.ts";
import type { PortParts, Server } from "./parts.ts";
import { UdpVisit } from "./udp_visit.ts";

/** Owns the socket. */
export class UdpPort implements DatagramReceiver {
  readonly #endpoint: Endpoint<Server>;
  readonly #parts: PortParts;
  readonly #socket: DatagramListener;
  /** By the address that they came to, and their own. */
  readonly #visits = new Map<ReplySocket, Map<string, UdpVisit>>();

  /** @throws {NetError} When the address cannot be bound. */
  constructor(at: SocketAddress, endpoint: Endpoint<Server>, parts: PortParts) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#socket = parts.net.bind(at, this);
  }

  received(datagram: Uint8Array, from: Peer, at: ReplySocket): Sending {
    const key = `${from.hostname} ${from.port}`;
    let visits = this.#visits.get(at);
    if (visits === undefined) this.#visits.set(at, visits = new Map());
    let visit = visits.get(key);
    if (visit === undefined) {
      if (!this.#parts.hasRoom("udp")) return undefined;
      visit = new UdpVisit(from, at, this.#endpoint, this.#parts);
      visits.set(key, visit);
      void visit.over.then(() => visits.delete(key));
    }
    visit.received(datagram);
    return undefined;
  }

  /** Ends its visits too: nobody could answer them. */
  close(): Promise<void> {
    for (const visits of this.#visits.values()) {
      for (const visit of visits.values()) visit.close("drained");
    }
    return this.#socket.close();
  }
}
