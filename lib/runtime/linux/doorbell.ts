/**
 * How a thread that blocks in epoll hears that the main thread has sent it a message: an eventfd wakes it, and a shared
 * count tells how many messages the runtime has to bring before it may block again.
 *
 * @module
 */
import { clearEvent, closeEvent, openEvent, signalEvent } from "./event_fd.ts";
import { EPOLLIN } from "./layout.ts";
import type { Loop } from "./loop.ts";
import type { Poller, PollHandler } from "./poller.ts";

/** What the inside is told of a doorbell. */
export interface DoorbellWire {
  /** An eventfd, which belongs to the outside. */
  readonly fd: number;
  /** How often it was rung: an Int32 that wraps around. */
  readonly rings: SharedArrayBuffer;
}

/** The outside. */
export class Doorbell {
  readonly wire: DoorbellWire;
  readonly #rings: Int32Array;

  /** @throws {NetError} `exhausted` */
  constructor() {
    this.wire = { fd: openEvent(), rings: new SharedArrayBuffer(4) };
    this.#rings = new Int32Array(this.wire.rings);
  }

  /** To be rung once for each message, after it was sent. */
  ring(): void {
    Atomics.add(this.#rings, 0, 1);
    signalEvent(this.wire.fd);
  }

  /** Once, when the inside is gone. */
  close(): void {
    closeEvent(this.wire.fd);
  }
}

/** The inside. */
export class Doorkeeper implements PollHandler {
  readonly #fd: number;
  readonly #rings: Int32Array;
  readonly #poller: Poller;
  readonly #loop: Loop;
  /** Messages that came: an Int32 that wraps around, as the rings. */
  #received = 0;
  #awaited: PromiseWithResolvers<void> | undefined;

  /** @throws {NetError} `exhausted` */
  constructor({ fd, rings }: DoorbellWire, poller: Poller, loop: Loop) {
    this.#fd = fd;
    this.#rings = new Int32Array(rings);
    this.#poller = poller;
    this.#loop = loop;
    poller.add(fd, EPOLLIN, this);
  }

  onEvents(): void {
    clearEvent(this.#fd);
    if (this.#hasAll || this.#awaited !== undefined) return;
    this.#awaited = Promise.withResolvers();
    void this.#loop.attend(this.#awaited.promise);
  }

  /** To be told of every message as it comes. */
  received(): void {
    this.#received = (this.#received + 1) | 0;
    if (!this.#hasAll) return;
    this.#awaited?.resolve();
    this.#awaited = undefined;
  }

  /** Hears no more. */
  leave(): void {
    this.#poller.remove(this.#fd);
  }

  /** A message may be here before its ring is. */
  get #hasAll(): boolean {
    return ((Atomics.load(this.#rings, 0) - this.#received) | 0) <= 0;
  }
}
