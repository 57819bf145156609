/**
 * Where the datagrams of a thread come in and leave. They lie in one memory from the call that received them to the one
 * that sends them on: a slot of it is used again only when nothing is left to be sent.
 *
 * @module
 */
import type { RawPeer } from "./datagram_addresses.ts";
import { type RawAddress, SOL_UDP, UDP_SEGMENT } from "./datagram_layout.ts";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "./layout.ts";
import * as libc from "./libc.ts";
import type { Poller } from "./poller.ts";
import { ReceiveBatch, type ReceiveCalls } from "./receive_batch.ts";
import { type Outlet, SendBatch, type SendCalls } from "./send_batch.ts";

/** What the datagram sockets of one thread share. */
export class Transit {
  readonly poller: Poller;
  /** What who runs sluice should know of its ports, in words. */
  readonly notices = new Set<string>();
  /** What the last {@linkcode receive} brought. */
  readonly received: ReceiveBatch;
  readonly #sends: SendBatch;
  #later: Array<() => void> = [];
  #isScheduled = false;

  /** @param calls Those of the C library, but in tests. */
  constructor(poller: Poller, calls: ReceiveCalls & SendCalls = libc) {
    this.poller = poller;
    this.received = new ReceiveBatch(calls, libc.addressOf);
    this.#sends = new SendBatch(calls, libc.addressOf, () => this.received.memory, canCut());
  }

  /**
   * Receives from a socket.
   * @see ReceiveBatch.receive
   */
  receive(fd: number, most: number, isNamed: boolean): number {
    if (!this.#sends.isEmpty && !this.received.hasRoomFor(most)) this.#sends.flush();
    if (this.#sends.isEmpty) this.received.clear();
    return this.received.receive(fd, most, isNamed);
  }

  /** Leaves the memory that datagrams were received into to who still reads them. */
  leaveMemory(): void {
    this.#sends.flush();
    this.received.renew();
  }

  /** Sends a datagram at the end of the batch of events, or before the next one. What is in no slot is copied. */
  send(outlet: Outlet, datagram: Uint8Array, to?: RawPeer, source?: RawAddress): void {
    this.#sends.add(outlet, datagram, to, source);
    this.#schedule();
  }

  /** Sends at once what is left to be sent: a socket is to be closed, and another one may get its number. */
  flush(): void {
    this.#sends.flush();
  }

  /** Calls `task` when nothing is being sent or received. */
  later(task: () => void): void {
    this.#later.push(task);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.poller.soon(this.#finish);
  }

  readonly #finish = (): void => {
    this.#isScheduled = false;
    this.#sends.flush();
    if (this.#later.length === 0) return;
    const tasks = this.#later;
    this.#later = [];
    for (const task of tasks) task();
  };
}

/** Whether the kernel can cut messages into datagrams (Linux 4.18): one that cannot would send them whole. */
function canCut(): boolean {
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const result = libc.getOption(fd, SOL_UDP, UDP_SEGMENT);
  libc.close(fd);
  return result >= 0;
}
