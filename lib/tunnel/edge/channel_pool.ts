/**
 * The data channels of one control channel: some are always ready, so that a visitor waits for no handshake.
 *
 * @module
 */
import { Ring } from "../../ring.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { Timeout, Timeouts } from "../../timeouts.ts";
import type { Channel } from "../channel.ts";
import { MOST_TICKETS } from "../messages.ts";
import { Stop } from "../visit_end.ts";
import { Demand } from "./demand.ts";

/** How long a visitor waits for a channel, ms. */
export const LONGEST_WAIT = 10_000;
/** Most visitors that wait at once. */
export const MOST_WAITING = 512;
/**
 * A channel that has been ready for so long, ms, is to be replaced, and closed a while later: a router on the way may
 * forget a silent connection without telling anybody.
 */
const STALE = 15_000;
const TOO_OLD = 25_000;
/** How often that is looked at, ms. */
const TICK = 5_000;

export interface ChannelPoolParts {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Asks the agent for so many more channels; resolves when that has been sent. Never rejects. */
  readonly sendTickets: (count: number) => Promise<void>;
}

/** Why there is no channel: too many visitors wait, none came in time, or the agent is gone. */
export type NoChannel = "crowded" | "late" | "closed";

/** Owns the channels that are ready. */
export class ChannelPool {
  readonly #parts: ChannelPoolParts;
  readonly #demand: Demand;
  readonly #ready: Ready[] = [];
  readonly #waiting = new Ring<Waiter>();
  #waiters = 0;
  /** Tickets that the agent has and has not used. */
  #tickets = 0;
  #isFilling = false;
  #tick: Timeout;
  #closed = false;

  constructor(parts: ChannelPoolParts) {
    this.#parts = parts;
    this.#demand = new Demand(parts.clock);
    this.#tick = parts.timeouts.start(TICK, this.#look);
  }

  /** Channels that are ready. */
  get size(): number {
    return this.#ready.length;
  }

  /** Asks for as many channels as are missing; for a crowd in few words, since the next ones wait for the last. */
  fill(): void {
    if (!this.#isFilling) void this.#fill();
  }

  async #fill(): Promise<void> {
    this.#isFilling = true;
    for (let count; !this.#closed && (count = this.#missing()) > 0;) {
      this.#tickets += count;
      await this.#parts.sendTickets(count);
    }
    this.#isFilling = false;
  }

  /** How many tickets the agent should be sent. */
  #missing(): number {
    const now = this.#parts.clock.now();
    const fresh = this.#ready.filter(({ since }) => now - since < STALE).length;
    const wanted = this.#demand.ready + this.#waiters - fresh - this.#tickets;
    return Math.min(wanted, MOST_TICKETS);
  }

  /** A ticket of the agent has expired. */
  ticketExpired(): void {
    this.#tickets--;
  }

  /** Takes a channel that has joined with a ticket. */
  add(channel: Channel): void {
    this.#tickets--;
    if (this.#closed) return channel.close();
    const waiter = this.#waiting.first;
    if (waiter !== undefined) return this.#answer(waiter, channel);
    this.#ready.push(new Ready(channel, this.#parts.clock.now(), this.#gone));
  }

  /** A channel for a visitor, who owns it. It waits its turn where none is ready. */
  async take(): Promise<Channel | NoChannel> {
    this.#demand.add();
    for (let ready; (ready = this.#ready.pop()) !== undefined;) {
      this.fill();
      if (await ready.take()) return this.#closed ? closed(ready.channel) : ready.channel;
    }
    if (this.#closed) return "closed";
    if (this.#waiters >= MOST_WAITING) return "crowded";
    const waiter = new Waiter();
    this.#waiters++;
    this.#waiting.append(waiter);
    this.fill();
    const limit = this.#parts.timeouts.start(LONGEST_WAIT, () => this.#answer(waiter, "late"));
    const answer = await waiter.answered;
    limit.cancel();
    return answer;
  }

  /** Closes those that are ready; who waits gets none. */
  close(): void {
    this.#closed = true;
    this.#tick.cancel();
    for (const { channel } of this.#ready.splice(0)) channel.close();
    for (let waiter; (waiter = this.#waiting.first) !== undefined;) this.#answer(waiter, "closed");
  }

  #answer(waiter: Waiter, answer: Channel | NoChannel): void {
    this.#waiting.remove(waiter);
    this.#waiters--;
    waiter.answer(answer);
  }

  /** A channel ended while it was ready. It is replaced at the next look, not at once: an agent may close each of them. */
  readonly #gone = (ready: Ready): void => {
    const at = this.#ready.indexOf(ready);
    if (at >= 0) this.#ready.splice(at, 1);
    ready.channel.close();
  };

  readonly #look = (): void => {
    const now = this.#parts.clock.now();
    while (this.#ready[0] !== undefined && now - this.#ready[0].since >= TOO_OLD) {
      this.#ready.shift()!.channel.close();
    }
    this.fill();
    this.#tick = this.#parts.timeouts.start(TICK, this.#look);
  };
}

function closed(channel: Channel): NoChannel {
  channel.close();
  return "closed";
}

/** A channel on which nothing may come, and that notices when it ends. */
class Ready {
  readonly channel: Channel;
  /** When it joined (`Clock.now()`, ms). */
  readonly since: number;
  readonly #stop = new Stop();
  readonly #isGood: Promise<boolean>;

  constructor(channel: Channel, since: number, onGone: (ready: Ready) => void) {
    this.channel = channel;
    this.since = since;
    this.#isGood = channel.receive(this.#stop).then((frame) => frame === undefined, () => false)
      .then((isGood) => {
        if (!isGood) onGone(this);
        return isGood;
      });
  }

  /** Ends the watch; whether the channel is still good. */
  take(): Promise<boolean> {
    this.#stop.now();
    return this.#isGood;
  }
}

/** A visitor without a channel. */
class Waiter {
  before: Waiter = this;
  after: Waiter = this;
  readonly answered: Promise<Channel | NoChannel>;
  readonly answer: (answer: Channel | NoChannel) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Channel | NoChannel>();
    this.answered = promise;
    this.answer = resolve;
  }
}
