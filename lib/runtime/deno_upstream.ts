/**
 * Sockets of Deno with one other end.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { netError } from "./deno_errors.ts";
import { type DatagramParts, reportFault, rest, Sends } from "./deno_sends.ts";
import { NetError, type ReplyReceiver, type Sending, type UpstreamSocket } from "./runtime.ts";

/**
 * Deno has no connected sockets for datagrams: so this one takes what comes to its port and drops what is not from the
 * other end, and is told nothing of a port there that nobody listens on.
 */
export class DenoUpstreamSocket implements UpstreamSocket {
  readonly #conn: Deno.DatagramConn;
  readonly #to: Deno.NetAddr;
  readonly #receiver: ReplyReceiver;
  readonly #sends: Sends;
  #closed = false;

  /** @throws {NetError} */
  constructor({ address, port }: SocketAddress, receiver: ReplyReceiver, parts: DatagramParts) {
    this.#conn = openTowards(address);
    this.#to = { transport: "udp", hostname: address, port };
    this.#receiver = receiver;
    this.#sends = new Sends(this.#conn, (error) => this.#fail(error));
    void this.#receive(parts);
  }

  get isFull(): boolean {
    return this.#sends.isFull;
  }

  send(datagram: Uint8Array): Sending {
    return this.#closed ? undefined : this.#sends.send(datagram, this.#to);
  }

  close(): void {
    if (!this.#closed) this.#conn.close();
    this.#closed = true;
  }

  async #receive({ share, clock, slabs }: DatagramParts): Promise<void> {
    const buffer = slabs.take();
    while (!this.#closed) {
      try {
        const [datagram, from] = await this.#conn.receive(buffer.bytes);
        if (this.#isFromThere(from as Deno.NetAddr)) await this.#deliver(datagram);
        if (share.isUsedUpBy(datagram.length)) await share.turn(datagram.length);
      } catch (error) {
        if (this.#closed) break;
        this.#fail(error);
        await rest(clock);
      }
    }
    slabs.free(buffer);
  }

  /** Deno writes addresses as `formatIp` does. */
  #isFromThere({ hostname, port }: Deno.NetAddr): boolean {
    return port === this.#to.port && hostname === this.#to.hostname;
  }

  #deliver(datagram: Uint8Array): Sending {
    if (this.#closed) return undefined;
    try {
      return this.#receiver.received(datagram);
    } catch (error) {
      reportFault(error);
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

/** A socket on a port that the system chooses; towards this machine it can be reached from this machine alone. */
function openTowards(address: string): Deno.DatagramConn {
  const isV6 = address.includes(":");
  const isHere = isV6 ? address === "::1" : address.startsWith("127.");
  const hostname = isV6 ? (isHere ? "::1" : "::") : isHere ? "127.0.0.1" : "0.0.0.0";
  try {
    return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  } catch (error) {
    const failure = netError(error);
    if (failure.code !== "in_use") throw failure;
    throw new NetError("exhausted", "no port is free", { cause: error });
  }
}
