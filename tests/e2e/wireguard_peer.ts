/**
 * Two WireGuard peers without timers: a server that answers every packet in its own name, and a client.
 *
 * @module
 */
import assert from "node:assert/strict";
import { within } from "../support/child.ts";
import { concat } from "../support/bytes.ts";
import type { Scope } from "../support/children.ts";
import {
  complete,
  FIRST_INDEX_AT,
  initiate,
  type KeyPair,
  newKeyPair,
  respond,
  type Session,
  u32At,
} from "../support/wireguard.ts";
import { UdpSocket } from "./udp_socket.ts";

/** How long an answer may take, ms. */
const PATIENCE = 20_000;

/** A peer that others call. Servers of a pool share a key, as machines behind one name would, but no session. */
export class WireguardServer {
  /** Datagrams that no session of this server could read. */
  strangers = 0;
  /** Handshakes that it has answered. */
  handshakes = 0;
  readonly #name: string;
  readonly #keys: KeyPair;
  readonly #sessions = new Map<number, Session>();
  readonly #socket: UdpSocket;

  constructor(scope: Scope, name: string, keys: KeyPair) {
    this.#name = name;
    this.#keys = keys;
    this.#socket = new UdpSocket(scope, (datagram, from) => {
      const answer = datagram[0] === 1 ? this.#greet(datagram) : this.#answer(datagram);
      // It answers where an authentic datagram came from, and so follows its peer (§2.1).
      if (answer === undefined) this.strangers++;
      else this.#socket.send(answer, from);
    });
  }

  get port(): number {
    return this.#socket.port;
  }

  #greet(initiation: Uint8Array): Uint8Array | undefined {
    const index = newIndex();
    const response = respond(this.#keys, initiation, index);
    if (response === undefined) return undefined;
    this.handshakes++;
    this.#sessions.set(index, response.session);
    return response.message;
  }

  #answer(datagram: Uint8Array): Uint8Array | undefined {
    const session = this.#sessions.get(u32At(datagram, FIRST_INDEX_AT));
    const packet = session?.open(datagram);
    if (session === undefined || packet === undefined) return undefined;
    return session.seal(concat(this.#name, " ", packet));
  }
}

/** A peer that calls. */
export class WireguardClient {
  readonly #keys = newKeyPair();
  readonly #server: Uint8Array;
  readonly #scope: Scope;
  readonly #port: number;
  #socket: UdpSocket;
  #session: Session | undefined;
  #arrived: (datagram: Uint8Array) => void = () => {};

  /** @param server The server's public key, and where to find it. */
  constructor(scope: Scope, server: Uint8Array, port: number) {
    this.#scope = scope;
    this.#server = server;
    this.#port = port;
    this.#socket = this.#bind();
  }

  /** Its own address, as in the access log. */
  get address(): string {
    return this.#socket.address;
  }

  /** Makes a session, from the address that it has. */
  async shakeHands(): Promise<void> {
    const initiation = initiate(this.#keys, this.#server, newIndex());
    this.#session = complete(initiation, await this.#exchange(initiation.message));
    assert.ok(this.#session, "the response is not one to the initiation");
  }

  /** Sends `text` in a packet and returns the text of the packet that comes back. */
  async ask(text: string): Promise<string> {
    const packet = this.#session?.open(await this.#exchange(this.#sealed(text)));
    assert.ok(packet, "the answer is not of the session");
    // Packets are padded with zeros (§5.4.6).
    return new TextDecoder().decode(packet).replaceAll("\0", "");
  }

  /** Sends `text` in a packet and waits for nothing. */
  tell(text: string): void {
    this.#socket.send(this.#sealed(text), this.#port);
  }

  /** Comes from a new port from now on; what is sent to the old one is lost. */
  move(): void {
    this.#socket.close();
    this.#socket = this.#bind();
  }

  #sealed(text: string): Uint8Array {
    assert.ok(this.#session, "there is no session");
    return this.#session.seal(concat(text));
  }

  async #exchange(message: Uint8Array): Promise<Uint8Array> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    this.#arrived = (datagram) => resolve(datagram.slice());
    this.#socket.send(message, this.#port);
    return await within(PATIENCE, "answer of the WireGuard server", promise);
  }

  #bind(): UdpSocket {
    return new UdpSocket(this.#scope, (datagram) => this.#arrived(datagram));
  }
}

function newIndex(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
