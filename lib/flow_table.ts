/**
 * The flows that there are: found by who sends to where, forgotten after a silence.
 *
 * A flow that is heard goes to the end of a row in which all have the same lifetime, so those to be forgotten are
 * always the first, and no row is ever searched. Time goes on in ticks: a datagram never looks at a clock.
 *
 * @module
 */
import { type Linked, Ring } from "./ring.ts";
import type { Clock, Peer, ReplySocket, Sending, Timer } from "./runtime/runtime.ts";

/** How exact a lifetime is, ms: no flow is forgotten before its end, and none later than two ticks behind it. */
export const TICK = 250;
/** A tick that comes this late, ms, says that the process could not run: what arrived meanwhile is to be read first … */
const HELD_UP = 100;
/** … but not for ever where every tick is late. */
const MOST_DELAYS = 10;
/** Flows that are forgotten at once. Each closes a socket and writes a line: 1 or 2 ms together. */
const BATCH = 32;

/** What belongs to a peer. */
interface Owned {
  readonly peer: Peer;
}

/**
 * By who sends to where. No key is made for that: ports come first, because few clients share one, and a number is found
 * faster than a text. Those that do are in a map of their own, so that whoever makes addresses up makes no long lists.
 */
export class PeerMap<Value extends Owned> {
  readonly #bySocket = new Map<ReplySocket, Map<number, Value | Map<string, Value>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(at: ReplySocket, { hostname, port }: Peer): Value | undefined {
    const found = this.#bySocket.get(at)?.get(port);
    if (found instanceof Map) return found.get(hostname);
    return found?.peer.hostname === hostname ? found : undefined;
  }

  /** Adds the value of a peer, which has none yet. */
  add(at: ReplySocket, value: Value): void {
    const { hostname, port } = value.peer;
    let byPort = this.#bySocket.get(at);
    if (byPort === undefined) this.#bySocket.set(at, byPort = new Map());
    const other = byPort.get(port);
    if (other instanceof Map) other.set(hostname, value);
    else if (other === undefined) byPort.set(port, value);
    else byPort.set(port, new Map([[other.peer.hostname, other], [hostname, value]]));
    this.#size++;
  }

  /** Takes the value of a peer out, if it has one. */
  delete(at: ReplySocket, peer: Peer): void {
    if (this.get(at, peer) === undefined) return;
    this.#size--;
    const byPort = this.#bySocket.get(at)!;
    const found = byPort.get(peer.port);
    if (found instanceof Map) found.delete(peer.hostname);
    if (found instanceof Map && found.size > 0) return;
    byPort.delete(peer.port);
    if (byPort.size === 0) this.#bySocket.delete(at);
  }

  *values(): Iterable<Value> {
    for (const socket of this.#bySocket.keys()) yield* this.valuesAt(socket);
  }

  *valuesAt(socket: ReplySocket): Iterable<Value> {
    for (const found of this.#bySocket.get(socket)?.values() ?? []) {
      if (found instanceof Map) yield* found.values();
      else yield found;
    }
  }
}

/** What a flow has carried, from the client (up) and to it. */
export interface Traffic {
  readonly up: number;
  readonly down: number;
  readonly datagramsUp: number;
  readonly datagramsDown: number;
}

/** A flow as those see it who find it here. */
export interface LiveFlow {
  readonly at: ReplySocket;
  readonly peer: Peer;
  /** Where it stands among those of its lifetime. */
  readonly place: Place;
  /** Where it stands among those whose clients have not answered; absent once its own has. */
  unproven: Place | undefined;
  readonly traffic: Traffic;
  /** Takes a datagram of the client. */
  request(datagram: Uint8Array): Sending;
  /** Ends it: both sides were silent for its lifetime, or its place is needed. */
  end(reason: "idle_timeout" | "evicted" | "drained"): void;
}

/** A flow in a row. */
export class Place implements Linked<Place> {
  before: Place = this;
  after: Place = this;
  /** `FlowTable.now` when it was heard last, ms. */
  heard = 0;

  /** @param lifetime Of the flow, ms; 0: it never expires. */
  constructor(readonly flow: LiveFlow, readonly lifetime: number) {}
}

/** Flows and their lifetimes. */
export class FlowTable {
  /**
   * `Clock.now()` at the last tick, rounded up to whole ms: a number without a fraction takes no object of its own in
   * each flow that keeps it. Goes on only while there are flows.
   */
  now = 0;
  readonly #clock: Clock;
  readonly #flows = new PeerMap<LiveFlow>();
  /** By lifetime; in each the one first that was heard before all others. */
  readonly #rows = new Map<number, Ring<Place>>();
  readonly #unproven = new Ring<Place>();
  #timer: Timer | undefined;
  #delays = 0;
  #onEmpty: (() => void) | undefined;
  #longest = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** The flow of what `peer` sends to `at`. */
  get(at: ReplySocket, peer: Peer): LiveFlow | undefined {
    return this.#flows.get(at, peer);
  }

  /** Adds a flow, whose client has no other at this socket. */
  add(flow: LiveFlow): void {
    if (this.#timer === undefined) {
      this.now = Math.ceil(this.#clock.now());
      this.#timer = this.#clock.setTimer(this.#tick, TICK);
    }
    this.#flows.add(flow.at, flow);
    flow.place.heard = this.now;
    this.#row(flow.place.lifetime).append(flow.place);
    if (flow.unproven !== undefined) this.#unproven.append(flow.unproven);
  }

  /** Takes a flow out that was added. */
  remove(flow: LiveFlow): void {
    this.#flows.delete(flow.at, flow.peer);
    this.#row(flow.place.lifetime).remove(flow.place);
    this.prove(flow);
    if (this.#flows.size > 0) return;
    this.#stand();
    this.#onEmpty?.();
  }

  /** To be called when a flow is heard from either side, unless `flow.place.heard` is `now` already. */
  refresh({ place }: LiveFlow): void {
    const row = this.#row(place.lifetime);
    row.remove(place);
    place.heard = this.now;
    row.append(place);
  }

  /** The client has answered a reply: it is where it says it is. */
  prove(flow: LiveFlow): void {
    if (flow.unproven === undefined) return;
    this.#unproven.remove(flow.unproven);
    flow.unproven = undefined;
  }

  /** The oldest flow whose client has not answered: one that may be made up, or had all that it wanted. */
  get oldestUnproven(): LiveFlow | undefined {
    return this.#unproven.first?.flow;
  }

  /** From now on a silence of `ms` is enough for every flow, whatever its lifetime. */
  shorten(ms: number): void {
    this.#longest = ms;
  }

  all(): Iterable<LiveFlow> {
    return this.#flows.values();
  }

  /** Those at one socket. */
  at(socket: ReplySocket): Iterable<LiveFlow> {
    return this.#flows.valuesAt(socket);
  }

  /** Resolves when there is no flow. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#flows.size === 0) resolve();
      else this.#onEmpty = resolve;
    });
  }

  #stand(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #row(lifetime: number): Ring<Place> {
    let row = this.#rows.get(lifetime);
    if (row === undefined) this.#rows.set(lifetime, row = new Ring());
    return row;
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    const late = now - this.now > TICK + HELD_UP;
    this.now = Math.ceil(now);
    this.#delays = late ? this.#delays + 1 : 0;
    const isBehind = (!late || this.#delays > MOST_DELAYS) && !this.#expire(now);
    this.#timer = this.#flows.size === 0
      ? undefined
      : this.#clock.setTimer(this.#tick, isBehind ? 1 : TICK);
  };

  /** Ends the flows that have been silent for too long, a bounded number of them; says whether these were all. */
  #expire(now: number): boolean {
    let left = BATCH;
    for (const [lifetime, row] of this.#rows) {
      const silence = Math.min(lifetime === 0 ? Infinity : lifetime, this.#longest) + TICK;
      let next;
      while ((next = row.first) !== undefined && now - next.heard >= silence) {
        if (left-- === 0) return false;
        next.flow.end("idle_timeout");
      }
      if (row.first === undefined) this.#rows.delete(lifetime);
    }
    return true;
  }
}
