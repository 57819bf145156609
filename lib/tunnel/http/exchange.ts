/**
 * A request and its answer, as the tap of an http endpoint saw them go by.
 *
 * @module
 */
import type { RequestHead, ResponseHead } from "./head.ts";

/**
 * Told of an exchange whenever something about it is new:
 *
 * - `began`: the head of its request has come;
 * - `kept`: more of a body is kept than before;
 * - `responded`: the head of its answer has come;
 * - `answered`, once, in the order of the answers: the answer is over, or the connection speaks another protocol from
 *   here on, or there will be none. Time to write a line about it;
 * - `ended`, once and last: nothing about it changes any more.
 */
export type OnExchange = (exchange: Exchange, event: ExchangeEvent) => void;

export type ExchangeEvent = "began" | "kept" | "responded" | "answered" | "ended";

export type ExchangeOutcome =
  /** Answered in full; also after a change of protocol. */
  | "complete"
  /** The visit was over before the answer was. */
  | "cut_short"
  /** The visit was over before there was an answer. */
  | "unanswered"
  /** The agent itself answered, or its request was no HTTP. */
  | "refused"
  /** What the service answered was no HTTP; it was passed on. */
  | "malformed";

/** Where an exchange took place. */
export interface ExchangePlace {
  /** The endpoint, in words of the agent's user. */
  readonly endpoint: string;
  /** Who asked: `ip:port`. */
  readonly visitor: string;
  /** The exchange whose request this repeats. */
  readonly replayOf?: number;
}

/** Written by the tap alone. */
export class Exchange {
  readonly place: ExchangePlace;
  /** Unique in this process, growing. */
  readonly id: number = nextId++;
  /** When the first byte of the request came, ms since 1970. */
  readonly startedAt: number;
  /** As it was passed on to the service. */
  readonly request: RequestHead;
  readonly requestBody: Body;
  response: ResponseHead | undefined;
  readonly responseBody: Body;
  /** Statuses of the interim answers before it, such as 100. */
  interim: readonly number[] = [];
  /** The protocol that the connection changed to; then the bodies are all that went by in it, and nothing is kept. */
  upgradedTo: string | undefined;
  /** From the first byte of the request to the head of the answer, ms. */
  waited: number | undefined;
  /** From the first byte of the request to the end of the answer, ms. */
  duration: number | undefined;
  outcome: ExchangeOutcome | undefined;

  /** @param keeps The most bytes that are kept of each body. */
  constructor(place: ExchangePlace, startedAt: number, request: RequestHead, keeps: number) {
    this.place = place;
    this.startedAt = startedAt;
    this.request = request;
    this.requestBody = new Body(keeps);
    this.responseBody = new Body(keeps);
  }

  /** Bytes of bodies that are kept. */
  get kept(): number {
    return this.requestBody.kept + this.responseBody.kept;
  }

  /** Keeps nothing of the bodies, and nothing more of what comes. */
  forget(): void {
    this.requestBody.forget();
    this.responseBody.forget();
  }
}

let nextId = 1;

/** The content of a message, without what frames it, as far as it is kept. */
export class Body {
  /** Bytes that went by. */
  length = 0;
  /** Bytes that are kept. */
  kept = 0;
  #most: number;
  #chunks: Uint8Array[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** The beginning of it. */
  get bytes(): Uint8Array {
    if (this.#chunks.length !== 1) {
      const bytes = new Uint8Array(this.kept);
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      this.#chunks = [bytes];
    }
    return this.#chunks[0]!;
  }

  get isWhole(): boolean {
    return this.kept === this.length;
  }

  /** Returns whether any of it is kept. */
  add(bytes: Uint8Array): boolean {
    // What comes behind a gap is not kept.
    const isWhole = this.isWhole;
    this.length += bytes.length;
    const room = this.#most - this.kept;
    if (room <= 0 || !isWhole || bytes.length === 0) return false;
    const chunk = bytes.slice(0, room);
    this.#chunks.push(chunk);
    this.kept += chunk.length;
    return true;
  }

  /** Counts what went by in another protocol. */
  count(length: number): void {
    this.length += length;
    this.#most = 0;
  }

  forget(): void {
    this.#chunks = [];
    this.kept = 0;
    this.#most = 0;
  }
}
