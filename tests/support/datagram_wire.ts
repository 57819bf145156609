/**
 * Sockets for datagrams as tests use them: what came is kept, and can be waited for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { type SocketAddress, unmapped } from "../../lib/addr.ts";
import {
  type DatagramListener,
  type Net,
  NetError,
  type Peer,
  type ReplySocket,
  type Sending,
  type UpstreamSocket,
} from "../../lib/runtime/runtime.ts";

const LOCALHOST = "127.0.0.1";

export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A datagram that came to a bound port, its bytes in a copy. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly from: Peer;
  readonly at: ReplySocket;
}

/** A Net and the sockets that a test made with it. */
export class Wire {
  readonly #opened: Array<{ close(): void | Promise<void> }> = [];

  constructor(readonly net: Net) {}

  /** @param answer What is done with each datagram, which is recorded in any case. */
  bind(address = LOCALHOST, answer?: (arrival: Arrival) => Sending, port = 0): BoundPort {
    return this.own(new BoundPort(this.net, { address, port }, answer));
  }

  associate(to: SocketAddress): Associated {
    return this.own(new Associated(this.net, to));
  }

  own<T extends { close(): void | Promise<void> }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async close(): Promise<void> {
    for (const each of this.#opened) await each.close();
    // The receive that was under way ends after its socket.
    await setImmediate();
  }
}

/** What came, one after the other. */
class Queue<T> {
  readonly all: T[] = [];
  #taken = 0;
  #onAdded: (() => void) | undefined;

  add(item: T): void {
    this.all.push(item);
    this.#onAdded?.();
  }

  async next(): Promise<T> {
    while (this.all.length <= this.#taken) {
      await new Promise<void>((resolve) => this.#onAdded = resolve);
    }
    return this.all[this.#taken++]!;
  }
}

export class BoundPort {
  readonly #queue = new Queue<Arrival>();
  readonly #listener: DatagramListener;

  constructor(
    net: Net,
    at: SocketAddress,
    answer: (arrival: Arrival) => Sending = () => undefined,
  ) {
    this.#listener = net.bind(at, {
      received: (datagram, { hostname, port }, at) => {
        const from = { hostname: unmapped(hostname), port };
        this.#queue.add({ bytes: datagram.slice(), from, at });
        return answer({ bytes: datagram, from, at });
      },
    });
  }

  get address(): SocketAddress {
    return this.#listener.address;
  }

  /** All that came so far. */
  get arrivals(): readonly Arrival[] {
    return this.#queue.all;
  }

  next(): Promise<Arrival> {
    return this.#queue.next();
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

export class Associated {
  readonly #queue = new Queue<Uint8Array>();
  readonly socket: UpstreamSocket;
  readonly failures: NetError[] = [];

  constructor(net: Net, to: SocketAddress) {
    this.socket = net.associate(to, {
      received: (datagram) => void this.#queue.add(datagram.slice()),
      failed: (error) => this.failures.push(error),
    });
  }

  get replies(): readonly Uint8Array[] {
    return this.#queue.all;
  }

  send(text: string): void {
    this.socket.send(bytesOf(text));
  }

  next(): Promise<Uint8Array> {
    return this.#queue.next();
  }

  async nextText(): Promise<string> {
    return textOf(await this.next());
  }

  close(): void {
    this.socket.close();
  }
}

/** Tells whether an error is a NetError with this code, for assert.throws. */
export function code(expected: string) {
  return (error: unknown) => {
    assert.ok(error instanceof NetError, String(error));
    assert.equal(error.code, expected);
    return true;
  };
}
