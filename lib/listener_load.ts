/**
 * The connections, or flows, that a listener has now.
 *
 * @module
 */
import { Count, type Elsewhere } from "./count.ts";

/** Counts connections or flows, of all clients and of each. Its size is bounded by their number. */
export class ListenerLoad {
  /** Of all clients, those included whose client is not known yet. */
  readonly active: Count;
  readonly #key: string;
  readonly #elsewhere: Elsewhere | undefined;
  /** In this thread; a client without any has no entry. */
  readonly #byClient = new Map<string, number>();

  /** @param key Names the listener to other threads, if there are any. */
  constructor(key = "", elsewhere?: Elsewhere) {
    this.active = new Count(key, elsewhere);
    this.#key = key;
    this.#elsewhere = elsewhere;
  }

  /** How many a client has. */
  of(client: string): number {
    const own = this.#byClient.get(client) ?? 0;
    return this.#elsewhere === undefined ? own : own + this.#elsewhere.of(this.#keyOf(client));
  }

  /** Counts one of a client; returns how many it has now. */
  add(client: string): number {
    this.#set(client, (this.#byClient.get(client) ?? 0) + 1);
    return this.of(client);
  }

  /** Ends the count of one that was added. */
  remove(client: string): void {
    this.#set(client, (this.#byClient.get(client) ?? 0) - 1);
  }

  #set(client: string, own: number): void {
    if (own > 0) this.#byClient.set(client, own);
    else this.#byClient.delete(client);
    this.#elsewhere?.tell(this.#keyOf(client), own);
  }

  #keyOf(client: string): string {
    return `${this.#key} ${client}`;
  }
}
