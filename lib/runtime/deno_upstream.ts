/**
 * Sockets of Deno with one other end.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { netError } from "./deno_errors.ts";
import { DATAGRAM, type DatagramParts, rest, type Sender } from "./deno_sends.ts";
import { reportFault } from "./faults.ts";
import {
  NetError,
  type Peer,
  type ReplyReceiver,
  type Sending,
  type UpstreamSocket,
} from "./runtime.ts";
import type { Slabs } from "./slabs.ts";

/**
 * Most sends of one socket that may be under way: each holds a buffer of the port that it came to, of which there are
 * `MOST_HELD`, so that many of these sockets have to be stuck before those are used up. The first sends of a
 * socket all wait until the system has said that it may be written to, so a client's first burst has to fit.
 */
const MOST_SENDS = 64;

const DONE = Promise.resolve();
const NOTHING = new Uint8Array(0);

/**
 * Deno has no connected sockets for datagrams: so this one takes what comes to its port and drops what is not from the
 * other end, and is told nothing of a port there that nobody listens on.
 */
export class DenoUpstreamSocket implements UpstreamSocket, Sender {
  readonly conn: Deno.DatagramConn;
  readonly #to: Peer;
  readonly #receiver: ReplyReceiver;
  readonly #parts: DatagramParts;
  #buffer: Uint8Array<ArrayBuffer>;
  #sending = 0;
  /** The last send, if one is under way. */
  #last = DONE;
  #closed = false;

  /** @throws {NetError} */
  constructor({ address, port }: SocketAddress, receiver: ReplyReceiver, parts: DatagramParts) {
    this.#buffer = takeFrom(parts.slabs);
    try {
      this.conn = open(sourceFor(address));
    } catch (error) {
      parts.slabs.free(this.#buffer);
      throw error;
    }
    this.#to = { hostname: address, port };
    this.#receiver = receiver;
    this.#parts = parts;
    this.#receive();
  }

  get isFull(): boolean {
    return this.#sending >= MOST_SENDS;
  }

  /** One after the other: of several that wait at once Deno sends the last one first. */
  send(datagram: Uint8Array): Sending {
    if (this.#closed) return undefined;
    this.#sending++;
    this.#last = this.#sending === 1
      ? this.#start(datagram)
      : this.#last.then(() => this.#start(datagram));
    return this.#last;
  }

  #start(datagram: Uint8Array): Promise<void> {
    return this.#parts.sends.send(this, datagram, this.#to);
  }

  onSent(): void {
    // Or else each send would be held until the next.
    if (--this.#sending === 0) this.#last = DONE;
  }

  onNotSent(error: unknown): void {
    this.onSent();
    this.#fail(error);
  }

  close(): void {
    if (!this.#closed) this.conn.close();
    this.#closed = true;
  }

  // Callbacks and not a loop, whose state would be the largest part of a socket: there are as many as flows.

  readonly #receive = (): void => {
    if (this.#closed) return this.#freeBuffer();
    this.conn.receive(this.#buffer).then(this.#onReceived, this.#onNotReceived);
  };

  readonly #onReceived = ([datagram, from]: [Uint8Array, Deno.Addr]): void => {
    const { share } = this.#parts;
    const { length } = datagram;
    const sending = this.#isFromThere(from as Deno.NetAddr) ? this.#deliver(datagram) : undefined;
    if (share.isUsedUpBy(length, DATAGRAM)) {
      share.turn(length).then(() => sending).then(this.#receive);
    } else if (sending === undefined) this.#receive();
    else sending.then(this.#receive);
  };

  readonly #onNotReceived = (error: unknown): void => {
    this.#fail(error);
    if (this.#closed) this.#receive();
    else rest(this.#parts.clock).then(this.#receive);
  };

  /** Whoever still holds this socket holds no slab. */
  #freeBuffer(): void {
    this.#parts.slabs.free(this.#buffer);
    this.#buffer = NOTHING;
  }

  /** Deno writes addresses as `formatIp` does. */
  #isFromThere({ hostname, port }: Peer): boolean {
    return port === this.#to.port && hostname === this.#to.hostname;
  }

  #deliver(datagram: Uint8Array): Sending {
    if (this.#closed) return undefined;
    try {
      return this.#receiver.received(datagram);
    } catch (fault) {
      reportFault(fault);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    try {
      this.#receiver.failed(netError(error));
    } catch (fault) {
      reportFault(fault);
    }
  }
}

function takeFrom(slabs: Slabs): Uint8Array<ArrayBuffer> {
  try {
    return slabs.take();
  } catch (error) {
    throw new NetError("exhausted", "no memory is free", { cause: error });
  }
}

/** All addresses of the family; this machine's own for what is on it, so that nobody else can reach the socket. */
function sourceFor(address: string): string {
  if (address === "::1") return "::1";
  if (address.includes(":")) return "::";
  return address.startsWith("127.") ? "127.0.0.1" : "0.0.0.0";
}

/** A socket on a port that the system chooses. */
function open(hostname: string): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  } catch (error) {
    const failure = netError(error);
    if (failure.code !== "in_use") throw failure;
    throw new NetError("exhausted", "no port is free", { cause: error });
  }
}
