/**
 * Sends many datagrams by one call.
 *
 * @module
 */
import type { RawPeer, Way } from "./datagram_addresses.ts";
import {
  type Family,
  nameSize,
  type RawAddress,
  WORD,
  writeName,
  writeSegment,
  writeSource,
} from "./datagram_layout.ts";
import { type DatagramMemory, LARGEST_DATAGRAM } from "./datagram_memory.ts";
import { ERRNO, MSG_DONTWAIT } from "./layout.ts";
import { type AddressOf, Messages } from "./messages.ts";

/** Datagrams that wait for a call, at most. */
export const MOST_QUEUED = 64;
/** Bytes of a message that is to be cut: as many as fit into an IP packet, its headers and options beside them. */
const LONGEST_CUT = 65_000;
/** What the system says where a message cannot be cut: a packet would be too long, or nobody sums it up. */
const CUTTING_ERRORS: readonly number[] = [ERRNO.EMSGSIZE, ERRNO.EINVAL, ERRNO.EIO];

/** The call that this makes, as `libc.ts` has it. */
export interface SendCalls {
  sendMessages(
    fd: number,
    messages: Uint8Array<ArrayBuffer>,
    count: number,
    flags: number,
  ): number;
}

/** A socket that datagrams leave by. What it is told it notes, and sends nothing meanwhile. */
export interface Outlet extends Way {
  readonly fd: number;
  readonly family: Family;
  /** Whether it keeps what it is given, because the system took no more. */
  readonly isBlocked: boolean;
  /** Takes a datagram that the system has not. */
  keep(datagram: Uint8Array<ArrayBuffer>, to?: RawPeer, source?: RawAddress): void;
  /** A datagram was not sent; or, on a socket with one other end, one before it did not arrive. */
  notSent(errno: number): void;
}

/** A datagram on its way out. */
interface Entry {
  outlet: Outlet | undefined;
  to: RawPeer | undefined;
  source: RawAddress | undefined;
  /** Where its bytes are in the memory. */
  place: number;
  length: number;
}

/** What the sockets of a thread send, in the order in which it was added. */
export class SendBatch {
  readonly #calls: SendCalls;
  readonly #memory: () => DatagramMemory;
  readonly #canCut: boolean;
  readonly #messages: Messages;
  readonly #entries: readonly Entry[] = Array.from(
    { length: MOST_QUEUED },
    () => ({ outlet: undefined, to: undefined, source: undefined, place: 0, length: 0 }),
  );
  /** The first datagram of each message. */
  readonly #firsts = new Int32Array(MOST_QUEUED);
  #count = 0;

  /**
   * @param memory That which datagrams are received into.
   * @param canCut Whether the kernel can cut a message into datagrams.
   */
  constructor(
    calls: SendCalls,
    addressOf: AddressOf,
    memory: () => DatagramMemory,
    canCut: boolean,
  ) {
    this.#calls = calls;
    this.#memory = memory;
    this.#canCut = canCut;
    this.#messages = new Messages(MOST_QUEUED, addressOf);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /**
   * Adds a datagram to those that the next {@linkcode flush} sends. Its bytes are copied unless they are in a slot: that
   * has to stay as it is until then.
   * @param to Absent on a socket with one other end.
   * @param source The address that it leaves from; absent: the socket's own, or the one that the system chooses.
   */
  add(outlet: Outlet, datagram: Uint8Array, to?: RawPeer, source?: RawAddress): void {
    const { length } = datagram;
    if (length > LARGEST_DATAGRAM) return outlet.notSent(ERRNO.EMSGSIZE);
    if (this.#count === MOST_QUEUED) this.flush();
    let place = this.#memory().place(datagram);
    if (place < 0) {
      this.flush();
      place = this.#memory().place(datagram);
    }
    const entry = this.#entries[this.#count++]!;
    entry.outlet = outlet;
    entry.to = to;
    entry.source = source;
    entry.place = place;
    entry.length = length;
  }

  /** Sends all that was added. */
  flush(): void {
    const count = this.#count;
    for (let begin = 0, end; begin < count; begin = end) {
      const outlet = this.#entries[begin]!.outlet!;
      for (end = begin + 1; end < count && this.#entries[end]!.outlet === outlet;) end++;
      this.#send(outlet, begin, end);
    }
    // Whoever was closed is not held on to.
    for (let i = 0; i < count; i++) {
      const entry = this.#entries[i]!;
      entry.outlet = entry.to = entry.source = undefined;
    }
    this.#count = 0;
    this.#memory().freeCopies();
  }

  /** Sends datagrams of one socket. */
  #send(outlet: Outlet, begin: number, end: number): void {
    while (begin < end) {
      if (outlet.isBlocked) return this.#keep(outlet, begin, end);
      const count = this.#compose(outlet, begin, end);
      const messages = this.#messages.from(0);
      const sent = this.#calls.sendMessages(outlet.fd, messages, count, MSG_DONTWAIT);
      if (sent === count) return;
      if (sent > 0) begin = this.#firsts[sent]!;
      else if (sent === -ERRNO.EAGAIN) return this.#keep(outlet, begin, end);
      else begin = this.#passOver(outlet, begin, count > 1 ? this.#firsts[1]! : end, -sent);
    }
  }

  #keep(outlet: Outlet, begin: number, end: number): void {
    for (let i = begin; i < end; i++) {
      const { place, length, to, source } = this.#entries[i]!;
      outlet.keep(this.#memory().copy(place, length), to, source);
    }
  }

  /**
   * Goes on after a message that was not sent.
   * @returns The datagram to go on with.
   */
  #passOver(outlet: Outlet, begin: number, end: number, errno: number): number {
    const { length, to } = this.#entries[begin]!;
    if (end - begin > 1 && CUTTING_ERRORS.includes(errno)) {
      (to ?? outlet).uncut = length;
      return begin;
    }
    outlet.notSent(errno);
    return end;
  }

  /**
   * Makes messages of datagrams of one socket.
   * @returns How many.
   */
  #compose(outlet: Outlet, begin: number, end: number): number {
    let count = 0;
    for (let first = begin, next; first < end; first = next) {
      next = this.#endOfRun(outlet, first, end);
      for (let i = first; i < next; i++) {
        const { place, length } = this.#entries[i]!;
        this.#messages.setPiece(i, this.#memory().addressOf(place), length);
      }
      this.#messages.gather(count, first, next - first);
      this.#address(count, outlet.family, this.#entries[first]!, next - first > 1);
      this.#firsts[count++] = first;
    }
    return count;
  }

  /** The end of those from `first` on that can be one message: of equal length, the last one maybe shorter. */
  #endOfRun(outlet: Outlet, first: number, end: number): number {
    const { length, to, source } = this.#entries[first]!;
    let next = first + 1;
    if (!this.#canCut || length === 0 || length >= (to ?? outlet).uncut) return next;
    for (let total = length; next < end; next++) {
      const entry = this.#entries[next]!;
      total += entry.length;
      const fits = entry.to === to && entry.source === source && entry.length <= length &&
        entry.length > 0 && total <= LONGEST_CUT;
      if (!fits) break;
      if (entry.length < length) return next + 1;
    }
    return next;
  }

  /** Writes whom a message goes to, where it comes from, and whether it is to be cut. */
  #address(message: number, family: Family, { to, source, length }: Entry, isCut: boolean): void {
    const { words } = this.#messages;
    this.#messages.setName(message, to === undefined ? 0 : nameSize(family));
    if (to !== undefined) writeName(words, this.#messages.nameAt(message), family, to, to.port);
    const begin = this.#messages.controlAt(message);
    let end = begin;
    if (source !== undefined) end = writeSource(words, end, family, source);
    if (isCut) end = writeSegment(words, end, length);
    this.#messages.setControl(message, (end - begin) * WORD);
  }
}
