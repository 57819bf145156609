/**
 * Bound ports of Deno: datagrams of clients come in here, and their answers leave.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { netError } from "./deno_errors.ts";
import { DATAGRAM, type DatagramParts, rest, type Sender } from "./deno_sends.ts";
import { reportFault } from "./faults.ts";
import { type ReceiveBuffer, ReceiveBuffers } from "./receive_buffers.ts";
import type { DatagramListener, DatagramReceiver, Peer, ReplySocket, Sending } from "./runtime.ts";
import { type Bound, type Opened, openPort } from "./wildcard.ts";

/**
 * Opens a port; see {@linkcode openPort}.
 * @throws {NetError}
 */
export function bindDatagrams(
  at: SocketAddress,
  receiver: DatagramReceiver,
  parts: DatagramParts,
): DatagramListener {
  return new DenoDatagramListener(
    at.address,
    openPort(at, { open, addresses: localAddresses })
      .map((each) => new DenoReplySocket(each, receiver, parts)),
  );
}

interface DenoSocket extends Bound {
  readonly conn: Deno.DatagramConn;
}

function open({ address, port }: SocketAddress, reuseAddress: boolean): DenoSocket {
  const options = { transport: "udp", hostname: address, port, reuseAddress } as const;
  try {
    const conn = Deno.listenDatagram(options);
    return { conn, port: (conn.addr as Deno.NetAddr).port, close: () => conn.close() };
  } catch (error) {
    throw netError(error);
  }
}

function localAddresses(): string[] {
  return Deno.networkInterfaces().map(({ address }) => address);
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

/**
 * What a datagram counts that is not sent on at once. It is not of a known flow, and to understand it takes up to 80 µs:
 * a flood of such leaves everybody else a turn every few milliseconds.
 */
const UNKNOWN = 16 * DATAGRAM;

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

  constructor(
    { socket, address }: Opened<DenoSocket>,
    receiver: DatagramReceiver,
    parts: DatagramParts,
  ) {
    this.local = { address, port: socket.port };
    this.conn = socket.conn;
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
        const { hostname, port } = from as Deno.NetAddr;
        // Deno's own object takes more memory, and this one may be kept.
        const sending = this.#deliver(datagram, { hostname, port });
        if (sending === undefined) buffer.free();
        else sending.then(buffer.free);
        const { length } = datagram;
        const cost = sending === undefined ? UNKNOWN : DATAGRAM;
        if (share.isUsedUpBy(length, cost)) await share.turn(length);
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
