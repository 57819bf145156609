/**
 * Exchanges of a connection whose answers have not come, or not all of them, in the order of their requests.
 *
 * @module
 */
import { Exchange, type ExchangeOutcome } from "./exchange.ts";
import type { BadMessage, RequestHead, ResponseHead } from "./head.ts";
import type { HttpTapOptions } from "./options.ts";
import { formatVisitor } from "./rewrite.ts";

/** Most that wait, and bytes of their heads together. */
const MOST = 32;
const MOST_BYTES = 262_144;

/** One that waits. */
interface Entry {
  readonly exchange: Exchange;
  /** When its first byte came (`Clock.now()`, ms). */
  readonly since: number;
  /** Bytes of its head. */
  readonly size: number;
  /** Why it goes no further: then it is the last one. */
  refused?: BadMessage;
}

export class Waiting {
  readonly #options: HttpTapOptions;
  readonly #entries: Entry[] = [];
  #bytes = 0;

  constructor(options: HttpTapOptions) {
    this.#options = options;
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  get last(): Entry | undefined {
    return this.#entries.at(-1);
  }

  get isFull(): boolean {
    return this.#entries.length === MOST || this.#bytes > MOST_BYTES;
  }

  /** A request has come as far as its body. */
  add(head: RequestHead, since: number, size: number, refused?: BadMessage): Exchange {
    const { clock, endpoint, visitor, replayOf, keeps, onExchange } = this.#options;
    const place = {
      endpoint,
      visitor: formatVisitor(visitor),
      ...replayOf !== undefined && { replayOf },
    };
    const startedAt = clock.date() - (clock.now() - since);
    const exchange = new Exchange(place, startedAt, head, keeps);
    this.#entries.push({ exchange, since, size, ...refused && { refused } });
    this.#bytes += size;
    onExchange(exchange, "began");
    return exchange;
  }

  /** The head of the answer to the first one has come. */
  responded(head: ResponseHead): void {
    const { clock, onExchange } = this.#options;
    const { exchange, since } = this.#entries[0]!;
    exchange.response = head;
    exchange.waited = clock.now() - since;
    onExchange(exchange, "responded");
  }

  /** The first one does not wait any more. */
  answered(outcome: ExchangeOutcome): Exchange {
    const { clock, onExchange } = this.#options;
    const { exchange, since, size } = this.#entries.shift()!;
    this.#bytes -= size;
    exchange.outcome = outcome;
    exchange.duration = clock.now() - since;
    onExchange(exchange, "answered");
    return exchange;
  }
}
