/**
 * A visit over UDP: datagrams to and from one visitor, and a data channel.
 *
 * @module
 */
import { IdleWatch } from "../idle_watch.ts";
import type { ByteCounts, Sending } from "../runtime/runtime.ts";
import type { Timeout, Timeouts } from "../timeouts.ts";
import type { Channel } from "./channel.ts";
import { encodeFrame, type End, type Frame, HEADER_LENGTH, LONGEST_DATAGRAM } from "./frames.ts";
import { parseMessage } from "./messages.ts";
import { endOfChannel, type VisitEnd, type VisitEndReason } from "./visit_end.ts";

/** Datagrams that wait for the channel; behind so many the oldest give way. */
export const MOST_WAITING_DATAGRAMS = 64;

/** Bytes of several datagrams that are written at once: a TLS record (RFC 8446 §5.1). */
const LONGEST_WRITE = 16_384;

export interface DatagramRelayOptions {
  /** Which end this is. */
  readonly end: End;
  /** Sends on what the other end has sent. The bytes are the channel's own; they hold until what it returns resolves. */
  readonly deliver: (datagram: Uint8Array) => Sending;
  /** What was delivered to the channel, or out of it: `up` is from the visitor to the service. */
  readonly counts: ByteCounts;
  /** ms; 0: none. Comes up to an eighth late. */
  readonly idleTimeout: number;
  /** What the agent may take to say whether it reaches the service, ms. Of the edge alone. */
  readonly acceptTimeout?: number;
  readonly timeouts: Timeouts;
}

/** Carries datagrams until either end ends it, or something has broken off. */
export class DatagramRelay {
  /** Resolves when the visit is over. The caller closes the channel, unless it is free. Never rejects. */
  readonly over: Promise<VisitEnd>;
  /** Datagrams that gave way to later ones. */
  dropped = 0;
  readonly #channel: Channel;
  readonly #options: DatagramRelayOptions;
  readonly #idle: IdleWatch;
  readonly #result = Promise.withResolvers<VisitEnd>();
  /** Frames, in their order. */
  #waiting: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  #accepting: Timeout | undefined;
  #hasEnded = false;
  #isOver = false;

  constructor(channel: Channel, options: DatagramRelayOptions) {
    this.#channel = channel;
    this.#options = options;
    this.over = this.#result.promise;
    const { timeouts, idleTimeout, counts, acceptTimeout } = options;
    this.#idle = new IdleWatch(timeouts, idleTimeout, counts, {
      onIdle: () => this.#finish("idle_timeout"),
    });
    if (acceptTimeout !== undefined) {
      this.#accepting = timeouts.start(acceptTimeout, () => this.#finish("accept_timeout"));
    }
    void this.#receive();
  }

  /** Sends a datagram, of which it makes a copy. Waits for nothing; does nothing once it was ended. */
  send(datagram: Uint8Array): void {
    if (this.#hasEnded || this.#isOver || datagram.length > LONGEST_DATAGRAM) return;
    if (this.#waiting.length === MOST_WAITING_DATAGRAMS) {
      this.#waiting.shift();
      this.dropped++;
    }
    this.#waiting.push(encodeFrame("datagram", datagram));
    this.#writing ??= this.#write();
  }

  /** Ends the visit, behind what waits: the other end answers. */
  end(): void {
    if (this.#hasEnded || this.#isOver) return;
    this.#hasEnded = true;
    this.#waiting.push(encodeFrame("end"));
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      for (let frames; (frames = this.#take()) !== undefined;) await this.#channel.write(frames);
    } catch (error) {
      this.#finish(endOfChannel(error));
    }
    this.#writing = undefined;
  }

  /** The next frames of those that wait, as many as go into one write. */
  #take(): Uint8Array | undefined {
    let count = 0;
    let length = 0;
    for (const frame of this.#waiting) {
      if (count > 0 && length + frame.length > LONGEST_WRITE) break;
      count++;
      length += frame.length;
    }
    if (count === 0) return undefined;
    const frames = this.#waiting.splice(0, count);
    for (const frame of frames) this.#count("sent", frame.length - HEADER_LENGTH);
    return count === 1 ? frames[0] : joined(frames, length);
  }

  async #receive(): Promise<void> {
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
            this.#accepting?.cancel();
            this.#accepting = undefined;
            break;
          case "unreachable":
            return await this.#unreachable(frame);
          case "datagram": {
            this.#count("received", frame.payload.length);
            const sending = this.#options.deliver(frame.payload);
            if (sending !== undefined) await sending;
            break;
          }
          case "end":
            return await this.#ended("ended");
          default:
            return this.#finish("malformed");
        }
      }
    } catch (error) {
      this.#finish(endOfChannel(error));
    }
  }

  async #unreachable(frame: Frame): Promise<void> {
    const said = parseMessage(frame);
    if (said?.type !== "unreachable") return this.#finish("malformed");
    await this.#ended("unreachable", said.message);
  }

  async #ended(reason: VisitEndReason, message?: string): Promise<void> {
    this.end();
    await this.#writing;
    this.#finish(reason, true, message);
  }

  #count(what: "sent" | "received", length: number): void {
    const { counts, end } = this.#options;
    if ((what === "sent") === (end === "edge")) counts.up += length;
    else counts.down += length;
  }

  #finish(reason: VisitEndReason, isFree = false, message?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#idle.cancel();
    this.#accepting?.cancel();
    this.#result.resolve({ reason, isFree, ...message === undefined ? {} : { message } });
  }
}

function joined(frames: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}
