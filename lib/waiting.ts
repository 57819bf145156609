/**
 * Datagrams that wait until it is decided where they go: how many there may be.
 *
 * @module
 */
import { PeerMap } from "./flow_table.ts";
import { type Linked, Ring } from "./ring.ts";
import type { Peer, ReplySocket } from "./runtime/runtime.ts";
import type { Timeout } from "./timeouts.ts";
import type { Origin, UdpListener } from "./udp_parts.ts";

/** What may wait of one client socket, of one client, and in all. */
const MOST = {
  socket: { datagrams: 8, bytes: 16 * 1024 },
  client: { datagrams: 64, bytes: 128 * 1024 },
  total: { datagrams: 4096, bytes: 4 * 1024 * 1024 },
};

/** What waits of somebody. */
class Load {
  datagrams = 0;
  bytes = 0;

  /** Whether this much more can wait. */
  takes(length: number, most: { readonly datagrams: number; readonly bytes: number }): boolean {
    return this.datagrams < most.datagrams && this.bytes + length <= most.bytes;
  }
}

/** A client socket that has no flow yet. */
export class Newcomer implements Linked<Newcomer> {
  before: Newcomer = this;
  after: Newcomer = this;
  /** What it sent, in order. */
  readonly datagrams: Uint8Array[] = [];
  readonly load = new Load();
  /** When it is decided on with what there is. */
  deadline: Timeout | undefined;
  /** Whether it only waits for the backends' addresses. */
  isDecided = false;

  /** @param entrance Where it came in: a reload may change what holds there while it waits. */
  constructor(readonly origin: Origin, readonly entrance: Entrance) {}

  get peer(): Peer {
    return this.origin.peer;
  }
}

/** Where datagrams come in. */
export interface Entrance {
  readonly serves: UdpListener | undefined;
}

/** Everybody who waits, within bounds. */
export class Waiting {
  readonly #newcomers = new PeerMap<Newcomer>();
  readonly #byClient = new Map<string, Load>();
  readonly #total = new Load();
  readonly #row = new Ring<Newcomer>();

  has(newcomer: Newcomer): boolean {
    return this.get(newcomer.origin.at, newcomer.origin.peer) === newcomer;
  }

  get(at: ReplySocket, peer: Peer): Newcomer | undefined {
    return this.#newcomers.get(at, peer);
  }

  /** Those at one socket. */
  at(socket: ReplySocket): Iterable<Newcomer> {
    return this.#newcomers.valuesAt(socket);
  }

  /** Who has waited for longest. */
  get oldest(): Newcomer | undefined {
    return this.#row.first;
  }

  /** Whether a datagram of this length can wait beside all others. */
  hasRoom(length: number): boolean {
    return this.#total.takes(length, MOST.total);
  }

  /** Keeps a datagram, which is the newcomer's from now on; says whether its own bounds and its client's allow it. */
  add(newcomer: Newcomer, datagram: Uint8Array): boolean {
    const { load, origin: { at, clientKey } } = newcomer;
    const client = this.#byClient.get(clientKey) ?? new Load();
    const fits = load.takes(datagram.length, MOST.socket) &&
      client.takes(datagram.length, MOST.client);
    if (!fits) return false;
    if (newcomer.datagrams.length === 0) {
      this.#newcomers.add(at, newcomer);
      this.#row.append(newcomer);
    }
    newcomer.datagrams.push(datagram);
    this.#byClient.set(clientKey, client);
    for (const each of [load, client, this.#total]) {
      each.datagrams++;
      each.bytes += datagram.length;
    }
    return true;
  }

  /** Lets a newcomer go, if it waits. */
  remove(newcomer: Newcomer): void {
    const { load, origin: { at, peer, clientKey } } = newcomer;
    newcomer.deadline?.cancel();
    if (!this.has(newcomer)) return;
    this.#newcomers.delete(at, peer);
    this.#row.remove(newcomer);
    const client = this.#byClient.get(clientKey)!;
    for (const each of [client, this.#total]) {
      each.datagrams -= load.datagrams;
      each.bytes -= load.bytes;
    }
    if (client.datagrams === 0) this.#byClient.delete(clientKey);
  }
}
