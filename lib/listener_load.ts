/**
 * The connections that a listener has now.
 *
 * @module
 */

/** Counts connections, of all clients and of each. Its size is bounded by their number. */
export class ListenerLoad {
  /** Connections of all clients, those included whose client is not known yet. */
  active = 0;
  /** An address without connections has no entry. */
  readonly #byClient = new Map<string, number>();

  /** Counts a connection of a client; returns how many it has now. */
  add(address: string): number {
    const count = (this.#byClient.get(address) ?? 0) + 1;
    this.#byClient.set(address, count);
    return count;
  }

  /** Ends the count of one connection that was added. */
  remove(address: string): void {
    const count = (this.#byClient.get(address) ?? 1) - 1;
    if (count > 0) this.#byClient.set(address, count);
    else this.#byClient.delete(address);
  }
}
