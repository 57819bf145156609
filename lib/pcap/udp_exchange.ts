/**
 * What the client of a captured UDP flow sent.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import type { Datagram } from "./packet.ts";

/** The client's side of a captured UDP flow. */
export interface UdpFlow {
  readonly transport: "udp";
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  /** What the client sent first, in order, up to the first datagram that was not captured whole; views of the file. */
  readonly datagrams: readonly Uint8Array[];
}

/** Most datagrams kept of a flow: four times what a listener waits for. */
export const MAX_FLOW_DATAGRAMS = 32;

/** What a client sends, while the capture is read. Whoever sends first is the client. */
export class UdpExchange {
  readonly client: SocketAddress;
  readonly server: SocketAddress;
  readonly #datagrams: Uint8Array[] = [];
  #isComplete = false;

  /** @param first The first datagram captured. */
  constructor({ source, destination }: Datagram) {
    this.client = source;
    this.server = destination;
  }

  /** Takes in a datagram of the client. */
  add({ payload, isWhole }: Datagram): void {
    this.#isComplete ||= !isWhole || this.#datagrams.length === MAX_FLOW_DATAGRAMS;
    if (!this.#isComplete) this.#datagrams.push(payload);
  }

  flow(): UdpFlow {
    const { client, server } = this;
    return { transport: "udp", client, server, datagrams: this.#datagrams };
  }
}
