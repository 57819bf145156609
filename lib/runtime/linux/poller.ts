/**
 * Who waits for which descriptor: epoll.
 *
 * @module
 */
import { netErrorOf } from "./errors.ts";
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, ERRNO, O_CLOEXEC } from "./layout.ts";
import { close, epollControl, epollCreate, epollWait, layout } from "./libc.ts";

/** Most events of one batch. */
const BATCH = 256;

/** In units of 4 bytes, as events are read. */
const STRIDE = layout.epollEvent.size / 4;
const DATA = layout.epollEvent.data / 4;

/** Who is told of a descriptor's events. It throws nothing: a fault there is one of the whole plane. */
export interface PollHandler {
  /** @param events EPOLLIN and so on, as an unsigned number. */
  onEvents(events: number): void;
}

/**
 * The descriptors of a thread and who handles their events. Whoever owns a descriptor closes it here, so that a stale
 * event finds nobody: with the kernel's events goes the generation of the descriptor, and its number may be in use
 * again, even within a batch.
 */
export class Poller {
  /**
   * Set by whoever resolves or rejects a promise in the dispatch: before the loop blocks again, those who awaited it go
   * on, and whom they wake in turn.
   */
  needsYield = false;
  /** Called when a turn has waited, before it hands out what it waited for. */
  onWoken: (() => void) | undefined;
  readonly #epoll: number;
  readonly #events = new Uint32Array(BATCH * STRIDE);
  readonly #event = new Uint32Array(STRIDE);
  /** Both by the number of the descriptor. */
  readonly #handlers: Array<PollHandler | undefined> = [];
  #generations = new Uint32Array(1024);
  #watched = 0;
  /** Events that the next turn begins with: descriptor, generation, events, and again. */
  #again: number[] = [];
  #soon: Array<() => void> = [];

  /** @throws {NetError} */
  constructor() {
    this.#epoll = epollCreate(O_CLOEXEC);
    if (this.#epoll < 0) throw netErrorOf(this.#epoll);
  }

  /** How many descriptors are watched. */
  get watched(): number {
    return this.#watched;
  }

  /** Whether the next turn has something to do without waiting. */
  get hasWork(): boolean {
    return this.#again.length > 0 || this.#soon.length > 0;
  }

  /**
   * Watches `fd`, which is not watched yet. What it is ready for already is an event too.
   * @param events EPOLLIN and so on; EPOLLERR and EPOLLHUP are told of in any case.
   * @throws {NetError} `exhausted`
   */
  add(fd: number, events: number, handler: PollHandler): void {
    if (fd >= this.#generations.length) this.#grow(fd);
    this.#generations[fd]!++;
    this.#control(EPOLL_CTL_ADD, fd, events);
    this.#handlers[fd] = handler;
    this.#watched++;
  }

  /** Watches `fd` for other events. @throws {NetError} `exhausted` */
  modify(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  /** From now on the events of `fd`, which is watched, are handled by somebody else. */
  handOver(fd: number, handler: PollHandler): void {
    this.#handlers[fd] = handler;
  }

  /** Watches `fd` no more. It stays open. Does nothing if it is not watched. */
  remove(fd: number): void {
    if (this.#forget(fd)) epollControl(this.#epoll, EPOLL_CTL_DEL, fd, this.#event);
  }

  /** Closes `fd`, whether it is watched or not; no event of it comes any more. */
  close(fd: number): void {
    this.#forget(fd);
    close(fd);
  }

  /** Has the handler of `fd` called with `events` in the next turn, which then does not wait: for who had to stop. */
  again(fd: number, events: number): void {
    this.#again.push(fd, this.#generations[fd]!, events);
  }

  /**
   * Calls `task` once, when the events of this batch were handed out, or else before the next ones are waited for: for
   * who does in one go what many events have left it.
   */
  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /**
   * Waits for events and hands them out.
   * @param timeout ms, rounded up; Infinity: until there is one. With work at hand it does not wait.
   * @returns How many there were.
   */
  turn(timeout: number): number {
    // What was done may have set a timer that `timeout` knows nothing of.
    const didSomething = this.#callSoon();
    const again = this.#again;
    const wait = didSomething || this.hasWork ? 0 : timeout === Infinity ? -1 : Math.ceil(timeout);
    const events = this.#events;
    const count = Math.max(0, epollWait(this.#epoll, events, BATCH, wait));
    if (wait !== 0) this.onWoken?.();
    if (again.length > 0) this.#again = [];
    for (let i = 0, at = 0; i < count; i++, at += STRIDE) {
      this.#hand(events[at + DATA]!, events[at + DATA + 1]!, events[at]!);
    }
    for (let at = 0; at < again.length; at += 3) {
      this.#hand(again[at]!, again[at + 1]!, again[at + 2]!);
    }
    this.#callSoon();
    return count + again.length / 3;
  }

  /** Lets go of epoll. What is still watched has to be closed by its owners. */
  end(): void {
    close(this.#epoll);
  }

  /** Ends it, and closes what is still watched, for owners who never will. */
  abandon(): void {
    this.#handlers.forEach((handler, fd) => {
      if (handler !== undefined) this.close(fd);
    });
    this.end();
  }

  #hand(fd: number, generation: number, events: number): void {
    if (this.#generations[fd] === generation) this.#handlers[fd]?.onEvents(events);
  }

  /** Says whether there was anything. */
  #callSoon(): boolean {
    const tasks = this.#soon;
    if (tasks.length === 0) return false;
    this.#soon = [];
    for (const task of tasks) task();
    return true;
  }

  #forget(fd: number): boolean {
    if (this.#handlers[fd] === undefined) return false;
    this.#handlers[fd] = undefined;
    this.#watched--;
    return true;
  }

  #control(operation: number, fd: number, events: number): void {
    this.#event[0] = events;
    this.#event[DATA] = fd;
    this.#event[DATA + 1] = this.#generations[fd]!;
    const result = epollControl(this.#epoll, operation, fd, this.#event);
    if (result === -ERRNO.ENOSPC) throw netErrorOf(-ERRNO.ENOMEM);
    if (result < 0) throw netErrorOf(result);
  }

  #grow(fd: number): void {
    const generations = new Uint32Array(Math.max(fd + 1, 2 * this.#generations.length));
    generations.set(this.#generations);
    this.#generations = generations;
  }
}
