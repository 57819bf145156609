/**
 * Bound ports of Deno: datagrams of clients come in here, and their answers leave.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { netError } from "./deno_errors.ts";
import { type DatagramParts, reportFault, rest, Sends } from "./deno_sends.ts";
import {
  type DatagramListener,
  type DatagramReceiver,
  NetError,
  type Peer,
  type ReplySocket,
  type Sending,
} from "./runtime.ts";
import { LARGEST_DATAGRAM } from "./slabs.ts";

/** How often another port is tried when the system chose one that somebody took before it was bound everywhere. */
const PORTS_TRIED = 8;

/**
 * Opens a port. Deno does not show which address a datagram was sent to, so all addresses (`0.0.0.0`, `::`) are a socket
 * for each address that the machine has now, and answers leave from there, and one for the rest: addresses that come
 * later, link-local ones, broadcasts. From that one the system chooses the address of the answer.
 * @throws {NetError}
 */
export function bindDatagrams(
  at: SocketAddress,
  receiver: DatagramReceiver,
  parts: DatagramParts,
): DatagramListener {
  const opened = isWildcard(at.address) ? openAll(at) : [open(at)];
  return new DenoDatagramListener(
    at.address,
    opened.map((each) => new DenoReplySocket(each, receiver, parts)),
  );
}

interface Opened {
  readonly conn: Deno.DatagramConn;
  readonly address: string;
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function open({ address, port }: SocketAddress, reuseAddress = false): Opened {
  const options = { transport: "udp", hostname: address, port, reuseAddress } as const;
  try {
    return { address, conn: Deno.listenDatagram(options) };
  } catch (error) {
    throw netError(error);
  }
}

function openAll(at: SocketAddress): Opened[] {
  for (let tried = 1;; tried++) {
    // Sockets of one port may stand beside each other only if they all reuse it, and such would also stand beside
    // another program's: so first see that it is free.
    const first = open(at).conn;
    const port = portOf(first);
    first.close();
    try {
      return openEach(localAddresses(at.address), port);
    } catch (error) {
      const isTaken = error instanceof NetError && error.code === "in_use";
      if (!isTaken || at.port !== 0 || tried === PORTS_TRIED) throw error;
    }
  }
}

function openEach(addresses: readonly string[], port: number): Opened[] {
  const opened: Opened[] = [];
  for (const address of addresses) {
    try {
      opened.push(open({ address, port }, true));
    } catch (error) {
      // It is gone meanwhile, or not ready yet.
      if (error instanceof NetError && error.code === "unavailable" && !isWildcard(address)) {
        continue;
      }
      for (const { conn } of opened) conn.close();
      throw error;
    }
  }
  return opened;
}

function portOf(conn: Deno.DatagramConn): number {
  return (conn.addr as Deno.NetAddr).port;
}

/** The addresses behind a wildcard, itself the last. `::` takes IPv4 too. Link-local ones cannot do without their zone. */
function localAddresses(wildcard: string): string[] {
  const own = Deno.networkInterfaces()
    .filter(({ family }) => family === "IPv4" || wildcard === "::")
    .map(({ address }) => address)
    .filter((address) => !/^fe[89ab]/.test(address));
  return [...new Set(own), wildcard];
}

class DenoDatagramListener implements DatagramListener {
  readonly address: SocketAddress;
  readonly #sockets: readonly DenoReplySocket[];

  constructor(address: string, sockets: readonly DenoReplySocket[]) {
    this.address = { address, port: sockets[0]?.local.port ?? 0 };
    this.#sockets = sockets;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }
}

/** Datagrams of one socket whose bytes may be in use at once; then it receives no more until one is done with. */
const MOST_HELD = 64;

class DenoReplySocket implements ReplySocket {
  readonly local: SocketAddress;
  readonly #conn: Deno.DatagramConn;
  readonly #receiver: DatagramReceiver;
  readonly #sends: Sends;
  readonly #buffers = new Buffers();
  /** The receive that is under way: it holds the socket until it has ended. */
  #receiving: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor({ conn, address }: Opened, receiver: DatagramReceiver, parts: DatagramParts) {
    this.#conn = conn;
    this.local = { address, port: portOf(conn) };
    this.#receiver = receiver;
    // That a client cannot be reached is nobody's business but its own.
    this.#sends = new Sends(conn, () => {});
    void this.#receive(parts);
  }

  get isFull(): boolean {
    return this.#sends.isFull;
  }

  send(datagram: Uint8Array, to: Peer): Sending {
    return this.#closed ? undefined : this.#sends.send(datagram, to);
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#conn.close();
    this.#closed = true;
    await this.#receiving.catch(() => {});
    await this.#sends.done();
  }

  async #receive({ share, clock }: DatagramParts): Promise<void> {
    while (!this.#closed) {
      const buffer = this.#buffers.take() ?? await this.#buffers.next();
      try {
        const receiving = this.#conn.receive(buffer.bytes);
        this.#receiving = receiving;
        const [datagram, from] = await receiving;
        const sending = this.#closed ? undefined : this.#deliver(datagram, from as Deno.NetAddr);
        if (sending === undefined) buffer.free();
        else sending.then(buffer.free, buffer.free);
        if (share.isUsedUpBy(datagram.length)) await share.turn(datagram.length);
      } catch {
        buffer.free();
        // Of some other datagram, as systems but Linux tell of them, or of the moment.
        if (!this.#closed) await rest(clock);
      }
    }
  }

  #deliver(datagram: Uint8Array, from: Peer): Sending {
    try {
      return this.#receiver.received(datagram, from, this);
    } catch (error) {
      reportFault(error);
      return undefined;
    }
  }
}

/** A buffer that one datagram after the other comes into. */
interface Buffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly free: () => void;
}

/** The buffers of one socket. The one that was used last is used next: it is in the processor's cache. */
class Buffers {
  readonly #free: Buffer[] = [];
  #count = 0;
  #onFree: ((buffer: Buffer) => void) | undefined;

  /** A buffer, if one may be had at once. */
  take(): Buffer | undefined {
    return this.#free.pop() ?? (this.#count < MOST_HELD ? this.#add() : undefined);
  }

  /** The next one that is freed, when there is none. */
  next(): Promise<Buffer> {
    return new Promise((resolve) => this.#onFree = resolve);
  }

  #add(): Buffer {
    this.#count++;
    const buffer: Buffer = {
      bytes: new Uint8Array(LARGEST_DATAGRAM),
      free: () => {
        const onFree = this.#onFree;
        this.#onFree = undefined;
        if (onFree === undefined) this.#free.push(buffer);
        else onFree(buffer);
      },
    };
    return buffer;
  }
}
