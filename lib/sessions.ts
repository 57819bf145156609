/**
 * What clients and backends have begun with each other: one session over all flows in which a client, wherever its
 * datagrams come from, talks to the same backend.
 *
 * ```
 * datagram of an unknown address   find(), by the ID in it: a flow joins the session
 *                                  recall(), by its address: a flow of it expired not long ago
 *                                  open(): it begins a session
 * ```
 *
 * When its last flow has expired, a session is remembered for a while.
 *
 * @module
 */
import { Ids, type Owner, Trail } from "./following/ids.ts";
import { followerOf, followers } from "./following/mod.ts";
import { type Linked, Ring } from "./ring.ts";
import type { Clock, Timer } from "./runtime/runtime.ts";

/** The most sessions that are remembered without a flow: the oldest gives way. Each takes 0.2 to 2 kB. */
export const MOST_REMEMBERED = 65_536;
/** Sessions that are forgotten at once: a millisecond's work. */
const BATCH = 1024;

/** The sessions of one listener. Those with flows are as many as the flows, at most. */
export class Sessions<Target> {
  readonly #ids = Array.from(followers.values(), (follower) => new Ids<Session<Target>>(follower));
  readonly #memory: Memory<Target>;

  constructor(clock: Clock) {
    this.#memory = new Memory(clock);
  }

  /** How long a session without a flow is remembered, ms; 0: not at all. Those that are remembered keep their time. */
  get memory(): number {
    return this.#memory.duration;
  }
  set memory(ms: number) {
    this.#memory.duration = ms;
  }

  /** How many are remembered. */
  get remembered(): number {
    return this.#memory.size;
  }

  /**
   * Begins a session, with one flow.
   * @param protocol What decided on its route; absent where that takes whatever comes.
   * @param client The client's address; for IPv6 its network.
   * @param first The client's datagrams so far.
   */
  open(
    protocol: string | undefined,
    client: string,
    first: readonly Uint8Array[],
    target: Target,
  ): Session<Target> {
    const session = new Session(protocol, client, target, this.#memory);
    const follower = followerOf(protocol, first[0]);
    const ids = this.#ids.find((each) => each.follower === follower);
    if (ids !== undefined) session.follow(ids);
    for (const datagram of first) session.learnRequest(datagram);
    return session;
  }

  /**
   * The session that a datagram of an unknown address belongs to, by the ID in it.
   * @param client As in {@linkcode open}.
   */
  find(datagram: Uint8Array, client: string): Session<Target> | undefined {
    for (const ids of this.#ids) {
      const session = ids.find(datagram, client);
      if (session !== undefined) return session;
    }
    return undefined;
  }

  /**
   * The session of the flow that expired at a client's socket, whatever its protocol. To be asked of datagrams that begin
   * nothing new.
   * @param socketKey As {@linkcode Session.leave} was given it.
   */
  recall(socketKey: string): Session<Target> | undefined {
    return this.#memory.get(socketKey);
  }

  /** Whether a datagram begins a session of a protocol whose sessions can be told from their beginnings. */
  opens(datagram: Uint8Array): boolean {
    return this.#ids.some(({ follower }) => follower.opens(datagram));
  }

  /** Forgets what it remembers, and lets go of its timer. */
  close(): void {
    this.#memory.close();
  }
}

/** One session, while it has flows and as long as it is remembered. */
export class Session<Target> implements Owner, Linked<Session<Target>> {
  /** Among those that are remembered. */
  before: Session<Target> = this;
  after: Session<Target> = this;
  /** When it is forgotten (`Clock.now()`, ms); absent unless it is remembered. */
  due: number | undefined;
  /** Where the flow came from that expired last, if any. */
  socketKey: string | undefined;
  readonly protocol: string | undefined;
  readonly client: string;
  readonly target: Target;
  readonly #memory: Memory<Target>;
  #trail: Trail<Session<Target>> | undefined;
  #flows = 1;
  #isForgotten = false;

  /** Use {@linkcode Sessions.open}. */
  constructor(
    protocol: string | undefined,
    client: string,
    target: Target,
    memory: Memory<Target>,
  ) {
    this.protocol = protocol;
    this.client = client;
    this.target = target;
    this.#memory = memory;
  }

  /** From now on it is found by the IDs in its datagrams. */
  follow(ids: Ids<Session<Target>>): void {
    this.#trail = new Trail(this, ids);
  }

  /**
   * Reads a datagram of the client.
   * @returns Whether it begins a session; `undefined` where that cannot be told.
   */
  learnRequest(datagram: Uint8Array): boolean | undefined {
    return this.#trail?.request(datagram);
  }

  /** Reads a datagram of the backend. */
  learnReply(datagram: Uint8Array): void {
    this.#trail?.reply(datagram);
  }

  /** Another flow takes part in it, until it leaves. */
  join(): void {
    this.#flows++;
    this.#memory.remove(this);
  }

  /**
   * One of its flows has ended.
   * @param socketKey Where the flow came from, if it is worth remembering: whoever sends one datagram from a made-up
   *   address should not take the place of somebody else. A session of which no flow was is not remembered.
   */
  leave(socketKey?: string): void {
    this.socketKey = socketKey ?? this.socketKey;
    if (--this.#flows > 0 || this.#isForgotten) return;
    if (this.socketKey === undefined || !this.#memory.add(this, this.socketKey)) this.forget();
  }

  /** It is found no more, and learns nothing more: its backend is gone, or the route to it. Its flows may go on. */
  forget(): void {
    this.#isForgotten = true;
    this.#memory.remove(this);
    this.#trail?.end();
    this.#trail = undefined;
  }
}

/** Sessions without flows, in the order in which they lost the last one. */
class Memory<Target> {
  /** ms */
  duration = 0;
  readonly #clock: Clock;
  readonly #row = new Ring<Session<Target>>();
  readonly #bySocket = new Map<string, Session<Target>>();
  #size = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  get(socketKey: string): Session<Target> | undefined {
    return this.#bySocket.get(socketKey);
  }

  /** Says whether it remembers the session from now on, which it did not before. */
  add(session: Session<Target>, socketKey: string): boolean {
    if (this.duration === 0) return false;
    this.#bySocket.get(socketKey)?.forget();
    this.#bySocket.set(socketKey, session);
    session.due = this.#clock.now() + this.duration;
    this.#row.append(session);
    this.#size++;
    if (this.#size > MOST_REMEMBERED) this.#row.first?.forget();
    this.#timer ??= this.#clock.setTimer(this.#expire, this.duration);
    return true;
  }

  /** Does nothing to a session that is not remembered. */
  remove(session: Session<Target>): void {
    if (session.due === undefined) return;
    session.due = undefined;
    this.#row.remove(session);
    this.#size--;
    if (session.socketKey !== undefined) this.#bySocket.delete(session.socketKey);
  }

  close(): void {
    this.duration = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const session of this.#bySocket.values()) session.forget();
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (let left = BATCH; left > 0; left--) {
      const { first } = this.#row;
      if (first?.due === undefined || first.due > now) break;
      first.forget();
    }
    const due = this.#row.first?.due;
    if (due === undefined) return;
    this.#timer = this.#clock.setTimer(this.#expire, Math.max(1, due - now));
  };
}
