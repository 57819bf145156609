/**
 * Receives many datagrams by one call.
 *
 * @module
 */
import {
  CONTROL_SIZE,
  type Family,
  findDestination,
  MESSAGE,
  NAME_SIZE,
} from "./datagram_layout.ts";
import { DatagramMemory, LARGEST_DATAGRAM, SLOTS } from "./datagram_memory.ts";
import { MSG_DONTWAIT } from "./layout.ts";
import { type AddressOf, Messages } from "./messages.ts";

/** Datagrams that a socket receives at a time, at most; then the others have their turn. */
export const BATCH = 64;
/**
 * So many at a time where few come: they are on their way while the next ones arrive, and the answers to those before.
 * Sent on all together they would come back all together, and in between nobody would have anything to do.
 */
export const SMALL_BATCH = 4;

/** The call that this makes, as `libc.ts` has it. */
export interface ReceiveCalls {
  recvMessages(
    fd: number,
    messages: Uint8Array<ArrayBuffer>,
    count: number,
    flags: number,
  ): number;
}

/** What the sockets of a thread receive, one call after the other. */
export class ReceiveBatch {
  readonly #calls: ReceiveCalls;
  readonly #addressOf: AddressOf;
  /** For sockets that hear everybody, and, to the same slots, for those with one other end, which need no names. */
  readonly #named: Messages;
  readonly #bare: Messages;
  #memory: DatagramMemory;
  /** Those of the last call, its slots, and the first one that is free. */
  #last: Messages;
  #first = 0;
  #count = 0;
  #free = 0;

  constructor(calls: ReceiveCalls, addressOf: AddressOf) {
    this.#calls = calls;
    this.#addressOf = addressOf;
    this.#last = this.#named = new Messages(SLOTS, addressOf);
    this.#bare = new Messages(SLOTS, addressOf);
    for (let slot = 0; slot < SLOTS; slot++) {
      this.#named.setName(slot, NAME_SIZE);
      this.#named.setControl(slot, CONTROL_SIZE);
    }
    this.#memory = this.#newMemory();
  }

  /** Where the bytes are. */
  get memory(): DatagramMemory {
    return this.#memory;
  }

  /** Where the names are. */
  get words(): Int32Array {
    return this.#named.words;
  }

  /** Whether there are slots for so many datagrams. */
  hasRoomFor(count: number): boolean {
    return SLOTS - this.#free >= count;
  }

  /** Says that the bytes of no slot are needed any more. */
  clear(): void {
    this.#free = 0;
  }

  /** Leaves the memory to who still reads it, and goes on with other. */
  renew(): void {
    this.#memory = this.#newMemory();
    this.clear();
  }

  /**
   * Receives what has come into slots that are free.
   * @param most Datagrams, {@linkcode BATCH} at most.
   * @param isNamed Whether it is to be known who sent them and to which address.
   * @returns How many; if there are none, the negative error number.
   */
  receive(fd: number, most: number, isNamed: boolean): number {
    if (this.#last === this.#named) this.#restore();
    this.#first = this.#free;
    this.#last = isNamed ? this.#named : this.#bare;
    const messages = this.#last.from(this.#first);
    const result = this.#calls.recvMessages(fd, messages, most, MSG_DONTWAIT);
    this.#count = Math.max(0, result);
    this.#free += this.#count;
    return result;
  }

  /** The bytes of a datagram of the last call. */
  datagram(i: number): Uint8Array<ArrayBuffer> {
    const slot = this.#first + i;
    const length = this.#last.words[this.#last.headerAt(slot) + MESSAGE.length]!;
    return this.#memory.slot(slot, length);
  }

  /** The word where the name of its sender begins. */
  nameAt(i: number): number {
    return this.#named.nameAt(this.#first + i);
  }

  /** The word where the address begins that it came to; -1 if the socket does not show it. */
  destinationAt(i: number, family: Family): number {
    const slot = this.#first + i;
    const length = this.words[this.#named.headerAt(slot) + MESSAGE.controlLength]!;
    return findDestination(this.words, this.#named.controlAt(slot), length, family);
  }

  /** The kernel has written how long names and control messages are where it is told how long they may be. */
  #restore(): void {
    for (let slot = this.#first; slot < this.#first + this.#count; slot++) {
      const header = this.#named.headerAt(slot);
      this.words[header + MESSAGE.nameLength] = NAME_SIZE;
      this.words[header + MESSAGE.controlLength] = CONTROL_SIZE;
    }
  }

  #newMemory(): DatagramMemory {
    const memory = new DatagramMemory(this.#addressOf);
    for (let slot = 0; slot < SLOTS; slot++) {
      const address = memory.slotAddress(slot);
      this.#named.setPiece(slot, address, LARGEST_DATAGRAM);
      this.#bare.setPiece(slot, address, LARGEST_DATAGRAM);
    }
    return memory;
  }
}
