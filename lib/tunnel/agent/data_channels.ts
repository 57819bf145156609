/**
 * The data channels of one control channel: one for each ticket, and used again as long as there are tickets for them.
 *
 * @module
 */
import { type Clock, NetError } from "../../runtime/runtime.ts";
import type { Timeouts } from "../../timeouts.ts";
import type { Channel } from "../channel.ts";
import { ProtocolError } from "../frames.ts";
import type { MessageOf } from "../messages.ts";

/** Most channels that are being opened, and most in all; tickets beyond them wait, or are lost. */
const MOST_OPENING = 64;
const MOST_CHANNELS = 16_384;
/** Most tickets that wait. */
const MOST_WAITING = 1_024;
/** A ticket is not spent in its last moments, ms: it would come too late. */
const MARGIN = 2_000;
/** Most free channels that wait for a ticket, and how long, ms: less than the edge waits for it. */
const MOST_FREE = 128;
const LONGEST_FREE = 8_000;
/** Before the next attempt to open a channel, ms. */
const PAUSE = 500;

export interface DataChannelParts {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Another channel to the edge. @throws {NetError} */
  readonly open: () => Promise<Channel>;
  /** Serves a visitor on a channel; whether it is free again. Never rejects. */
  readonly serve: (channel: Channel, visit: MessageOf<"visit">) => Promise<boolean>;
}

interface Ticket {
  readonly bytes: Uint8Array;
  /** `Clock.now()`, ms. */
  readonly due: number;
}

/** Owns its channels, but for those with a visitor, which end by themselves. */
export class DataChannels {
  readonly #parts: DataChannelParts;
  readonly #tickets: Ticket[] = [];
  /** Channels without a visitor, and the free ones among them, who wait for a ticket. */
  readonly #idle = new Set<Channel>();
  readonly #free: Array<(ticket: Ticket | undefined) => void> = [];
  #opening = 0;
  #count = 0;
  #isClosed = false;

  constructor(parts: DataChannelParts) {
    this.#parts = parts;
  }

  /** Spends tickets, each good for so many ms. */
  take(tickets: readonly Uint8Array[], lifetime: number): void {
    const due = this.#parts.clock.now() + lifetime - Math.min(MARGIN, lifetime / 2);
    for (const bytes of tickets) {
      const ticket = { bytes, due };
      const free = this.#free.shift();
      if (free !== undefined) free(ticket);
      else if (this.#tickets.length < MOST_WAITING) this.#tickets.push(ticket);
    }
    this.#openMore();
  }

  /** Lets go of the channels that have no visitor; the others are closed when theirs has left. */
  close(): void {
    this.#isClosed = true;
    this.#tickets.length = 0;
    for (const free of this.#free.splice(0)) free(undefined);
    for (const channel of this.#idle) channel.close();
  }

  #openMore(): void {
    while (this.#opening < MOST_OPENING && this.#count < MOST_CHANNELS) {
      const ticket = this.#nextTicket();
      if (ticket === undefined) return;
      this.#opening++;
      this.#count++;
      void this.#open(ticket);
    }
  }

  async #open(ticket: Ticket): Promise<void> {
    const channel = await this.#connect(ticket);
    this.#opening--;
    this.#openMore();
    if (channel !== undefined) await this.#use(channel, ticket);
    this.#count--;
    this.#openMore();
  }

  /** Tries for as long as the ticket is good. */
  async #connect({ due }: Ticket): Promise<Channel | undefined> {
    const { clock, timeouts, open } = this.#parts;
    while (!this.#isClosed && clock.now() < due) {
      try {
        const channel = await open();
        if (!this.#isClosed) return channel;
        channel.close();
      } catch (error) {
        if (!(error instanceof NetError)) throw error;
        await new Promise<void>((resolve) => timeouts.start(PAUSE, resolve));
      }
    }
    return undefined;
  }

  /** From visitor to visitor. */
  async #use(channel: Channel, first: Ticket): Promise<void> {
    try {
      for (let ticket: Ticket | undefined = first; ticket !== undefined;) {
        this.#idle.add(channel);
        await channel.say({ type: "join", ticket: ticket.bytes });
        const visit = await channel.hear();
        this.#idle.delete(channel);
        if (visit?.type !== "visit" || !await this.#parts.serve(channel, visit)) break;
        this.#idle.add(channel);
        ticket = this.#nextTicket() ?? await this.#waitForTicket();
      }
    } catch (error) {
      // An edge that has closed it, or says what makes no sense.
      if (!(error instanceof NetError || error instanceof ProtocolError)) throw error;
    } finally {
      this.#idle.delete(channel);
      channel.close();
    }
  }

  /** The next ticket that is still good. */
  #nextTicket(): Ticket | undefined {
    const now = this.#parts.clock.now();
    for (let ticket; (ticket = this.#tickets.shift()) !== undefined;) {
      if (now < ticket.due) return ticket;
    }
    return undefined;
  }

  #waitForTicket(): Promise<Ticket | undefined> | undefined {
    if (this.#isClosed || this.#free.length === MOST_FREE) return undefined;
    return new Promise((resolve) => {
      const limit = this.#parts.timeouts.start(LONGEST_FREE, () => {
        this.#free.splice(this.#free.indexOf(take), 1);
        resolve(undefined);
      });
      const take = (ticket: Ticket | undefined) => {
        limit.cancel();
        resolve(ticket);
      };
      this.#free.push(take);
    });
  }
}
