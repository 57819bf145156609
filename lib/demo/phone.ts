/**
 * A SIP phone that asks its server on and on, from one port.
 *
 * @module
 */
import type { Clock } from "../runtime/runtime.ts";
import { type Stage, UDP, within } from "./exchange.ts";
import { sipOptions, sipServer } from "./udp_openings.ts";
import type { UdpWire } from "./udp_wire.ts";

/** From an answer to the next question, ms. */
const PAUSE = 20;

/** Owns its socket until it hangs up. */
export class Phone {
  /** Who has answered, question by question. */
  readonly answers: string[] = [];
  readonly #wire: UdpWire;
  readonly #clock: Clock;
  #isOver = false;
  #rest: Promise<void> = Promise.resolve();

  private constructor(wire: UdpWire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
  }

  /**
   * Asks for the first time, and goes on by itself.
   * @throws {Error} If there is no answer.
   */
  static async call({ clock, journal, port }: Stage): Promise<Phone> {
    const phone = new Phone(await UDP.open(port), clock);
    // The record of its flow comes when nobody waits for it any more, and is not to be shown among those of others.
    void journal.recordOf(UDP.transport, phone.#wire.localPort);
    try {
      await phone.#ask();
    } catch (error) {
      phone.#wire.destroy();
      throw error;
    }
    phone.#rest = phone.#askOn();
    phone.#rest.catch(() => {}); // Told to who hangs up.
    return phone;
  }

  /**
   * Ends it.
   * @throws {Error} If a question was not answered.
   */
  async hangUp(): Promise<void> {
    this.#isOver = true;
    await this.#rest;
  }

  async #askOn(): Promise<void> {
    try {
      while (!this.#isOver) {
        await new Promise<void>((resolve) => this.#clock.setTimer(resolve, PAUSE));
        await this.#ask();
      }
    } finally {
      this.#wire.destroy();
    }
  }

  async #ask(): Promise<void> {
    await this.#wire.send(sipOptions(this.answers.length + 1));
    this.answers.push(sipServer(await within(this.#clock, this.#wire.next())));
  }
}
