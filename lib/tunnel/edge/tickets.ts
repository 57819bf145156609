/**
 * Tickets: each lets one data channel join the control channel that it was given on, once and soon.
 *
 * @module
 */
import type { Clock } from "../../runtime/runtime.ts";
import { toBase64url, unguessable } from "../auth.ts";

/** How long a ticket is good, ms. */
export const TICKET_LIFETIME = 30_000;

/** Tickets that are out, by who gave them. */
export class Tickets<Owner> {
  readonly #clock: Clock;
  /** In the order in which they expire. */
  readonly #out = new Map<string, { readonly owner: Owner; readonly due: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** New ones of `owner`, who bounds their number. */
  issue(owner: Owner, count: number): Uint8Array[] {
    const due = this.#clock.now() + TICKET_LIFETIME;
    return Array.from({ length: count }, () => {
      const ticket = unguessable();
      this.#out.set(toBase64url(ticket), { owner, due });
      return ticket;
    });
  }

  /** Whose ticket it is; from now on it is nobody's. */
  redeem(ticket: Uint8Array): Owner | undefined {
    const text = toBase64url(ticket);
    const found = this.#out.get(text);
    this.#out.delete(text);
    return found !== undefined && this.#clock.now() < found.due ? found.owner : undefined;
  }

  /** Takes those away that have expired; says whose they were. */
  expire(): readonly Owner[] {
    const now = this.#clock.now();
    const owners: Owner[] = [];
    for (const [text, { owner, due }] of this.#out) {
      if (due > now) break;
      this.#out.delete(text);
      owners.push(owner);
    }
    return owners;
  }

  /** Takes all of `owner` away. */
  revoke(owner: Owner): void {
    for (const [text, ticket] of this.#out) {
      if (ticket.owner === owner) this.#out.delete(text);
    }
  }

  /** How many are out. */
  get size(): number {
    return this.#out.size;
  }
}
