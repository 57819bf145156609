/**
 * The tap of an http endpoint: follows what is said in HTTP/1.1 on one visitor's connection, in both directions, and
 * tells of every exchange. What it passes on are the bytes as they came, but for the heads of requests where a change was
 * asked for. A request that is ambiguous, not for this endpoint, or without the password is answered here, when those
 * before it have been answered, and the visit ends.
 *
 * @module
 */
import type { Tap } from "../tap.ts";
import { isAuthorized } from "./basic_auth.ts";
import type { Exchange, ExchangeOutcome } from "./exchange.ts";
import { valueOf } from "./fields.ts";
import { requestFraming, responseFraming } from "./framing.ts";
import {
  authorityOf,
  BadMessage,
  nameOf,
  type ParsedRequest,
  parseRequestHead,
  parseResponseHead,
  type RequestHead,
} from "./head.ts";
import type { HttpTapOptions } from "./options.ts";
import { concat, Passed } from "./passed.ts";
import { BodyReader, HeadReader } from "./reader.ts";
import { refusalOf } from "./refusal.ts";
import { rewrite } from "./rewrite.ts";
import { Waiting } from "./waiting.ts";

const NOTHING = new Uint8Array(0);

/** What stands for a request that could not be read. */
const UNREADABLE: RequestHead = { method: "-", target: "-", version: "1.1", fields: [] };

/** Interim answers of one request that are remembered. */
const MOST_INTERIM = 8;

export class HttpTap implements Tap {
  answer: Uint8Array | undefined;
  readonly #options: HttpTapOptions;
  readonly #waiting: Waiting;

  readonly #requestHead = new HeadReader();
  #requestBody: BodyReader | undefined;
  /** Whose body comes from the visitor. */
  #asking: Exchange | undefined;
  #since: number | undefined;
  #hasAsked = false;
  /** Nothing more of the visitor goes on to the service. */
  #isRefusing = false;

  readonly #responseHead = new HeadReader();
  #responseBody: BodyReader | undefined;
  #isMalformed = false;
  /** The exchange with which the connection became one of another protocol. */
  #upgraded: Exchange | undefined;

  constructor(options: HttpTapOptions) {
    this.#options = options;
    this.#waiting = new Waiting(options);
  }

  up(bytes: Uint8Array): Uint8Array {
    if (this.#isRefusing) return NOTHING;
    const passed = new Passed();
    let at = 0;
    try {
      while (at < bytes.length && this.#upgraded === undefined) {
        at = this.#requestBody === undefined
          ? this.#readRequestHead(bytes, at, passed)
          : this.#readRequestBody(bytes, at, this.#requestBody, passed);
      }
    } catch (thrown) {
      if (!(thrown instanceof BadMessage)) throw thrown;
      this.#refuse(thrown);
      return passed.bytes;
    }
    if (this.#upgraded !== undefined) {
      passed.add(this.#requestHead.flush());
      passed.add(bytes.subarray(at));
      this.#upgraded.requestBody.count(bytes.length - at);
    }
    return passed.bytes;
  }

  #readRequestHead(bytes: Uint8Array, at: number, passed: Passed): number {
    this.#since ??= this.#options.clock.now();
    const read = this.#requestHead.read(bytes, at);
    if (read === undefined) return bytes.length;
    this.#begin(read.head, passed);
    this.#since = undefined;
    return read.to;
  }

  /** A request has come as far as its body. */
  #begin(bytes: Uint8Array, passed: Passed): void {
    const parsed = parseRequestHead(bytes);
    const { head } = parsed;
    const isFirst = !this.#hasAsked;
    this.#hasAsked = true;
    try {
      if (head.version === "2.0") return this.#beginHttp2(head, bytes, isFirst, passed);
      const body = new BodyReader(requestFraming(head));
      const authority = authorityOf(head);
      this.#admit(parsed, authority);
      if (this.#waiting.isFull) {
        throw new BadMessage(503, "too many requests wait for their answers");
      }
      const { visitor, forwarded, host, credentials } = this.#options;
      const isGuarded = credentials !== undefined;
      const isChanged = isGuarded || forwarded !== undefined || host !== undefined;
      const next = isChanged
        ? rewrite(parsed, authority, { visitor, isGuarded, forwarded, host })
        : { head, bytes };
      passed.add(next.bytes);
      const exchange = this.#wait(next.head, bytes.length);
      this.#requestBody = body.isOver ? undefined : body;
      this.#asking = body.isOver ? undefined : exchange;
    } catch (thrown) {
      if (thrown instanceof BadMessage) this.#wait(head, bytes.length, thrown);
      throw thrown;
    }
  }

  /** @throws {BadMessage} If the request is not for this endpoint, or has to say the password. */
  #admit({ head }: ParsedRequest, authority: string | undefined): void {
    const { name, credentials } = this.#options;
    if (name !== undefined && nameOf(authority ?? "") !== name) {
      throw new BadMessage(421, `this connection is for ${name}`);
    }
    if (credentials !== undefined && !isAuthorized(head.fields, credentials)) {
      throw new BadMessage(401, "a name and a password are needed");
    }
  }

  /** A connection of HTTP/2 with prior knowledge (RFC 9113 §3.3) is passed on without a look at what it says. */
  #beginHttp2(head: RequestHead, bytes: Uint8Array, isFirst: boolean, passed: Passed): void {
    if (!isFirst) throw new BadMessage(400, "HTTP/2 in the middle of a connection");
    if (this.#options.credentials !== undefined) {
      throw new BadMessage(505, "HTTP/2 without TLS cannot be asked for a password");
    }
    passed.add(bytes);
    this.#wait(head, bytes.length);
    this.#upgrade("h2c");
  }

  #wait(head: RequestHead, size: number, refused?: BadMessage): Exchange {
    return this.#waiting.add(head, this.#since ?? this.#options.clock.now(), size, refused);
  }

  #readRequestBody(bytes: Uint8Array, at: number, body: BodyReader, passed: Passed): number {
    const { to, content } = body.read(bytes, at);
    passed.add(bytes.subarray(at, to));
    const asking = this.#asking!;
    if (content !== undefined && asking.requestBody.add(content)) {
      this.#options.onExchange(asking, "kept");
    }
    if (body.isOver) this.#asked();
    return to;
  }

  /** The request whose body came is over. */
  #asked(): void {
    const asked = this.#asking;
    this.#requestBody = undefined;
    this.#asking = undefined;
    if (asked?.outcome !== undefined) this.#options.onExchange(asked, "ended");
  }

  /** Nothing more goes on to the service. */
  #refuse(bad: BadMessage): void {
    this.#isRefusing = true;
    const asking = this.#asking;
    const { last } = this.#waiting;
    if (asking !== undefined) {
      // It was passed on in part, and may have been answered.
      if (last?.exchange === asking) last.refused = bad;
      this.#asked();
    } else if (last?.refused === undefined) this.#wait(UNREADABLE, 0, bad);
    if (this.#waiting.first === undefined) this.answer = NOTHING;
    else this.#answerRefused(NOTHING);
  }

  /** Answers the request that goes no further, if it is its turn. */
  #answerRefused(before: Uint8Array): boolean {
    const { first } = this.#waiting;
    if (first?.refused === undefined) return false;
    const { exchange, refused } = first;
    if (exchange.response === undefined) {
      const { head, body, bytes } = refusalOf(refused, exchange.request.method);
      this.answer = concat([before, bytes]);
      this.#waiting.responded(head);
      exchange.responseBody.add(body);
    } else this.answer = concat([before]);
    this.#answered("refused");
    return true;
  }

  down(bytes: Uint8Array): Uint8Array {
    if (this.answer !== undefined) return NOTHING;
    let at = 0;
    while (at < bytes.length && this.#upgraded === undefined) {
      try {
        at = this.#responseBody === undefined
          ? this.#readResponseHead(bytes, at)
          : this.#readResponseBody(bytes, at, this.#responseBody);
      } catch (thrown) {
        if (!(thrown instanceof BadMessage)) throw thrown;
        // Whatever it is, it is the visitor's to understand; nobody can say what it is, or where it ends.
        this.#isMalformed = true;
        this.#responseBody = new BodyReader({ kind: "until_close" });
      }
      // What the service says behind the last answer that was asked of it goes no further.
      if (this.#isRefusing && this.#answerRefused(bytes.subarray(0, at))) return NOTHING;
    }
    this.#upgraded?.responseBody.count(bytes.length - at);
    return bytes;
  }

  #readResponseHead(bytes: Uint8Array, at: number): number {
    const read = this.#responseHead.read(bytes, at);
    if (read === undefined) return bytes.length;
    const head = parseResponseHead(read.head);
    const { first } = this.#waiting;
    const isSwitch = head.status === 101;
    if (head.status < 200 && !isSwitch) {
      if (first !== undefined && first.exchange.interim.length < MOST_INTERIM) {
        first.exchange.interim = [...first.exchange.interim, head.status];
      }
      return read.to;
    }
    const method = first?.exchange.request.method;
    const framing = responseFraming(head, method);
    // An answer that nobody asked for, such as 408, is the last one.
    if (first === undefined) throw new BadMessage(400, "an answer without a request");
    this.#waiting.responded(head);
    if (isSwitch) this.#upgrade(valueOf(head.fields, "upgrade") ?? "unknown");
    else if (method === "CONNECT" && head.status < 300) this.#upgrade("CONNECT");
    else {
      this.#responseBody = new BodyReader(framing);
      if (this.#responseBody.isOver) this.#answered("complete");
    }
    return read.to;
  }

  #readResponseBody(bytes: Uint8Array, at: number, body: BodyReader): number {
    const { to, content } = body.read(bytes, at);
    const exchange = this.#waiting.first?.exchange;
    const isContent = exchange !== undefined && content !== undefined && !this.#isMalformed;
    if (isContent && exchange.responseBody.add(content)) this.#options.onExchange(exchange, "kept");
    if (body.isOver) this.#answered("complete");
    return to;
  }

  /** The first exchange that waits does so no more. */
  #answered(outcome: ExchangeOutcome): void {
    this.#responseBody = undefined;
    const exchange = this.#waiting.answered(outcome);
    const isOver = exchange !== this.#asking && exchange !== this.#upgraded;
    if (isOver) this.#options.onExchange(exchange, "ended");
  }

  /** From here on the connection speaks another protocol. */
  #upgrade(protocol: string): void {
    const { exchange } = this.#waiting.first!;
    this.#upgraded = exchange;
    this.#asking = undefined;
    exchange.upgradedTo = protocol;
    this.#answered("complete");
  }

  upEnded(): void {}

  downEnded(): void {
    if (this.#responseBody?.endsWithStream && this.#waiting.first !== undefined) {
      this.#answered(this.#isMalformed ? "malformed" : "complete");
    }
  }

  closed(): void {
    for (let first; (first = this.#waiting.first) !== undefined;) {
      const { exchange, refused } = first;
      if (refused !== undefined) this.#answered("refused");
      else if (this.#isMalformed) this.#answered("malformed");
      else this.#answered(exchange.response === undefined ? "unanswered" : "cut_short");
    }
    this.#asked();
    if (this.#upgraded !== undefined) this.#options.onExchange(this.#upgraded, "ended");
    this.#upgraded = undefined;
  }
}
