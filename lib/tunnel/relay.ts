/**
 * A visit over TCP: a connection of the visitor, or of the service, and a data channel, copied both ways.
 *
 * @module
 */
import { IdleWatch } from "../idle_watch.ts";
import { type ByteCounts, type Conn, NetError } from "../runtime/runtime.ts";
import type { Timeout, Timeouts } from "../timeouts.ts";
import type { Bandwidth } from "./bandwidth.ts";
import type { Channel } from "./channel.ts";
import { encodeFrame, type End, type Frame, LONGEST_DATA } from "./frames.ts";
import { FrameBuffer } from "./frame_buffer.ts";
import { parseMessage } from "./messages.ts";
import type { Tap } from "./tap.ts";
import { endOfChannel, Stop, type VisitEnd, type VisitEndReason } from "./visit_end.ts";

export interface RelayOptions {
  /** Which end this is: the edge, whose connection is the visitor's, or the agent, whose connection is the service's. */
  readonly end: End;
  /** What was read of the connection before: goes into the channel first. */
  readonly first: Uint8Array;
  /** What was delivered, kept up to date: `up` is from the visitor to the service. */
  readonly counts: ByteCounts;
  /** ms; 0: none. Comes up to an eighth late. */
  readonly idleTimeout: number;
  /** What the agent may take to say whether it reaches the service, ms. Of the edge alone. */
  readonly acceptTimeout?: number;
  readonly timeouts: Timeouts;
  readonly tap?: Tap;
  readonly bandwidth?: Bandwidth;
}

/**
 * Carries a visitor until both directions have ended, or something has broken off. The edge calls it when it has sent
 * `visit`, the agent when it has sent `accept`. The end of the last direction is passed on like that of the first; the
 * caller closes `conn`, and the channel unless it is free. Never throws.
 */
export function relay(conn: Conn, channel: Channel, options: RelayOptions): Promise<VisitEnd> {
  return new Relay(conn, channel, options).over;
}

/** What the other end may still send when it was told that nobody listens any more, ms. */
const LINGER = 5000;

class Relay {
  readonly #conn: Conn;
  readonly #channel: Channel;
  readonly #options: RelayOptions;
  readonly #idle: IdleWatch;
  readonly #result = Promise.withResolvers<VisitEnd>();
  /** Until the agent has accepted: of the edge alone. */
  #accepting: Timeout | undefined;
  /** Of the read of the connection, as long as the visitor may have to be answered by somebody else. */
  #stop: Stop | undefined;
  #lingering: Timeout | undefined;
  /** Whether what comes of the channel is thrown away: the connection takes no more, or was answered for. */
  #discards = false;
  #isOver = false;
  #hasSent = false;
  #broken: VisitEndReason | undefined;

  constructor(conn: Conn, channel: Channel, options: RelayOptions) {
    this.#conn = conn;
    this.#channel = channel;
    this.#options = options;
    const { timeouts, idleTimeout, counts, acceptTimeout, tap } = options;
    this.#idle = new IdleWatch(timeouts, idleTimeout, counts, {
      onIdle: () => this.#finish("idle_timeout"),
    });
    if (acceptTimeout !== undefined || tap !== undefined) this.#stop = new Stop();
    if (acceptTimeout !== undefined) {
      this.#accepting = timeouts.start(acceptTimeout, () => this.#finish("accept_timeout"));
    }
    const sending = this.#send();
    void this.#receive(sending);
  }

  get over(): Promise<VisitEnd> {
    return this.#result.promise;
  }

  /** From the connection into the channel. */
  async #send(): Promise<void> {
    const { first, bandwidth, tap } = this.#options;
    const conn = this.#conn;
    let isReading = false;
    try {
      if (first.length > 0) {
        await this.#sendBytes(this.#tapped(first));
        this.#count("sent", first.length);
      }
      const buffer = new FrameBuffer();
      for (;;) {
        isReading = true;
        const length = await conn.read(buffer.room, this.#stop);
        isReading = false;
        if (this.#isOver) return;
        if (length == null) break;
        const wait = bandwidth?.take(length);
        if (wait !== undefined) await wait;
        if (tap === undefined) {
          await this.#channel.conn.write(buffer.frame(length));
        } else {
          const bytes = this.#tapped(buffer.room.subarray(0, length));
          if (tap.answer !== undefined) break;
          await this.#sendBytes(bytes);
        }
        this.#count("sent", length);
        buffer.adapt(length);
      }
      if (tap?.answer !== undefined) {
        this.#discards = true;
        await this.#sendBytes(tap.answer);
      } else if (this.#options.end === "edge") tap?.upEnded();
      else tap?.downEnded();
      await this.#channel.write(encodeFrame("end"));
      this.#hasSent = true;
      if (this.#discards) this.#linger();
    } catch (error) {
      this.#finish(isReading ? endOfConn(error) : endOfChannel(error));
    }
  }

  #tapped(bytes: Uint8Array): Uint8Array {
    const { tap, end } = this.#options;
    if (tap === undefined) return bytes;
    return end === "edge" ? tap.up(bytes) : tap.down(bytes);
  }

  async #sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += LONGEST_DATA) {
      await this.#channel.write(encodeFrame("data", bytes.subarray(at, at + LONGEST_DATA)));
    }
  }

  #count(what: "sent" | "received", length: number): void {
    const { counts, end } = this.#options;
    if ((what === "sent") === (end === "edge")) counts.up += length;
    else counts.down += length;
  }

  /** From the channel into the connection. */
  async #receive(sending: Promise<void>): Promise<void> {
    const channel = this.#channel;
    try {
      for (;;) {
        const frame = channel.received ?? await channel.receive();
        if (this.#isOver) return;
        if (frame == null) return this.#finish("channel_reset");
        const isAwaited = frame.type === "accept" || frame.type === "unreachable";
        if (isAwaited !== (this.#accepting !== undefined)) return this.#finish("malformed");
        switch (frame.type) {
          case "accept":
            this.#accepted();
            break;
          case "unreachable":
            return await this.#unreachable(frame, sending);
          case "data":
            await this.#deliver(frame.payload);
            break;
          case "end":
            return await this.#ended(sending);
          default:
            return this.#finish("malformed");
        }
      }
    } catch (error) {
      this.#finish(endOfChannel(error));
    }
  }

  #accepted(): void {
    this.#accepting?.cancel();
    this.#accepting = undefined;
    if (this.#options.tap === undefined) this.#stop = undefined;
  }

  async #unreachable(frame: Frame, sending: Promise<void>): Promise<void> {
    const said = parseMessage(frame);
    if (said?.type !== "unreachable") return this.#finish("malformed");
    // Its `end` tells the agent where the visit's bytes are over.
    this.#stop?.now();
    await sending;
    this.#finish("unreachable", true, said.message);
  }

  async #deliver(payload: Uint8Array): Promise<void> {
    if (this.#discards) return;
    const { tap, end, bandwidth } = this.#options;
    let bytes = payload;
    if (tap !== undefined) {
      bytes = end === "edge" ? tap.down(payload) : tap.up(payload);
      if (tap.answer !== undefined) {
        this.#discards = true;
        this.#stop?.now();
        return;
      }
    }
    const wait = bandwidth?.take(payload.length);
    if (wait !== undefined) await wait;
    try {
      await this.#conn.write(bytes);
      this.#count("received", payload.length);
    } catch (error) {
      const reason = endOfConn(error);
      // A visitor is gone then, though his stream may seem to end well: the system tells of a reset only once.
      if (reason === "closed" || this.#options.end === "edge") return this.#finish(reason);
      // A service that stops listening may still be speaking: one that refuses an upload answers it. So go on reading.
      this.#broken = reason;
      this.#discards = true;
      // Closing now might overtake the answer that was sent.
      if (this.#hasSent) this.#linger();
    }
  }

  async #ended(sending: Promise<void>): Promise<void> {
    const { tap, end } = this.#options;
    if (!this.#discards) {
      if (end === "edge") tap?.downEnded();
      else tap?.upEnded();
      await this.#conn.closeWrite();
    }
    this.#lingering?.cancel();
    // What comes next is another visit's; that nothing will come is news for this one.
    const sent = new Stop();
    void sending.then(() => sent.now());
    if (await this.#channel.hasMore(sent) === false) return this.#finish("channel_reset");
    await sending;
    this.#finish(this.#broken ?? "ended", true);
  }

  /** The other end was told that nothing more comes, and nobody listens to it: so it should soon end too. */
  #linger(): void {
    const { timeouts } = this.#options;
    this.#lingering = timeouts.start(LINGER, () => this.#finish(this.#broken ?? "ended"));
  }

  #finish(reason: VisitEndReason, isFree = false, message?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#idle.cancel();
    this.#accepting?.cancel();
    this.#lingering?.cancel();
    this.#options.tap?.closed();
    this.#result.resolve({ reason, isFree, ...message === undefined ? {} : { message } });
  }
}

function endOfConn(error: unknown): VisitEndReason {
  return error instanceof NetError && error.code === "closed" ? "closed" : "conn_reset";
}
