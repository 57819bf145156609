/**
 * What an {@linkcode HttpTap} makes of a conversation.
 *
 * @module
 */
import type { Exchange } from "../../lib/tunnel/http/exchange.ts";
import type { HttpTapOptions } from "../../lib/tunnel/http/options.ts";
import { concat } from "../../lib/tunnel/http/passed.ts";
import { HttpTap } from "../../lib/tunnel/http/tap.ts";
import { ManualClock } from "./clock.ts";
import { bytesOf } from "./rig.ts";

/** A tap between a visitor and a service that the test plays both. */
export class Talk {
  readonly clock = new ManualClock();
  readonly tap: HttpTap;
  readonly exchanges: Exchange[] = [];
  /** `began 1`, `answered 1` …, numbered from 1; without `kept`. */
  readonly events: string[] = [];
  readonly #up: Uint8Array[] = [];
  readonly #down: Uint8Array[] = [];
  #wasAnswered = false;

  constructor(options: Partial<HttpTapOptions> = {}) {
    this.tap = new HttpTap({
      clock: this.clock,
      endpoint: "blog",
      visitor: { address: "192.0.2.7", port: 4711 },
      keeps: 1000,
      onExchange: (exchange, event) => {
        if (event === "began") this.exchanges.push(exchange);
        if (event !== "kept") this.events.push(`${event} ${this.exchanges.indexOf(exchange) + 1}`);
      },
      ...options,
    });
  }

  /** The visitor says something, which is passed on unless it has an answer already. */
  asks(said: string | Uint8Array): this {
    const bytes = typeof said === "string" ? bytesOf(said) : said.slice();
    const passed = this.tap.up(bytes);
    if (!this.#isAnswered()) this.#up.push(passed.slice());
    // What was given is altered by others afterwards.
    bytes.fill(0x2a);
    return this;
  }

  /** The service says something. */
  says(said: string | Uint8Array): this {
    if (this.tap.answer !== undefined) return this;
    const bytes = typeof said === "string" ? bytesOf(said) : said.slice();
    const passed = this.tap.down(bytes);
    if (!this.#isAnswered()) this.#down.push(passed.slice());
    bytes.fill(0x2a);
    return this;
  }

  /** As the relay does: an answer takes the place of what the call returned. */
  #isAnswered(): boolean {
    if (this.tap.answer === undefined) return false;
    if (!this.#wasAnswered) this.#down.push(this.tap.answer);
    this.#wasAnswered = true;
    return true;
  }

  /** The service, and then the visit, is over. */
  ends(): this {
    if (this.tap.answer === undefined) this.tap.downEnded();
    this.tap.closed();
    return this;
  }

  get outcomes(): Array<string | undefined> {
    return this.exchanges.map(({ outcome }) => outcome);
  }
  /** What went on to the service, … */
  get up(): Uint8Array {
    return concat(this.#up);
  }
  /** … and what to the visitor. */
  get down(): Uint8Array {
    return concat(this.#down);
  }
  get upText(): string {
    return textOf(this.up);
  }
  get downText(): string {
    return textOf(this.down);
  }
}

/** One character a byte. */
export function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
