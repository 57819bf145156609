/**
 * Bound ports of Deno: datagrams of clients come in here, and their answers leave.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { netError } from "./deno_errors.ts";
import { DATAGRAM, type DatagramParts, reportFault, rest, type Sender } from "./deno_sends.ts";
import { type ReceiveBuffer, ReceiveBuffers } from "./receive_buffers.ts";
import {
  type DatagramListener,
  type DatagramReceiver,
  NetError,
  type Peer,
  type ReplySocket,
  type Sending,
} from "./runtime.ts";

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

/** Most replies of one socket that may be under way. There is one at a time of each flow. */
const MOST_REPLIES = 4096;

class DenoReplySocket implements ReplySocket, Sender {
  readonly local: SocketAddress;
  readonly conn: Deno.DatagramConn;
  readonly #receiver: DatagramReceiver;
  readonly #parts: DatagramParts;
  readonly #buffers: ReceiveBuffers;
  /** The receive that is under way: it holds the socket until it has ended, as the sends do. */
  #receiving: Promise<unknown> = Promise.resolve();
  #sending = 0;
  #onAllSent: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor({ conn, address }: Opened, receiver: DatagramReceiver, parts: DatagramParts) {
    this.local = { address, port: portOf(conn) };
    this.conn = conn;
    this.#receiver = receiver;
    this.#parts = parts;
    this.#buffers = new ReceiveBuffers(parts.slabs);
    void this.#receive();
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined;
  }

  get isFull(): boolean {
    return this.#sending >= MOST_REPLIES;
  }

  send(datagram: Uint8Array, to: Peer): Sending {
    if (this.#isClosed) return undefined;
    this.#sending++;
    return this.#parts.sends.send(this, datagram, to);
  }

  onSent(): void {
    this.#sending--;
    if (this.#sending === 0) this.#onAllSent?.();
  }

  /** That a client cannot be reached is nobody's business: it may be gone, or never have been there. */
  onNotSent(): void {
    this.onSent();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.conn.close();
    await this.#receiving.catch(() => {});
    if (this.#sending > 0) await new Promise<void>((resolve) => this.#onAllSent = resolve);
  }

  async #receive(): Promise<void> {
    const { share, clock } = this.#parts;
    while (!this.#isClosed) {
      let buffer: ReceiveBuffer | undefined;
      try {
        buffer = this.#buffers.take() ?? await this.#buffers.next();
        const receiving = this.conn.receive(buffer.bytes);
        this.#receiving = receiving;
        const [datagram, from] = await receiving;
        const sending = this.#deliver(datagram, from as Deno.NetAddr);
        if (sending === undefined) buffer.free();
        else sending.then(buffer.free);
        const { length } = datagram;
        if (share.isUsedUpBy(length, DATAGRAM)) await share.turn(length);
      } catch {
        buffer?.free();
        // The error of a datagram that was sent, as systems other than Linux show them, or of the moment.
        if (!this.#isClosed) await rest(clock);
      }
    }
    this.#buffers.close();
  }

  #deliver(datagram: Uint8Array, from: Peer): Sending {
    if (this.#isClosed) return undefined;
    try {
      return this.#receiver.received(datagram, from, this);
    } catch (error) {
      reportFault(error);
      return undefined;
    }
  }
}
