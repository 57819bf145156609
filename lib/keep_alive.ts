/**
 * When the kernel is asked to look after a pipe.
 *
 * @module
 */
import type { Conn } from "./runtime/runtime.ts";
import { Timeout } from "./timeouts.ts";

/** Turns keepalive on for both sides of a pipe when it has passed: most pipes are over by then. */
export class KeepAlive extends Timeout {
  readonly #downstream: Conn;
  readonly #upstream: Conn;
  readonly #idle: number;

  /** @param idle As in `Conn.setKeepAlive`, ms. */
  constructor(downstream: Conn, upstream: Conn, idle: number) {
    super(KeepAlive.prototype.turnOn);
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#idle = idle;
  }

  turnOn(): void {
    this.#downstream.setKeepAlive(this.#idle);
    this.#upstream.setKeepAlive(this.#idle);
  }
}
