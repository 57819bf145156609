/**
 * Tickets: each lets one data channel join the control channel that it was given on, once and soon.
 *
 * @module
 */
import type { Clock } from "../../runtime/runtime.ts";
import { toBase64url, unguessable } from "../auth.ts";

/** How long a ticket is good, ms. */
export const TICKET_LIFETIME = 30_000;

/** Most that are remembered, in case the agents of many have gone at once; the oldest give way. */
const MOST_TICKETS_OUT = 65_536;

interface Ticket<Owner> {
  /** Who gave it; absent once he is gone. */
  owner: Owner | undefined;
  readonly due: number;
}

export type Redeemed<Owner> =
  | { readonly kind: "good"; readonly owner: Owner }
  /** It was good, but who gave it is gone: whoever has it has come too late, and is no stranger. */
  | { readonly kind: "gone" }
  | { readonly kind: "unknown" };

/** Tickets that are out, by who gave them. */
export class Tickets<Owner> {
  readonly #clock: Clock;
  /** In the order in which they expire. */
  readonly #out = new Map<string, Ticket<Owner>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are out. */
  get size(): number {
    return this.#out.size;
  }

  /** New ones of `owner`, who bounds their number. */
  issue(owner: Owner, count: number): Uint8Array[] {
    const due = this.#clock.now() + TICKET_LIFETIME;
    return Array.from({ length: count }, () => {
      const ticket = unguessable();
      this.#out.set(toBase64url(ticket), { owner, due });
      if (this.#out.size > MOST_TICKETS_OUT) this.#out.delete(this.#out.keys().next().value!);
      return ticket;
    });
  }

  /** Whose ticket it is; from now on it is nobody's. */
  redeem(ticket: Uint8Array): Redeemed<Owner> {
    const text = toBase64url(ticket);
    const found = this.#out.get(text);
    this.#out.delete(text);
    if (found === undefined || this.#clock.now() >= found.due) return { kind: "unknown" };
    return found.owner === undefined ? { kind: "gone" } : { kind: "good", owner: found.owner };
  }

  /** Takes those away that have expired; says whose they were. */
  expire(): readonly Owner[] {
    const now = this.#clock.now();
    const owners: Owner[] = [];
    for (const [text, { owner, due }] of this.#out) {
      if (due > now) break;
      this.#out.delete(text);
      if (owner !== undefined) owners.push(owner);
    }
    return owners;
  }

  /** All of `owner` are good for nothing any more. */
  revoke(owner: Owner): void {
    for (const ticket of this.#out.values()) {
      if (ticket.owner === owner) ticket.owner = undefined;
    }
  }
}
