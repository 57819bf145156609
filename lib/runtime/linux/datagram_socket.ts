/**
 * What bound ports and upstream sockets have in common: what they send leaves with that of all others, and what the
 * system does not take they keep, up to a bound.
 *
 * @module
 */
import type { RawPeer } from "./datagram_addresses.ts";
import type { Family, RawAddress } from "./datagram_layout.ts";
import { EPOLLERR, EPOLLIN, EPOLLOUT } from "./layout.ts";
import { close } from "./libc.ts";
import type { PollHandler } from "./poller.ts";
import { BATCH, SMALL_BATCH } from "./receive_batch.ts";
import type { Outlet } from "./send_batch.ts";
import type { Transit } from "./transit.ts";

/** At one of these what a socket keeps is as much as it may be. */
const MOST_KEPT = { datagrams: 1024, bytes: 1024 * 1024 };

/** A datagram that the system has not taken. */
interface Kept {
  readonly datagram: Uint8Array<ArrayBuffer>;
  readonly to: RawPeer | undefined;
  readonly source: RawAddress | undefined;
}

/** Those of a socket, in their order. Most sockets never have any. */
class Backlog {
  readonly all: Kept[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.all.length >= MOST_KEPT.datagrams || this.#bytes >= MOST_KEPT.bytes;
  }

  add(kept: Kept): void {
    this.all.push(kept);
    this.#bytes += kept.datagram.length;
  }
}

/** A socket for datagrams. */
export abstract class DatagramSocket implements Outlet, PollHandler {
  readonly family: Family;
  uncut = Infinity;
  protected readonly transit: Transit;
  /** -1 once it is closed. */
  #fd: number;
  #backlog: Backlog | undefined;
  #isPaused = false;
  /** Datagrams of the next call, at most. */
  #most = SMALL_BATCH;

  /**
   * @param fd Its own from now on.
   * @throws {NetError} `exhausted`
   */
  constructor(fd: number, family: Family, transit: Transit) {
    this.#fd = fd;
    this.family = family;
    this.transit = transit;
    try {
      transit.poller.add(fd, EPOLLIN, this);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  get fd(): number {
    return this.#fd;
  }

  get isClosed(): boolean {
    return this.#fd < 0;
  }

  get isBlocked(): boolean {
    return this.#backlog !== undefined;
  }

  get isFull(): boolean {
    return this.#backlog !== undefined && this.#backlog.isFull;
  }

  protected dispatch(datagram: Uint8Array, to?: RawPeer, source?: RawAddress): void {
    if (!this.isClosed) this.transit.send(this, datagram, to, source);
  }

  keep(datagram: Uint8Array<ArrayBuffer>, to?: RawPeer, source?: RawAddress): void {
    const wasBlocked = this.isBlocked;
    this.#backlog ??= new Backlog();
    this.#backlog.add({ datagram, to, source });
    if (!wasBlocked) this.#watch();
  }

  abstract notSent(errno: number): void;

  onEvents(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#goOnSending();
    if ((events & EPOLLERR) !== 0) this.onFailure();
    if ((events & EPOLLIN) !== 0 && !this.isClosed && !this.#isPaused) this.onReadable();
  }

  /**
   * Receives what has come: a few datagrams, and more at a time while there are more.
   * @param isNamed Whether it is to be known who sent them and to which address.
   * @returns How many; if there are none, the negative error number.
   */
  protected receive(isNamed: boolean): number {
    const most = this.#most;
    const result = this.transit.receive(this.#fd, most, isNamed);
    this.#most = result === most ? Math.min(2 * most, BATCH) : Math.max(most / 2, SMALL_BATCH);
    return result;
  }

  /** There are datagrams. */
  protected abstract onReadable(): void;

  /** The system has an error for this socket, until it is asked for it. */
  protected abstract onFailure(): void;

  protected get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Receives no more for now: the kernel keeps what it can. */
  protected set isPaused(value: boolean) {
    this.#isPaused = value;
    if (!this.isClosed) this.#watch();
  }

  /** Closes at once; what was sent before leaves. */
  protected end(): void {
    if (this.isClosed) return;
    this.transit.flush();
    this.transit.poller.close(this.#fd);
    this.#fd = -1;
    this.#backlog = undefined;
  }

  #goOnSending(): void {
    // What has been sent meanwhile goes behind what is kept.
    this.transit.flush();
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    this.#backlog = undefined;
    for (const { datagram, to, source } of backlog.all) this.dispatch(datagram, to, source);
    this.transit.flush();
    if (!this.isBlocked) this.#watch();
  }

  #watch(): void {
    const events = (this.#isPaused ? 0 : EPOLLIN) | (this.isBlocked ? EPOLLOUT : 0);
    this.transit.poller.modify(this.#fd, events);
  }
}
