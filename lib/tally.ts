/**
 * What the connections and flows that are over add up to. There is a tally in each thread that serves; its sums are all
 * that another thread is told, so that many ends cost it no more than one.
 *
 * @module
 */
import type { ConnectionRecord } from "./access_log.ts";
import type { Traffic, Transport } from "./plane.ts";

/**
 * Most combinations of labels that connections are counted under. Connections of further combinations are counted with
 * `other` as listener, protocol and route.
 */
export const MOST_SERIES = 10_000;

/** Bounds of the times until a route was decided and a backend connected: from a machine in the same rack, ms … */
export const WAITS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
/** … and of the lengths of connections and flows, ms. */
export const DURATIONS = [0.01, 0.1, 1, 10, 60, 300, 1800, 3600, 21_600, 86_400].map((seconds) =>
  1000 * seconds
);

type Labels = Pick<ConnectionRecord, "listener" | "transport" | "protocol" | "route" | "reason">;

/** How many were alike. */
export interface Series extends Omit<Labels, "protocol" | "route"> {
  /** Empty where there is none. */
  readonly protocol: string;
  readonly route: string;
  count: number;
}

/** How long something took. */
export interface Times {
  /** How many took as long as a bound at most, and longer than the one before it; at the end, longer than all bounds. */
  readonly counts: number[];
  /** ms */
  sum: number;
}

/** Of one transport. */
export interface TransportSums {
  readonly traffic: { -readonly [Key in keyof Traffic]-?: number };
  readonly routing: Times;
  readonly connecting: Times;
  readonly durations: Times;
}

/** Nothing but plain data, which another thread can be sent. */
export interface Sums extends Readonly<Record<Transport, TransportSums>> {
  readonly series: readonly Series[];
}

/** The sums of those that have ended so far. */
export class Tally {
  /** By all their labels. */
  #series = new Map<string, Series>();
  #tcp = nothing();
  #udp = nothing();

  get isEmpty(): boolean {
    return this.#series.size === 0;
  }

  get sums(): Sums {
    return { series: [...this.#series.values()], tcp: this.#tcp, udp: this.#udp };
  }

  /** The sums so far; it begins anew. */
  take(): Sums {
    const { sums } = this;
    this.#series = new Map();
    this.#tcp = nothing();
    this.#udp = nothing();
    return sums;
  }

  /** Counts a connection or flow that is over. */
  count(record: ConnectionRecord): void {
    // A visitor of the tunnel is counted when he leaves the edge.
    if (record.hop === "visitor") return;
    const { timeToRoute, timeToConnect } = record;
    const { traffic, routing, connecting, durations } = this.#of(record.transport);
    this.#seriesOf(record).count++;
    raise(traffic, record);
    observe(durations, DURATIONS, record.duration);
    if (timeToRoute !== undefined) observe(routing, WAITS, timeToRoute);
    if (timeToConnect !== undefined) observe(connecting, WAITS, timeToConnect);
  }

  /** Adds what another tally has counted. */
  add(sums: Sums): void {
    for (const series of sums.series) this.#seriesOf(series).count += series.count;
    for (const transport of ["tcp", "udp"] as const) {
      const { traffic, routing, connecting, durations } = this.#of(transport);
      const other = sums[transport];
      raise(traffic, other.traffic);
      merge(routing, other.routing);
      merge(connecting, other.connecting);
      merge(durations, other.durations);
    }
  }

  #of(transport: Transport): TransportSums {
    return transport === "tcp" ? this.#tcp : this.#udp;
  }

  #seriesOf({ listener, transport, protocol = "", route = "", reason }: Labels): Series {
    // Whatever is in the names, two keys are the same only where all of them are.
    const key = `${transport} ${reason} ${protocol.length} ${listener.length} ` +
      protocol + listener + route;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const isOther = listener === OTHER && protocol === OTHER && route === OTHER;
    if (this.#series.size >= MOST_SERIES && !isOther) {
      return this.#seriesOf({ listener: OTHER, transport, protocol: OTHER, route: OTHER, reason });
    }
    const series = { listener, transport, protocol, route, reason, count: 0 };
    this.#series.set(key, series);
    return series;
  }
}

const OTHER = "other";

function nothing(): TransportSums {
  const none = (bounds: readonly number[]) => ({ counts: [...bounds.map(() => 0), 0], sum: 0 });
  return {
    traffic: { up: 0, down: 0, datagramsUp: 0, datagramsDown: 0 },
    routing: none(WAITS),
    connecting: none(WAITS),
    durations: none(DURATIONS),
  };
}

function raise(traffic: TransportSums["traffic"], by: Traffic): void {
  traffic.up += by.up;
  traffic.down += by.down;
  traffic.datagramsUp += by.datagramsUp ?? 0;
  traffic.datagramsDown += by.datagramsDown ?? 0;
}

function observe(times: Times, bounds: readonly number[], ms: number): void {
  let at = 0;
  while (at < bounds.length && ms > bounds[at]!) at++;
  times.counts[at]!++;
  times.sum += ms;
}

function merge(times: Times, other: Times): void {
  for (let i = 0; i < times.counts.length; i++) times.counts[i]! += other.counts[i]!;
  times.sum += other.sum;
}
