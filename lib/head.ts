/**
 * The first bytes of a connection: read until the route is decided, the bound is reached, or time is up.
 *
 * @module
 */
import { HEAD_SIZE, takeHeadBuffer } from "./head_buffers.ts";
import { decide, type Decision, type HeadState, type RouteTable } from "./routing.ts";
import type { Awaitable, Conn, Deadline } from "./runtime/runtime.ts";

const NOTHING = new Uint8Array(0);

/** A parser's answer when bytes are missing: how many the head must have for another one. */
interface Need {
  readonly kind: "need";
  readonly bytes: number;
}

/** Bytes that were read and not yet forwarded. */
export class Head {
  readonly #limit: number;
  /** Made when the first byte is asked for: many heads stay empty. */
  #buffer: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  /** What it holds, if somebody has asked since it changed. */
  #bytes: Uint8Array | undefined = NOTHING;

  /** @param limit The most bytes that it holds. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What it holds, as a view. */
  get bytes(): Uint8Array {
    return this.#bytes ??= this.#buffer.subarray(this.#start, this.#end);
  }

  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Drops the first `count` bytes: a PROXY header that was read. */
  skip(count: number): void {
    this.#start += count;
    this.#bytes = undefined;
  }

  /**
   * Reads until it holds `wanted` bytes.
   * @returns `open` when it does; `ended` when it never will, because the stream has ended or the bound is reached;
   *   `timeout` when `deadline` came first.
   * @throws {NetError} By rejecting, as `Conn.read`.
   */
  fill(conn: Conn, wanted: number, deadline: Deadline): Awaitable<HeadState> {
    while (this.#end - this.#start < wanted) {
      const state = this.#readSome(conn, deadline);
      if (state instanceof Promise) return this.#fillLater(state, conn, wanted, deadline);
      if (state !== "open") return state;
    }
    return "open";
  }

  /** Goes on where something has to be waited for: in one promise, however small the pieces are that the client sends. */
  async #fillLater(
    reading: Promise<HeadState>,
    conn: Conn,
    wanted: number,
    deadline: Deadline,
  ): Promise<HeadState> {
    let state = await reading;
    while (state === "open" && this.#end - this.#start < wanted) {
      state = await this.#readSome(conn, deadline);
    }
    return state;
  }

  /** Reads once; `open` when that has brought something. */
  #readSome(conn: Conn, deadline: Deadline): Awaitable<HeadState> {
    if (this.#end === this.#buffer.length && !this.#grow()) return "ended";
    const room = this.#end === 0 ? this.#buffer : this.#buffer.subarray(this.#end);
    const length = conn.read(room, deadline);
    return length instanceof Promise
      ? length.then((length) => this.#take(length))
      : this.#take(length);
  }

  /**
   * Reads as much of `conn` as `parse` needs for its answer.
   * @param parse As a probe: it says how many bytes it needs, and nothing of the kind once no more will come.
   * @throws {NetError} As `Conn.read`.
   */
  async parse<Answer extends { readonly kind: "match" | "no" }>(
    conn: Conn,
    deadline: Deadline,
    parse: (bytes: Uint8Array, final: boolean) => Answer | Need,
  ): Promise<Answer> {
    let result = parse(this.bytes, false);
    while (result.kind === "need") {
      const state = await this.fill(conn, result.bytes, deadline);
      result = parse(this.bytes, state !== "open");
    }
    return result;
  }

  /** Takes what a read has brought. */
  #take(length: number | null | undefined): HeadState {
    if (length === undefined) return "timeout";
    if (length === null) return "ended";
    this.#end += length;
    this.#bytes = undefined;
    return "open";
  }

  /** Makes room behind the end: at first some, then twice as much, up to the bound. Returns whether there is any. */
  #grow(): boolean {
    const held = this.bytes;
    const size = Math.min(2 * this.#buffer.length || HEAD_SIZE, this.#limit);
    if (held.length === size) return false;
    this.#buffer = size === HEAD_SIZE ? takeHeadBuffer() : new Uint8Array(size);
    this.#buffer.set(held);
    this.#start = 0;
    this.#end = held.length;
    return true;
  }
}

/** A decision that is the last one. */
export type Decided = Exclude<Decision, { kind: "wait" }>;

/**
 * Reads as much of `conn` as the decision takes: nothing where only one answer is possible.
 * @returns A promise only where something has to be waited for.
 * @throws {NetError} By rejecting, as `Conn.read`.
 */
export function decideOnHead(
  conn: Conn,
  head: Head,
  table: RouteTable,
  deadline: Deadline,
): Awaitable<Decided> {
  let decision = head.isEmpty ? table.atFirst : decide(table, head.bytes, "open");
  while (decision.kind === "wait") {
    const state = head.fill(conn, decision.bytes, deadline);
    if (state instanceof Promise) return decideLater(state, conn, head, table, deadline);
    decision = decide(table, head.bytes, state);
  }
  return decision;
}

/** Goes on where something has to be waited for, in one promise like {@linkcode Head.fill}. */
async function decideLater(
  filling: Promise<HeadState>,
  conn: Conn,
  head: Head,
  table: RouteTable,
  deadline: Deadline,
): Promise<Decided> {
  let decision = decide(table, head.bytes, await filling);
  while (decision.kind === "wait") {
    decision = decide(table, head.bytes, await head.fill(conn, decision.bytes, deadline));
  }
  return decision;
}
