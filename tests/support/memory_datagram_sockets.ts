import { formatAddress, type SocketAddress } from "../../lib/addr.ts";
import {
  type DatagramListener,
  type DatagramReceiver,
  NetError,
  type Peer,
  type ReplyReceiver,
  type ReplySocket,
  type Sending,
  type UpstreamSocket,
} from "../../lib/runtime/runtime.ts";
import type { Endpoint, MemoryDatagrams } from "./memory_datagrams.ts";

/** Sends of an associated socket and of a bound port that may be under way, and datagrams of a port in use at once. */
const MOST_SENDS = 64;
const MOST_REPLIES = 4096;
const MOST_HELD = 1024;
/** What the bytes of a datagram become when their receiver said that it is done with them. */
const GARBAGE = 0xa5;

/** Sends of one socket. */
class Sends {
  #underWay = 0;

  /** @param fullWith What names the socket in {@linkcode MemoryDatagrams.full}. */
  constructor(
    private readonly net: MemoryDatagrams,
    private readonly most: number,
    private readonly fullWith: SocketAddress,
  ) {}

  get isFull(): boolean {
    return this.#underWay >= this.most || this.net.full.has(formatAddress(this.fullWith));
  }

  send(bytes: Uint8Array, from: SocketAddress, to: SocketAddress, onRefused = () => {}): Sending {
    this.#underWay++;
    return new Promise((resolve) => {
      const onTaken = () => {
        this.#underWay--;
        resolve();
      };
      this.net.post({ bytes, from, to, onTaken, onRefused });
    });
  }
}

/** Datagrams on their way to a receiver, of which only so many may be in its hands at once. */
class Inbox {
  readonly #waiting: Array<{ bytes: Uint8Array; receive: () => Sending }> = [];
  #held = 0;
  isClosed = false;

  constructor(private readonly mostHeld: number) {}

  take(bytes: Uint8Array, receive: () => Sending): void {
    this.#waiting.push({ bytes, receive });
    this.#next();
  }

  #next(): void {
    while (this.#held < this.mostHeld && !this.isClosed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const sending = next.receive();
      if (sending === undefined) {
        next.bytes.fill(GARBAGE);
        continue;
      }
      this.#held++;
      sending.then(() => {
        next.bytes.fill(GARBAGE);
        this.#held--;
        this.#next();
      });
    }
  }
}

export class MemoryBound implements DatagramListener, Endpoint {
  readonly #inbox = new Inbox(MOST_HELD);
  readonly #sockets = new Map<string, MemoryReplySocket>();

  constructor(
    private readonly net: MemoryDatagrams,
    readonly address: SocketAddress,
    private readonly receiver: DatagramReceiver,
  ) {}

  get isClosed(): boolean {
    return this.#inbox.isClosed;
  }

  arrived(datagram: Uint8Array, from: SocketAddress, to: SocketAddress): void {
    let at = this.#sockets.get(to.address);
    if (at === undefined) {
      this.#sockets.set(to.address, at = new MemoryReplySocket(this.net, this, to));
    }
    const peer: Peer = { hostname: from.address, port: from.port };
    const socket = at;
    this.#inbox.take(datagram, () => this.receiver.received(datagram, peer, socket));
  }

  close(): Promise<void> {
    if (!this.isClosed) this.net.leave(this.address);
    this.#inbox.isClosed = true;
    return Promise.resolve();
  }
}

class MemoryReplySocket implements ReplySocket {
  readonly #sends: Sends;

  constructor(
    net: MemoryDatagrams,
    private readonly bound: MemoryBound,
    readonly local: SocketAddress,
  ) {
    this.#sends = new Sends(net, MOST_REPLIES, local);
  }

  get isFull(): boolean {
    return this.#sends.isFull;
  }

  send(datagram: Uint8Array, { hostname, port }: Peer): Sending {
    if (this.bound.isClosed) return undefined;
    return this.#sends.send(datagram, this.local, { address: hostname, port });
  }
}

export class MemoryUpstream implements UpstreamSocket, Endpoint {
  readonly #sends: Sends;
  readonly #inbox = new Inbox(1);

  constructor(
    private readonly net: MemoryDatagrams,
    private readonly local: SocketAddress,
    private readonly to: SocketAddress,
    private readonly receiver: ReplyReceiver,
  ) {
    this.#sends = new Sends(net, MOST_SENDS, to);
  }

  get isFull(): boolean {
    return this.#sends.isFull;
  }

  send(datagram: Uint8Array): Sending {
    if (this.#inbox.isClosed) return undefined;
    return this.#sends.send(datagram, this.local, this.to, () => {
      if (this.#inbox.isClosed) return;
      this.receiver.failed(new NetError("refused", "Connection refused"));
    });
  }

  arrived(datagram: Uint8Array, from: SocketAddress): void {
    if (formatAddress(from) !== formatAddress(this.to)) return;
    this.#inbox.take(datagram, () => this.receiver.received(datagram));
  }

  close(): void {
    if (this.#inbox.isClosed) return;
    this.#inbox.isClosed = true;
    this.net.leave(this.local);
    this.net.open--;
  }
}
