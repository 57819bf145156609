/**
 * Where agents come in: what a connection is, and whether it may.
 *
 * @module
 */
import { clientOf, type SocketAddress } from "../../addr.ts";
import type { EdgeConfig } from "../../config/config.ts";
import { Head } from "../../head.ts";
import { ListenerLoad } from "../../listener_load.ts";
import { parseProxyHeader } from "../../proxy_protocol.ts";
import { endWith } from "../../refuse.ts";
import { type Conn, type Deadline, NetError } from "../../runtime/runtime.ts";
import { NO_CERTIFICATE, unguessable } from "../auth.ts";
import type { EdgeCertificate } from "../certificate.ts";
import { Channel } from "../channel.ts";
import { ProtocolError } from "../frames.ts";
import { ALPN, encodeMessage, type Farewell, type MessageOf } from "../messages.ts";
import { Attempts } from "./attempts.ts";
import { Control, type ControlParts } from "./control.ts";
import { logIn } from "./login.ts";
import type { Account, EdgeParts } from "./parts.ts";
import { Refusals } from "./refusals.ts";
import { listenerOf } from "./routes.ts";

/** How long it may take until a connection has logged in or joined, ms. */
const LOGIN_TIMEOUT = 5_000;
/** How long a data channel may be of no use between two visitors, ms. */
const REJOIN_TIMEOUT = 10_000;
/** How long a goodbye may take, ms. */
const PATIENCE = 1_000;
/** Most connections at once that have not said who they are: of all, and of one address. */
export const MOST_STRANGERS = 1024;
export const MOST_STRANGERS_OF_ONE = 256;
/** Most processes of one agent. */
export const MOST_PROCESSES = 64;
/** Most bytes of a PROXY header of the proxy's own, and of what came with it. */
const MOST_HEAD = 8192;

export interface GateParts extends EdgeParts, ControlParts {
  /** Which no other process knows, see `routes.ts`. */
  readonly key: Uint8Array;
  readonly accountOf: (id: string) => Account | undefined;
}

/** Why somebody is not let in; with a code he is told. */
interface Refusal {
  readonly code?: Farewell;
  readonly message: string;
}

/** Lets agents in. Owns their connections until a {@linkcode Control} or its pool does. */
export class Gate {
  /** Those who are in. */
  readonly controls = new Set<Control>();
  /** Those who are gone and have visitors that are still there. */
  readonly outlived = new Set<Control>();
  readonly #parts: GateParts;
  readonly #attempts: Attempts;
  readonly #refusals: Refusals;
  readonly #ownSecret = unguessable();
  readonly #strangers = new Set<Conn>();
  readonly #load = new ListenerLoad();
  #config: EdgeConfig;
  #certificate: EdgeCertificate | undefined;
  #isClosed = false;

  constructor(config: EdgeConfig, certificate: EdgeCertificate | undefined, parts: GateParts) {
    this.#config = config;
    this.#certificate = certificate;
    this.#parts = parts;
    this.#attempts = new Attempts(parts.clock);
    this.#refusals = new Refusals(parts.log, parts.timeouts);
  }

  /** Takes a configuration over, for who comes from now on. */
  configure(config: EdgeConfig, certificate: EdgeCertificate | undefined): void {
    this.#config = config;
    this.#certificate = certificate;
  }

  /**
   * Takes a connection.
   * @param way Whether an agent has made it, or the proxy for him, to the door.
   */
  async take(conn: Conn, way: "direct" | "door"): Promise<void> {
    if (this.#isClosed || this.#strangers.size >= MOST_STRANGERS) return conn.close();
    this.#strangers.add(conn);
    const deadline = this.#parts.timeouts.start(LOGIN_TIMEOUT);
    let client = conn.remote;
    let enter: (() => void) | undefined;
    try {
      const head = new Head(MOST_HEAD);
      if (way === "door") client = await this.#readHeader(conn, head, deadline);
      enter = await this.#meet(conn, client, head.bytes, deadline);
    } catch (error) {
      conn.close();
      if (!(error instanceof NetError)) throw error;
      this.#refusals.tell(error.message, client);
    } finally {
      this.#strangers.delete(conn);
      deadline.cancel();
    }
    enter?.();
  }

  /** Takes a data channel whose visitor has left: it may join again. */
  async rejoin(channel: Channel, client: SocketAddress): Promise<void> {
    const deadline = this.#parts.timeouts.start(REJOIN_TIMEOUT);
    try {
      const message = await channel.hear(deadline);
      if (message?.type === "join") return this.#join(channel, message.ticket, client);
    } catch (error) {
      if (!(error instanceof NetError || error instanceof ProtocolError)) throw error;
    } finally {
      deadline.cancel();
    }
    channel.close();
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
    for (const conn of this.#strangers) conn.close();
  }

  /** Reads what the proxy says of an agent. */
  async #readHeader(conn: Conn, head: Head, deadline: Deadline): Promise<SocketAddress> {
    const result = await head.parse(conn, deadline, parseProxyHeader);
    if (result.kind === "no" || listenerOf(result.header.tlvs, this.#parts.key) === undefined) {
      throw new NetError("denied", "somebody else than the proxy has connected to the edge's door");
    }
    head.skip(result.header.length);
    return result.header.source ?? conn.remote;
  }

  /** Hears what a connection is to be; returns what makes it that, if it may. */
  async #meet(
    conn: Conn,
    client: SocketAddress,
    first: Uint8Array,
    deadline: Deadline,
  ): Promise<(() => void) | undefined> {
    const address = clientOf(client.address);
    try {
      if (this.#load.add(address) > MOST_STRANGERS_OF_ONE) {
        throw new NetError("denied", "too many connections of one address have not logged in");
      }
      const secured = await this.#secure(conn, first);
      const channel = new Channel(secured.conn, "agent");
      const answer = await this.#hear(channel, client, secured.certificate, deadline);
      if (typeof answer === "function") return answer;
      await this.#sendAway(channel, client, answer);
      return undefined;
    } finally {
      this.#load.remove(address);
    }
  }

  async #secure(
    conn: Conn,
    first: Uint8Array,
  ): Promise<{ readonly conn: Conn; readonly certificate: Uint8Array }> {
    if (this.#certificate === undefined) return { conn, certificate: NO_CERTIFICATE };
    const { certificate, privateKey, pin } = this.#certificate;
    const options = { certificate, privateKey, alpn: ALPN, timeout: LOGIN_TIMEOUT, first };
    return { conn: await this.#parts.tls.accept(conn, options), certificate: pin };
  }

  async #hear(
    channel: Channel,
    client: SocketAddress,
    certificate: Uint8Array,
    deadline: Deadline,
  ): Promise<(() => void) | Refusal> {
    try {
      const message = await channel.hear(deadline);
      if (message === undefined) return { code: "timeout", message: "said nothing in time" };
      if (message === null) return { message: "left without a word" };
      switch (message.type) {
        case "join":
          return () => this.#join(channel, message.ticket, client);
        case "hello":
          return await this.#logIn(channel, message, client, certificate, deadline);
        default:
          return { code: "malformed", message: `expected hello or join, got ${message.type}` };
      }
    } catch (error) {
      if (error instanceof ProtocolError) return { code: "malformed", message: error.message };
      channel.close();
      throw error;
    }
  }

  async #logIn(
    channel: Channel,
    hello: MessageOf<"hello">,
    client: SocketAddress,
    certificate: Uint8Array,
    deadline: Deadline,
  ): Promise<(() => void) | Refusal> {
    if (this.#attempts.isBarred(client.address)) {
      return { code: "too_many_attempts", message: "this address has to wait after failed logins" };
    }
    const { agents } = this.#config;
    const ownSecret = this.#ownSecret;
    const result = await logIn(channel, hello, deadline, { agents, certificate, ownSecret });
    if (!result.ok) {
      if (result.code === "unauthorized") this.#attempts.failed(client.address);
      return result;
    }
    this.#attempts.succeeded(client.address);
    if (this.#processesOf(result.agent.id, hello.instance.toHex()) >= MOST_PROCESSES) {
      const message = `${MOST_PROCESSES} other processes of agent ${result.agent.id} are here`;
      return { code: "limit", message };
    }
    return () => {
      const account = this.#parts.accountOf(result.agent.id);
      // A reload may have come in between.
      if (account?.config.tokenHashes.includes(result.tokenHash) !== true || this.#isClosed) {
        return channel.close();
      }
      const instance = hello.instance.toHex();
      const { tokenHash } = result;
      const { software = "" } = hello;
      void this.#serve(
        new Control({ account, tokenHash, instance, client, software }, channel, this.#parts),
      );
    };
  }

  /** How many of an agent are here, but for the one that has logged in again. */
  #processesOf(agent: string, instance: string): number {
    let count = 0;
    for (const { identity } of this.controls) {
      if (identity.account.config.id === agent && identity.instance !== instance) count++;
    }
    return count;
  }

  async #serve(control: Control): Promise<void> {
    const { account, instance } = control.identity;
    for (const other of this.controls) {
      if (other.identity.account !== account || other.identity.instance !== instance) continue;
      other.end("replaced", "the same process has logged in again");
    }
    this.controls.add(control);
    await control.run(this.#config.domain);
    this.controls.delete(control);
    this.outlived.add(control);
    await Promise.all(Array.from(control.visits, ({ over }) => over));
    this.outlived.delete(control);
  }

  #join(channel: Channel, ticket: Uint8Array, client: SocketAddress): void {
    const redeemed = this.#parts.tickets.redeem(ticket);
    if (redeemed.kind === "good") return redeemed.owner.pool.add(channel);
    channel.close();
    if (redeemed.kind === "gone") return;
    this.#attempts.failed(client.address);
    this.#refusals.tell("a ticket that is unknown, used or too old", client);
  }

  async #sendAway(channel: Channel, client: SocketAddress, refusal: Refusal): Promise<void> {
    const { code, message } = refusal;
    this.#refusals.tell(message, client);
    if (code !== undefined) {
      const goodbye = encodeMessage({ type: "goodbye", code, message });
      await endWith(channel.conn, goodbye, this.#parts.timeouts, PATIENCE);
    }
    channel.close();
  }
}
