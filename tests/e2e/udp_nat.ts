/**
 * A router between a client and sluice that gives the client a new port whenever it likes to (RFC 4787 §4.3).
 *
 * @module
 */
import type { Scope } from "../support/children.ts";
import { UdpSocket } from "./udp_socket.ts";

/** A router for one client, on 127.0.0.1. */
export class Nat {
  readonly #scope: Scope;
  readonly #inside: UdpSocket;
  readonly #target: number;
  readonly #rebindAt: number[];
  #outside: UdpSocket;
  #client = 0;
  #carried = 0;
  #rebindings = 0;

  /**
   * @param target Where the client's datagrams go.
   * @param rebindAt The client gets a new port each time that so many bytes have come back to it in total.
   */
  constructor(scope: Scope, target: number, rebindAt: readonly number[] = []) {
    this.#scope = scope;
    this.#target = target;
    this.#rebindAt = [...rebindAt];
    this.#outside = this.#bind();
    this.#inside = new UdpSocket(scope, (datagram, from) => {
      this.#client = from;
      this.#outside.send(datagram, target);
    });
  }

  /** The port for the client. */
  get port(): number {
    return this.#inside.port;
  }

  /** How often the client has got a new port. */
  get rebindings(): number {
    return this.#rebindings;
  }

  /** The client's present address as sluice sees it. */
  get address(): string {
    return this.#outside.address;
  }

  /** From now on the client comes from a new port; what is sent to the old one is lost. */
  rebind(): void {
    this.#rebindings++;
    this.#outside.close();
    this.#outside = this.#bind();
  }

  #bind(): UdpSocket {
    return new UdpSocket(this.#scope, (datagram, from) => {
      // Others may not send through the router (RFC 4787 §5).
      if (from !== this.#target) return;
      this.#inside.send(datagram, this.#client);
      this.#carried += datagram.length;
      const [next = Infinity] = this.#rebindAt;
      if (this.#carried < next) return;
      this.#rebindAt.shift();
      this.rebind();
    });
  }
}
