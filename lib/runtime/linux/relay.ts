/**
 * The two-way copy: it runs in the dispatch of events and makes no promise. Small reads go through one buffer that all
 * pipes of the thread share; where a read fills it, a pipe of the kernel carries on.
 *
 * @module
 */
import { giveHeadBuffer } from "../../head_buffers.ts";
import { type IdleListener, IdleWatch } from "../../idle_watch.ts";
import type { Timeouts } from "../../timeouts.ts";
import {
  type ByteCounts,
  NetError,
  type PipeEnd,
  type PipeListener,
  type PipeOptions,
} from "../runtime.ts";
import { type KernelPipe, type KernelPipes, PIPE_SIZE } from "./kernel_pipes.ts";
import { ERRNO } from "./layout.ts";
import type { Poller } from "./poller.ts";
import type { LinuxConn, Relaying } from "./streams.ts";

const BUFFER_SIZE = 64 * 1024;
/** What comes in at once before it is everybody else's turn, bytes for each direction. */
const SHARE = 1024 * 1024;

/** What pipes share. Nothing stays in the buffer from one call to the next. */
export interface RelayParts {
  readonly poller: Poller;
  readonly timeouts: Timeouts;
  readonly pipes: KernelPipes;
  readonly buffer: Uint8Array<ArrayBuffer>;
}

export function relayBuffer(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BUFFER_SIZE);
}

/** One direction. It holds something only while `to` does not take it, and then reads nothing. */
interface Lane {
  readonly from: LinuxConn;
  readonly to: LinuxConn;
  readonly count: keyof ByteCounts;
  /** What was read and `to` has not taken. */
  rest: Uint8Array<ArrayBuffer> | undefined;
  /** Carries this direction while much comes at once, and so much is in it. */
  pipe: KernelPipe | undefined;
  piped: number;
  /** Nothing more comes, or nothing more can be delivered. */
  isDone: boolean;
}

/** As `Net.pipe` says. The caller closes both connections at its end. */
export function relay(
  downstream: LinuxConn,
  upstream: LinuxConn,
  options: PipeOptions,
  parts: RelayParts,
  listener: PipeListener,
): void {
  new Relay(downstream, upstream, options, parts, listener).start(options.first);
}

class Relay implements Relaying, IdleListener {
  readonly #up: Lane;
  readonly #down: Lane;
  readonly #counts: ByteCounts;
  readonly #parts: RelayParts;
  readonly #idle: IdleWatch;
  readonly #listener: PipeListener;
  /** Who stopped listening. It may still be speaking: a server that refuses an upload answers it. */
  #broken: PipeEnd | undefined;
  #isOver = false;

  constructor(
    downstream: LinuxConn,
    upstream: LinuxConn,
    { counts, idleTimeout }: PipeOptions,
    parts: RelayParts,
    listener: PipeListener,
  ) {
    this.#up = lane(downstream, upstream, "up");
    this.#down = lane(upstream, downstream, "down");
    this.#counts = counts;
    this.#parts = parts;
    this.#idle = new IdleWatch(parts.timeouts, idleTimeout, counts, this);
    this.#listener = listener;
  }

  /** Delivers the head, and whatever came before this. */
  start(first: Uint8Array): void {
    const { from: downstream, to: upstream } = this.#up;
    try {
      downstream.join(this);
      upstream.join(this);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      // They cannot be watched: nothing can be done with them but to close them.
      return this.#finish("closed");
    }
    if (downstream.isClosed || upstream.isClosed) return this.#finish("closed");
    if (first.length > 0) this.#sendHead(first as Uint8Array<ArrayBuffer>);
    this.#pump(this.#up);
    this.#pump(this.#down);
  }

  onReady(conn: LinuxConn): void {
    const isDownstream = conn === this.#up.from;
    const to = isDownstream ? this.#down : this.#up;
    if (holdsSomething(to)) this.#pump(to);
    this.#pump(isDownstream ? this.#up : this.#down);
  }

  /**
   * A client that is gone: where nothing more is read of it, because it had ended its stream or nobody takes what it has
   * sent, no read would tell. Of a backend that is gone the client may still be taking the answer.
   */
  onReset(conn: LinuxConn): void {
    if (this.#isOver || conn !== this.#up.from) return;
    if (this.#up.isDone || holdsSomething(this.#up)) this.#failToRead(this.#up);
  }

  onClosed(): void {
    this.#finish("closed");
  }

  onIdle(): void {
    this.#finish("idle_timeout");
  }

  /** What is not taken at once is copied, so that the head's memory is there for the next connection. */
  #sendHead(head: Uint8Array<ArrayBuffer>): void {
    const sent = this.#sent(this.#up, this.#up.to.send(head, head.length));
    if (sent < head.length && !this.#up.isDone) this.#up.rest = head.slice(sent);
    giveHeadBuffer(head);
  }

  /** Copies until there is nothing more to be had, or no room for it, or the share is used up. */
  #pump(lane: Lane): void {
    for (let taken = 0; !lane.isDone;) {
      if (holdsSomething(lane) && !this.#deliver(lane)) return;
      if (!lane.from.canRead) return;
      if (taken >= SHARE) return lane.from.readAgain();
      const length = lane.pipe === undefined ? this.#copy(lane) : this.#splice(lane, lane.pipe);
      if (length === -ERRNO.EAGAIN) return;
      if (length < 0) return this.#failToRead(lane);
      if (length === 0) return this.#end(lane);
      taken += length;
    }
  }

  /** Receives into the buffer and sends at once what can be sent. Returns what `receive` does. */
  #copy(lane: Lane): number {
    const { buffer, pipes } = this.#parts;
    const length = lane.from.receive(buffer, buffer.length);
    if (length <= 0) return length;
    const sent = this.#sent(lane, lane.to.send(buffer, length));
    if (sent < length) {
      if (!lane.isDone) lane.rest = buffer.slice(sent, length);
    } else if (length === buffer.length) {
      lane.pipe = pipes.take();
    }
    return length;
  }

  /** Moves into the pipe what there is; gives the pipe back when there is nothing. Returns what `receiveInto` does. */
  #splice(lane: Lane, pipe: KernelPipe): number {
    const length = lane.from.receiveInto(pipe.writeEnd, PIPE_SIZE);
    if (length > 0) lane.piped = length;
    else this.#letGo(lane);
    return length;
  }

  /** Sends what the lane holds; says whether that was all. */
  #deliver(lane: Lane): boolean {
    while (lane.to.canWrite) {
      const { pipe, piped, rest, to } = lane;
      const result = rest !== undefined
        ? to.send(rest, rest.length)
        : to.sendFrom(pipe!.readEnd, piped);
      const sent = this.#sent(lane, result);
      if (lane.isDone) return false;
      if (rest === undefined) lane.piped -= sent;
      else lane.rest = sent === rest.length ? undefined : rest.subarray(sent);
      if (!holdsSomething(lane)) return true;
    }
    return false;
  }

  /** Counts what was sent; when nothing can be sent any more, this direction is done. Returns how much it was. */
  #sent(lane: Lane, result: number): number {
    if (result >= 0) {
      this.#counts[lane.count] += result;
      return result;
    }
    if (result !== -ERRNO.EAGAIN) {
      this.#broken ??= lane === this.#up ? "upstream_reset" : "downstream_reset";
      if (result === -ERRNO.ENOBUFS || result === -ERRNO.ENOMEM) this.#giveUp(lane, this.#broken);
      else this.#done(lane);
    }
    return 0;
  }

  /** There is no memory for what is to be sent, and no event would tell when there is: neither side is to wait for it. */
  #giveUp({ from, to }: Lane, end: PipeEnd): void {
    from.resetOnClose();
    to.resetOnClose();
    this.#finish(end);
  }

  /** Nothing more will come this way. */
  #end(lane: Lane): void {
    this.#done(lane);
    if (!this.#isOver) lane.to.endWriting();
  }

  /** A side was reset, and so is the other: else it could not tell this from a proper end. */
  #failToRead(lane: Lane): void {
    lane.to.resetOnClose();
    this.#finish(lane === this.#up ? "downstream_reset" : "upstream_reset");
  }

  #done(lane: Lane): void {
    lane.isDone = true;
    lane.rest = undefined;
    this.#letGo(lane);
    if (this.#up.isDone && this.#down.isDone) this.#finish(this.#broken ?? "ended");
  }

  #letGo(lane: Lane): void {
    if (lane.pipe === undefined) return;
    this.#parts.pipes.give(lane.pipe, lane.piped === 0);
    lane.pipe = undefined;
    lane.piped = 0;
  }

  #finish(end: PipeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#idle.cancel();
    this.#up.from.leave();
    this.#down.from.leave();
    this.#done(this.#up);
    this.#done(this.#down);
    this.#listener.onPipeEnd(end);
  }
}

function lane(from: LinuxConn, to: LinuxConn, count: keyof ByteCounts): Lane {
  return { from, to, count, rest: undefined, pipe: undefined, piped: 0, isDone: false };
}

function holdsSomething({ rest, piped }: Lane): boolean {
  return rest !== undefined || piped > 0;
}
