/**
 * A control channel that has logged in: one process of an agent, and the endpoints that it serves.
 *
 * @module
 */
import { AddressSet } from "../../acl.ts";
import { type Cidr, formatAddress, parseCidr, type SocketAddress } from "../../addr.ts";
import { NetError } from "../../runtime/runtime.ts";
import type { Timeout } from "../../timeouts.ts";
import type { Channel } from "../channel.ts";
import { ProtocolError } from "../frames.ts";
import type { Farewell, Message, MessageOf, Rejection } from "../messages.ts";
import { ChannelPool } from "./channel_pool.ts";
import type { Endpoint, Endpoints } from "./endpoints.ts";
import type { Account, EdgeParts, LiveVisit, Server } from "./parts.ts";
import { TICKET_LIFETIME, type Tickets } from "./tickets.ts";

/** How often each side says that it is there, and after how much silence it is taken to be gone, ms. */
export const HEARTBEAT = 10_000;
export const SILENCE = 15_000;
/** What an agent may say between two heartbeats, beside one message for each name that it may have. */
const MOST_MESSAGES = 1000;
/** How long a farewell may take, ms. */
const PATIENCE = 1000;
/** The kernel asks a silent agent so soon, ms, once its control channel has ended under its visitors. */
const KEEPALIVE = 15_000;

export interface ControlParts extends Pick<EdgeParts, "clock" | "timeouts" | "log"> {
  readonly endpoints: Endpoints<Server>;
  readonly tickets: Tickets<Control>;
  /** Where visitors find an endpoint, for people. */
  readonly addressOf: (endpoint: Endpoint<Server>) => string;
}

/** Who has logged in. */
export interface Identity {
  readonly account: Account;
  readonly tokenHash: string;
  /** Of one process. */
  readonly instance: string;
  readonly client: SocketAddress;
  readonly software: string;
}

interface Served extends Server {
  readonly endpoint: Endpoint<Server>;
}

/** Owns its channel, and its data channels as long as they have no visitor. */
export class Control {
  readonly identity: Identity;
  readonly pool: ChannelPool;
  /** Its visitors. */
  readonly visits = new Set<LiveVisit>();
  readonly #channel: Channel;
  readonly #parts: ControlParts;
  /** By the agent's number for it. */
  readonly #served = new Map<number, Served>();
  #heartbeat: Timeout;
  #messages = 0;
  #isOver = false;

  constructor(identity: Identity, channel: Channel, parts: ControlParts) {
    this.identity = identity;
    this.#channel = channel;
    this.#parts = parts;
    const { clock, timeouts, tickets } = parts;
    this.pool = new ChannelPool({
      clock,
      timeouts,
      sendTickets: (count) =>
        this.#say({
          type: "tickets",
          tickets: tickets.issue(this, count),
          lifetime: TICKET_LIFETIME,
        }),
    });
    this.#heartbeat = timeouts.start(HEARTBEAT, this.#beat);
  }

  /** What it serves. */
  get endpoints(): readonly Endpoint<Server>[] {
    return Array.from(this.#served.values(), ({ endpoint }) => endpoint);
  }

  /** Serves until the agent leaves or is sent away; never rejects. */
  async run(domain: string): Promise<void> {
    const { id } = this.identity.account.config;
    const { log } = this.#parts;
    const { client, software } = this.identity;
    log.info(`agent ${id} is here`, { client: formatAddress(client), software });
    void this.#say({ type: "welcome", domain, heartbeat: HEARTBEAT, silence: SILENCE });
    this.pool.fill();
    try {
      const { why, endsVisits } = await this.#listen();
      this.#finish(why, endsVisits ? "backend_reset" : undefined);
    } catch (error) {
      if (error instanceof ProtocolError) this.end("malformed", error.message);
      else if (error instanceof NetError) this.#finish(error.message);
      else throw error;
      await this.#untilClosed();
    }
    this.#channel.close();
  }

  /** Reads on, whatever comes: to close with something unread would take the last words back. */
  async #untilClosed(): Promise<void> {
    const into = new Uint8Array(4096);
    try {
      while (await this.#channel.conn.read(into) !== null);
    } catch {
      // It is closed, by the agent or because its time is up.
    }
  }

  /** Ends its visitors, who may be there longer than it is. */
  endVisits(reason: "revoked" | "backend_reset"): void {
    for (const visit of [...this.visits]) visit.close(reason);
  }

  /** Sends the agent away. */
  end(code: Farewell, message: string): void {
    if (this.#isOver) return;
    this.#finish(message, code === "revoked" ? "revoked" : undefined);
    this.#channel.say({ type: "goodbye", code, message })
      .then(() => this.#channel.conn.closeWrite())
      .catch(() => this.#channel.close());
  }

  async #listen(): Promise<{ readonly why: string; readonly endsVisits: boolean }> {
    for (;;) {
      const silence = this.#parts.timeouts.start(SILENCE);
      const message = await this.#channel.hear(silence).finally(() => silence.cancel());
      // Whoever is sent away may still be speaking; nobody listens, until he has read why.
      if (this.#isOver && message != null) continue;
      if (message === undefined) {
        return { why: `it was silent for ${SILENCE / 1000} s`, endsVisits: true };
      }
      if (message === null) return { why: "its connection has ended", endsVisits: false };
      if (message.type === "goodbye") {
        const { code } = message;
        // Who leaves lets his visitors end, and closes their channels when it has been long enough.
        const endsVisits = code !== "leaving";
        return { why: `it said goodbye: ${message.message || code}`, endsVisits };
      }
      const { maxNames } = this.identity.account.config;
      if (++this.#messages > MOST_MESSAGES + maxNames) {
        throw new ProtocolError(`more than ${MOST_MESSAGES} messages in ${HEARTBEAT / 1000} s`);
      }
      await this.#answer(message);
    }
  }

  async #answer(message: Message): Promise<void> {
    switch (message.type) {
      case "ping":
        return await this.#say({ type: "pong" });
      case "pong":
        return;
      case "open":
        return await this.#say(this.#open(message));
      case "shut":
        return this.#shut(message.endpoint);
      default:
        throw new ProtocolError(`${message.type} may not come here`);
    }
  }

  #open(wanted: MessageOf<"open">): Message {
    const { endpoints, addressOf, log } = this.#parts;
    const { account } = this.identity;
    const { endpoint: number } = wanted;
    const refuse = (code: Rejection, message: string): Message => {
      log.info(`agent ${account.config.id} was refused an endpoint: ${message}`);
      return { type: "rejected", endpoint: number, code, message };
    };
    if (this.#served.has(number)) {
      return refuse("malformed", `there is an endpoint ${number} already`);
    }
    const { maxNames } = account.config;
    if (this.#served.size >= maxNames) {
      const message =
        `agent ${account.config.id} may not have more than ${maxNames} names and ports`;
      return refuse("limit", message);
    }
    const networks = wanted.allow?.map((text) => ({ text, cidr: parseCidr(text) })) ?? [];
    const wrong = networks.find(({ cidr }) => cidr === undefined);
    if (wrong !== undefined) {
      return refuse("malformed", `"${wrong.text}" is neither an address nor a network`);
    }
    const claim = endpoints.claim(account.config, wanted);
    if (!claim.ok) return refuse(claim.code, claim.message);
    const { endpoint } = claim;
    const served: Served = {
      account,
      endpoint,
      number,
      pool: this.pool,
      visits: this.visits,
      ...networks.length > 0 &&
        { allow: new AddressSet(networks.map(({ cidr }) => cidr as Cidr)) },
    };
    this.#served.set(number, served);
    endpoints.join(endpoint, served);
    const address = addressOf(endpoint);
    log.info(`agent ${account.config.id} serves ${address}`);
    const { place } = endpoint;
    return {
      type: "opened",
      endpoint: number,
      address,
      ...typeof place === "string" ? { name: place } : { port: place },
    };
  }

  #shut(number: number): void {
    const served = this.#served.get(number);
    if (served === undefined) return;
    this.#served.delete(number);
    const { endpoints, addressOf, log } = this.#parts;
    log.info(
      `agent ${this.identity.account.config.id} no longer serves ${addressOf(served.endpoint)}`,
    );
    endpoints.leave(served.endpoint, served, true);
  }

  readonly #beat = (): void => {
    this.#messages = 0;
    void this.#say({ type: "ping" });
    this.#heartbeat = this.#parts.timeouts.start(HEARTBEAT, this.#beat);
  };

  /** Resolves when the agent has been sent it; who reads too slowly is cut off. Never rejects. */
  async #say(message: Message): Promise<void> {
    if (this.#isOver) return;
    const limit = this.#parts.timeouts.start(SILENCE, () => {
      this.#finish("it does not read", "backend_reset");
      this.#channel.close();
    });
    try {
      await this.#channel.say(message);
    } catch (error) {
      this.#finish(error instanceof NetError ? error.message : String(error));
      this.#channel.close();
    }
    limit.cancel();
  }

  /** Lets go of everything at once. Without `visitsEnd` visitors stay with the data channels that they have. */
  #finish(why: string, visitsEnd?: "revoked" | "backend_reset"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { endpoints, tickets, timeouts, log } = this.#parts;
    timeouts.start(PATIENCE, () => this.#channel.close());
    this.#heartbeat.cancel();
    tickets.revoke(this);
    this.pool.close();
    for (const served of this.#served.values()) endpoints.leave(served.endpoint, served, false);
    this.#served.clear();
    if (visitsEnd !== undefined) this.endVisits(visitsEnd);
    else for (const visit of this.visits) visit.watch(KEEPALIVE);
    log.info(`agent ${this.identity.account.config.id} is gone: ${why}`);
  }
}
