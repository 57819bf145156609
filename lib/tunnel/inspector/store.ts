/**
 * The exchanges that can be looked at: the latest ones, within bounds.
 *
 * @module
 */
import type { Exchange, ExchangeEvent } from "../http/exchange.ts";
import type { Field } from "../http/fields.ts";

/** Most bytes that are kept of a body: what the tap of an endpoint is told when there is an inspector. */
export const KEPT_OF_A_BODY = 262_144;

/** Most exchanges, and bytes of their heads and bodies together. */
export const MOST_EXCHANGES = 500;
const MOST_BYTES = 32 * 1024 * 1024;
/** What an exchange takes beside its bytes, about. */
const OVERHEAD = 1024;

/** The oldest give way. */
export class Store {
  /** In the order in which they began. */
  readonly #exchanges = new Map<number, Exchange>();
  readonly #sizes = new Map<number, number>();
  #bytes = 0;

  get size(): number {
    return this.#exchanges.size;
  }

  /** Of all exchanges together. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: number): Exchange | undefined {
    return this.#exchanges.get(id);
  }

  all(): Iterable<Exchange> {
    return this.#exchanges.values();
  }

  /**
   * Takes an exchange in, or what is new about it.
   * @returns The ids of those that gave way, which may be its own.
   */
  observe(exchange: Exchange, event: ExchangeEvent): readonly number[] {
    const { id } = exchange;
    if (event === "began") this.#exchanges.set(id, exchange);
    else if (!this.#exchanges.has(id)) return [];
    const size = sizeOf(exchange);
    this.#bytes += size - (this.#sizes.get(id) ?? 0);
    this.#sizes.set(id, size);
    const gone: number[] = [];
    for (const oldest of this.#exchanges.keys()) {
      if (this.size <= MOST_EXCHANGES && this.#bytes <= MOST_BYTES) break;
      gone.push(oldest);
      this.#remove(oldest);
    }
    return gone;
  }

  #remove(id: number): void {
    this.#exchanges.get(id)?.forget();
    this.#exchanges.delete(id);
    this.#bytes -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }
}

function sizeOf({ request, response, kept }: Exchange): number {
  const length = (fields: readonly Field[]) =>
    fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return OVERHEAD + kept + request.target.length + length(request.fields) +
    length(response?.fields ?? []);
}
