/**
 * Data threads in this thread: each message is cloned, and comes in a turn of its own, as between real ones.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { DataThread, type DataThreadParts } from "../../lib/data_thread/data_thread.ts";
import type {
  Ear,
  FromThread,
  StartThread,
  ThreadHandle,
  ThreadStart,
  ToThread,
} from "../../lib/data_thread/messages.ts";
import type { Clock, Net } from "../../lib/runtime/runtime.ts";

export class MemoryThreads {
  /** Of all that were started. */
  readonly threads: MemoryThread[] = [];
  /** What is to be known of their sockets. */
  readonly notices = new Set<string>();
  /** Why none can be started. */
  unfit: string | undefined;
  readonly #net: Net;
  readonly #clock: Clock;

  constructor(net: Net, clock: Clock) {
    this.#net = net;
    this.#clock = clock;
  }

  readonly start: StartThread = async (start, ear) => {
    await turn();
    if (this.unfit !== undefined) throw new Error(this.unfit);
    const parts = { net: this.#net, clock: this.#clock, notices: () => this.notices };
    const thread = new MemoryThread(parts, start, ear);
    this.threads.push(thread);
    return thread;
  };

  /** The one that was started last. */
  get last(): MemoryThread {
    return this.threads.at(-1)!;
  }
}

export class MemoryThread implements ThreadHandle {
  /** Whether it takes no messages, as one that is caught in a loop. */
  isStuck = false;
  isOver = false;
  readonly #inside: DataThread;
  readonly #ear: Ear;

  constructor(
    parts: Pick<DataThreadParts, "net" | "clock" | "notices">,
    start: ThreadStart,
    ear: Ear,
  ) {
    this.#ear = ear;
    this.#inside = new DataThread({
      ...parts,
      ...start,
      random: () => 0,
      say: (message) => void this.#deliver(structuredClone(message)),
      attend: (promise) => promise,
    });
  }

  say(message: ToThread): void {
    const clone = structuredClone(message);
    setImmediate(() => {
      if (!this.isOver && !this.isStuck) this.#inside.hear(clone);
    });
  }

  async end(): Promise<void> {
    await turn();
    this.isOver = true;
    this.#inside.close();
  }

  /** Has a fault. */
  async fail(why: string): Promise<void> {
    this.#inside.close();
    await turn();
    this.isOver = true;
    this.#ear.failed(why);
  }

  async #deliver(message: FromThread): Promise<void> {
    await turn();
    if (!this.isOver) this.#ear.hear(message);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
