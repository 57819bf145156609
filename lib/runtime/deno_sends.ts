/**
 * What the datagram sockets of Deno have in common.
 *
 * @module
 */
import type { FairShare } from "../fair_share.ts";
import type { Clock, Peer } from "./runtime.ts";
import type { Slabs } from "./slabs.ts";

/** What the datagram sockets of one Net share. */
export interface DatagramParts {
  readonly share: FairShare;
  readonly clock: Clock;
  readonly slabs: Slabs;
  readonly sends: Sends;
}

/**
 * What a datagram counts beside its length where turns are taken: receiving it and sending it on takes as long as
 * copying so many bytes of a stream.
 */
export const DATAGRAM = 16_384;

/** A socket, as its sends see it. */
export interface Sender {
  readonly conn: Deno.DatagramConn;
  /** One of its sends is over. */
  onSent(): void;
  /** One of its sends is over, and the datagram is lost. */
  onNotSent(error: unknown): void;
}

/** Sends that are over and may be used again, at most. */
const MOST_IDLE = 1024;

/** The sends of all sockets: each is used for one datagram after the other, of any socket, so that none makes closures. */
export class Sends {
  readonly #idle: Send[] = [];

  /** Sends `datagram`, whose bytes must not be altered until the returned promise resolves; it never rejects. */
  send(sender: Sender, datagram: Uint8Array, to: Peer): Promise<void> {
    const send = this.#idle.pop() ?? new Send(this.#idle);
    return send.start(sender, datagram, to);
  }
}

class Send {
  readonly #idle: Send[];
  #sender: Sender | undefined;

  constructor(idle: Send[]) {
    this.#idle = idle;
  }

  start(sender: Sender, datagram: Uint8Array, to: Peer): Promise<void> {
    this.#sender = sender;
    // Deno looks for no more than a Peer has.
    return sender.conn.send(datagram, to as Deno.NetAddr).then(this.#onSent, this.#onNotSent);
  }

  readonly #onSent = (): void => this.#end()?.onSent();
  readonly #onNotSent = (error: unknown): void => this.#end()?.onNotSent(error);

  #end(): Sender | undefined {
    const sender = this.#sender;
    this.#sender = undefined;
    if (this.#idle.length < MOST_IDLE) this.#idle.push(this);
    return sender;
  }
}

/** How long a socket rests after an error that was no datagram's, ms: the next receive may fail as well. */
const REST = 10;

/** Resolves after a rest. */
export function rest(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, REST));
}
