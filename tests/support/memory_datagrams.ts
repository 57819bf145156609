import { formatAddress, type SocketAddress } from "../../lib/addr.ts";
import {
  type DatagramListener,
  type DatagramReceiver,
  NetError,
  type ReplyReceiver,
  type UpstreamSocket,
} from "../../lib/runtime/runtime.ts";
import { MemoryBound, MemoryUpstream } from "./memory_datagram_sockets.ts";

/** Ports of one address that associated sockets are given. */
const PORTS = 20_000;

/** Whoever has an address here. */
export interface Endpoint {
  /** What was sent to `to`, in a copy of its own. */
  arrived(datagram: Uint8Array, from: SocketAddress, to: SocketAddress): void;
}

/** A datagram under way, with what is to become of its bytes and its sender. */
interface Sent {
  readonly bytes: Uint8Array;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  readonly onTaken: () => void;
  readonly onRefused: () => void;
}

/**
 * Datagrams in memory: each arrives a promise later, in the order in which they were sent. It is as hard on its users as
 * the seam allows: bytes are taken from a sender only as they leave, and are garbage once their receiver is done.
 */
export class MemoryDatagrams {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #silent: ReadonlySet<string>;
  #sent: Sent[] = [];
  #isHolding = false;
  #associated = 0;
  #nextPort = 30_000;
  /** Addresses whose sockets say that they are full: the local one of a bound port, the other end of an associated one. */
  readonly full = new Set<string>();
  /** Sockets that were associated and not yet closed. */
  open = 0;

  /** @param silent Addresses that swallow what they are sent. */
  constructor(silent: ReadonlySet<string>) {
    this.#silent = silent;
  }

  bind({ address, port }: SocketAddress, receiver: DatagramReceiver): DatagramListener {
    const at = { address, port: port === 0 ? this.#nextPort++ : port };
    const bound = new MemoryBound(this, at, receiver);
    this.claim(at, bound);
    return bound;
  }

  associate(to: SocketAddress, receiver: ReplyReceiver): UpstreamSocket {
    const n = this.#associated++;
    const host = 1 + Math.floor(n / PORTS);
    const address = to.address.includes(":") ? `fd00::${host.toString(16)}` : `127.0.0.${host}`;
    const at = { address, port: 40_000 + n % PORTS };
    const socket = new MemoryUpstream(this, at, to, receiver);
    this.claim(at, socket);
    this.open++;
    return socket;
  }

  /** Somebody at `at` who is driven by a test: a client, or a backend. */
  peer(at: SocketAddress): MemoryPeer {
    const peer = new MemoryPeer(this, at);
    this.claim(at, peer);
    return peer;
  }

  /** From now on nothing leaves: sends stay under way. */
  hold(): void {
    this.#isHolding = true;
  }

  /** What was held leaves, and what is sent from now on as well. */
  release(): void {
    this.#isHolding = false;
    if (this.#sent.length > 0) queueMicrotask(this.#deliver);
  }

  claim(at: SocketAddress, endpoint: Endpoint): void {
    const key = formatAddress(at);
    if (this.#endpoints.has(key)) throw new NetError("in_use", `${key} is in use`);
    this.#endpoints.set(key, endpoint);
  }

  leave(at: SocketAddress): void {
    this.#endpoints.delete(formatAddress(at));
  }

  post(sent: Sent): void {
    this.#sent.push(sent);
    if (this.#sent.length === 1 && !this.#isHolding) queueMicrotask(this.#deliver);
  }

  readonly #deliver = (): void => {
    const sent = this.#sent;
    this.#sent = [];
    for (const { bytes, from, to, onTaken, onRefused } of sent) {
      const endpoint = this.#at(to);
      if (endpoint !== undefined) endpoint.arrived(bytes.slice(), from, to);
      else if (!this.#silent.has(formatAddress(to))) onRefused();
      onTaken();
    }
  };

  #at(to: SocketAddress): Endpoint | undefined {
    const wildcards = to.address.includes(":") ? ["::"] : ["0.0.0.0", "::"];
    for (const address of [to.address, ...wildcards]) {
      const endpoint = this.#endpoints.get(formatAddress({ address, port: to.port }));
      if (endpoint !== undefined) return endpoint;
    }
    return undefined;
  }
}

/** A client or a backend in the hands of a test. */
export class MemoryPeer implements Endpoint {
  /** All that came so far, and where each came from. */
  readonly received: Uint8Array[] = [];
  readonly sources: SocketAddress[] = [];
  /** How many of its datagrams found nobody. */
  refused = 0;
  /** Called with each datagram as it comes; a backend answers here. */
  onDatagram: ((datagram: Uint8Array, from: SocketAddress) => void) | undefined;
  #taken = 0;
  #onArrived: (() => void) | undefined;

  constructor(private readonly net: MemoryDatagrams, readonly address: SocketAddress) {}

  send(datagram: Uint8Array, to: SocketAddress): void {
    const onRefused = () => void this.refused++;
    this.net.post({
      bytes: datagram.slice(),
      from: this.address,
      to,
      onTaken: () => {},
      onRefused,
    });
  }

  /** Sends to whom it last heard of. */
  reply(datagram: Uint8Array): void {
    const to = this.sources.at(-1);
    if (to === undefined) throw new Error("nobody has sent anything");
    this.send(datagram, to);
  }

  /** The next datagram, in the order of their coming. */
  async next(): Promise<Uint8Array> {
    const at = this.#taken++;
    for (;;) {
      const datagram = this.received[at];
      if (datagram !== undefined) return datagram;
      await new Promise<void>((resolve) => this.#onArrived = resolve);
    }
  }

  arrived(datagram: Uint8Array, from: SocketAddress): void {
    this.received.push(datagram);
    this.sources.push(from);
    this.#onArrived?.();
    this.onDatagram?.(datagram, from);
  }

  close(): void {
    this.net.leave(this.address);
  }
}
