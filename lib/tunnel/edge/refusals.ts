/**
 * Lines about strangers, of whom anybody can send as many as he likes: some are told, the rest are counted.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../../addr.ts";
import type { Log } from "../../log.ts";
import type { Timeout, Timeouts } from "../../timeouts.ts";

/** Lines in one span; its length, ms. */
const MOST_LINES = 10;
const SPAN = 10_000;

export class Refusals {
  readonly #log: Pick<Log, "info">;
  readonly #timeouts: Timeouts;
  #count = 0;
  #span: Timeout | undefined;

  constructor(log: Pick<Log, "info">, timeouts: Timeouts) {
    this.#log = log;
    this.#timeouts = timeouts;
  }

  /** Tells why one was refused. */
  tell(why: string, client: SocketAddress): void {
    this.#span ??= this.#timeouts.start(SPAN, () => this.#sumUp());
    if (++this.#count > MOST_LINES) return;
    this.#log.info(`edge: refused: ${why}`, { client: formatAddress(client) });
  }

  #sumUp(): void {
    this.#span = undefined;
    const more = this.#count - MOST_LINES;
    this.#count = 0;
    if (more > 0) this.#log.info(`edge: refused: ${more} more connections`);
  }
}
