/**
 * What the datagram sockets of Deno have in common: sends under way, and what the sockets share.
 *
 * @module
 */
import type { FairShare } from "../fair_share.ts";
import type { Clock, Peer, Sending } from "./runtime.ts";
import type { Slabs } from "./slabs.ts";

/** What the sockets of one Net share. */
export interface DatagramParts {
  readonly share: FairShare;
  readonly clock: Clock;
  readonly slabs: Slabs;
}

/** Sends of one socket that may be under way. They are only while the system's buffer is full. */
const MOST_SENDS = 64;

/** The sends of one socket. */
export class Sends {
  readonly #conn: Deno.DatagramConn;
  readonly #onFailed: (error: unknown) => void;
  #underWay = 0;
  #onDone: (() => void) | undefined;

  /** @param onFailed Told why a datagram could not be sent. */
  constructor(conn: Deno.DatagramConn, onFailed: (error: unknown) => void) {
    this.#conn = conn;
    this.#onFailed = onFailed;
  }

  get isFull(): boolean {
    return this.#underWay >= MOST_SENDS;
  }

  /** Sends `datagram`, whose bytes must not be altered until the returned promise resolves. It never rejects. */
  send(datagram: Uint8Array, to: Peer): Sending {
    this.#underWay++;
    // Deno looks at the two names alone that a Peer has.
    return this.#conn.send(datagram, to as Deno.NetAddr).then(this.#sent, this.#failed);
  }

  /** Resolves when none is under way: each holds the socket, closed or not. */
  done(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDone = resolve;
      this.#settle();
    });
  }

  readonly #sent = (): void => {
    this.#underWay--;
    this.#settle();
  };

  readonly #failed = (error: unknown): void => {
    this.#sent();
    this.#onFailed(error);
  };

  #settle(): void {
    if (this.#underWay === 0) this.#onDone?.();
  }
}

/** How long a socket rests after an error that was no datagram's, ms: the next receive may fail as well. */
const REST = 10;

/** Resolves after a rest. */
export function rest(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, REST));
}

let isFaultKnown = false;

/** A receiver threw, which none does. The first time is written to standard error: nobody is above to take it. */
export function reportFault(error: unknown): void {
  if (!isFaultKnown) console.error("sluice: internal fault, a datagram is lost:", error);
  isFaultKnown = true;
}
