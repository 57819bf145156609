/**
 * The connections, or flows, that a listener has now.
 *
 * @module
 */

/** Counts connections or flows, of all clients and of each. Its size is bounded by their number. */
export class ListenerLoad {
  /** Of all clients, those included whose client is not known yet. */
  active = 0;
  /** A client without any has no entry. */
  readonly #byClient = new Map<string, number>();

  /** How many a client has. */
  of(client: string): number {
    return this.#byClient.get(client) ?? 0;
  }

  /** Counts one of a client; returns how many it has now. */
  add(client: string): number {
    const count = this.of(client) + 1;
    this.#byClient.set(client, count);
    return count;
  }

  /** Ends the count of one that was added. */
  remove(client: string): void {
    const count = this.of(client) - 1;
    if (count > 0) this.#byClient.set(client, count);
    else this.#byClient.delete(client);
  }
}
