/**
 * The two-way copy between connections of Bun: what comes is written at once and in the same memory; what is not taken
 * is held, and nothing more is read until it is.
 *
 * @module
 */
import { type IdleListener, IdleWatch } from "../idle_watch.ts";
import type { Timeouts } from "../timeouts.ts";
import type { BunConn, Relaying } from "./bun_conn.ts";
import type { ByteCounts, NetError, PipeEnd, PipeListener, PipeOptions } from "./runtime.ts";

/** As `Net.pipe` says. The caller closes both connections at its end. */
export function relay(
  downstream: BunConn,
  upstream: BunConn,
  options: PipeOptions,
  timeouts: Timeouts,
  listener: PipeListener,
): void {
  new Relay(downstream, upstream, options, timeouts, listener).start(options.first);
}

/** One direction. */
interface Lane {
  readonly from: BunConn;
  readonly to: BunConn;
  readonly count: keyof ByteCounts;
  /** What was read and `to` has not taken; then `from` is paused. */
  rest: Uint8Array | undefined;
  /** Nothing more comes, or nothing more can be delivered. */
  isDone: boolean;
}

class Relay implements Relaying, IdleListener {
  readonly #up: Lane;
  readonly #down: Lane;
  readonly #counts: ByteCounts;
  readonly #idle: IdleWatch;
  readonly #listener: PipeListener;
  /** Who stopped listening. It may still be speaking: a server that refuses an upload answers it. */
  #broken: PipeEnd | undefined;
  #isOver = false;

  constructor(
    downstream: BunConn,
    upstream: BunConn,
    { counts, idleTimeout }: PipeOptions,
    timeouts: Timeouts,
    listener: PipeListener,
  ) {
    this.#up = { from: downstream, to: upstream, count: "up", rest: undefined, isDone: false };
    this.#down = { from: upstream, to: downstream, count: "down", rest: undefined, isDone: false };
    this.#counts = counts;
    this.#idle = new IdleWatch(timeouts, idleTimeout, counts, this);
    this.#listener = listener;
  }

  /** Delivers the head, and whatever came before this. */
  start(first: Uint8Array): void {
    for (const { from } of [this.#up, this.#down]) {
      from.join(this);
      if (from.failure !== undefined) return this.onClosed(from, from.failure);
    }
    if (first.length > 0) this.#deliver(this.#up, first);
    this.#pump(this.#up);
    this.#pump(this.#down);
  }

  onData(conn: BunConn, chunk: Uint8Array): void {
    const lane = this.#laneFrom(conn);
    // It was paused when this was on its way.
    if (lane.rest !== undefined) conn.keep(chunk);
    else if (!lane.isDone) this.#deliver(lane, chunk);
  }

  onEnd(conn: BunConn): void {
    const lane = this.#laneFrom(conn);
    if (lane.rest === undefined) this.#pump(lane);
  }

  onDrain(conn: BunConn): void {
    const lane = conn === this.#up.to ? this.#up : this.#down;
    const { rest } = lane;
    if (rest === undefined) return;
    lane.rest = undefined;
    this.#deliver(lane, rest);
    this.#pump(lane);
  }

  onIdle(): void {
    this.#finish("idle_timeout");
  }

  onClosed(conn: BunConn, { code }: NetError): void {
    if (code === "closed") return this.#finish("closed");
    const { to } = this.#laneFrom(conn);
    // It could not tell this from a proper end.
    to.resetOnClose();
    this.#finish(conn === this.#up.from ? "downstream_reset" : "upstream_reset");
  }

  #laneFrom(conn: BunConn): Lane {
    return conn === this.#up.from ? this.#up : this.#down;
  }

  /** Delivers what was kept; when that was all, asks for more, or passes on the end. */
  #pump(lane: Lane): void {
    while (lane.rest === undefined && !lane.isDone) {
      const kept = lane.from.take();
      if (kept !== undefined) this.#deliver(lane, kept);
      else if (lane.from.isAtEnd) this.#end(lane);
      else return lane.from.resume();
    }
  }

  #deliver(lane: Lane, chunk: Uint8Array): void {
    const sent = lane.to.send(chunk);
    if (sent < 0) {
      this.#broken ??= lane === this.#up ? "upstream_reset" : "downstream_reset";
      lane.from.pause();
      return this.#done(lane);
    }
    this.#counts[lane.count] += sent;
    if (sent === chunk.length) return;
    lane.rest = chunk.subarray(sent);
    lane.from.pause();
  }

  #end(lane: Lane): void {
    this.#done(lane);
    if (!this.#isOver) lane.to.endWriting();
  }

  #done(lane: Lane): void {
    lane.isDone = true;
    if (this.#up.isDone && this.#down.isDone) this.#finish(this.#broken ?? "ended");
  }

  #finish(end: PipeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#idle.cancel();
    for (const lane of [this.#up, this.#down]) {
      lane.from.leave();
      lane.isDone = true;
      lane.rest = undefined;
    }
    this.#listener.onPipeEnd(end);
  }
}
