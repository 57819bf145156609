/**
 * What a run has found, and how many numbers become one. All of it can be written as JSON.
 *
 * @module
 */
import type { DatagramWorkload } from "./datagram_load.ts";
import type { Expiry } from "./expiry.ts";
import type { Machine } from "./machine.ts";
import type { Rest } from "./rest.ts";
import type { Workload } from "./workloads.ts";

/** sluice on its two engines. */
export const LINUX = "sluice (linux)";
export const PORTABLE = "sluice (portable)";
/** As packaged, and with larger buffers: 256 KiB. */
export const HAPROXY = "HAProxy";
export const HAPROXY_LARGE = "HAProxy (256 KiB)";
export const NGINX = "nginx";
export const SSLH = "sslh";
export const SOCAT = "socat";
/** The least that relays, in C. */
export const REFERENCE = "C reference";
/** Nothing but Deno's sockets. */
export const BARE = "bare Deno";
/** No proxy. */
export const DIRECT = "direct";

/** Of TCP. */
export interface Results {
  readonly machine: Machine;
  /** Names, sluice first. */
  readonly contenders: readonly string[];
  readonly workloads: readonly WorkloadResult<Workload>[];
  /** By contender. */
  readonly rest: Readonly<Record<string, readonly Rest[]>>;
  /** Probing a ClientHello in process, µs; absent when there is no probe to be called. */
  readonly probing?: number;
}

/** Of UDP. */
export interface DatagramResults {
  readonly machine: Machine;
  readonly contenders: readonly string[];
  readonly workloads: readonly WorkloadResult<DatagramWorkload>[];
  /** Memory of each flow, bytes, by contender. */
  readonly perFlow: Readonly<Record<string, readonly number[]>>;
  /** Opening a QUIC Initial and reading its ClientHello in process, µs; absent as `probing`. */
  readonly opening?: number;
  /** What an Initial that cannot be opened costs the whole process, µs of its CPU time, by contender. */
  readonly invalidInitial: Readonly<Record<string, number>>;
  readonly expiries: readonly Expiry[];
}

/** What one burst of a workload gave. */
export interface Burst {
  /** Bytes/s for bulk, else exchanges/s. */
  readonly rate: number;
  /** CPU time of the proxy per byte or exchange, s. */
  readonly cpu?: number;
  /** Time of an exchange, µs; none for bulk. */
  readonly p50?: number;
  readonly p99?: number;
  /** Share of the datagrams that did not come back. */
  readonly lost?: number;
}

export interface WorkloadResult<Of> {
  readonly workload: Of;
  /** One entry per round: what each contender did in it. */
  readonly rounds: readonly Readonly<Record<string, Burst>>[];
}

/** A middle value and the range that half of the values lie in. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The spread of `values`; `undefined` when there are none. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? NaN;
  const above = sorted[Math.ceil(position)] ?? NaN;
  return below + (above - below) * (position % 1);
}

/** A contender's figure over another's, the ratio taken within each round. */
export function ratioTo(
  { rounds }: WorkloadResult<unknown>,
  contender: string,
  reference: string,
  figure: keyof Burst = "rate",
): Spread | undefined {
  return spread(rounds.flatMap((round) => {
    const [own, other] = [round[contender]?.[figure], round[reference]?.[figure]];
    return own !== undefined && other ? [own / other] : [];
  }));
}

/** What a contender adds to the direct way's time of an exchange, µs, the difference taken within each round. */
export function addedTo(
  { rounds }: WorkloadResult<unknown>,
  contender: string,
  figure: "p50" | "p99",
): Spread | undefined {
  return spread(rounds.flatMap((round) => {
    const [own, direct] = [round[contender]?.[figure], round[DIRECT]?.[figure]];
    return own !== undefined && direct !== undefined ? [own - direct] : [];
  }));
}

/** One figure of a contender over all rounds. */
export function figureOf(
  { rounds }: WorkloadResult<unknown>,
  contender: string,
  figure: keyof Burst,
): Spread | undefined {
  return spread(rounds.flatMap((round) => round[contender]?.[figure] ?? []));
}

/** One figure at rest of a contender. */
export function restOf(
  { rest }: Results,
  contender: string,
  figure: keyof Rest,
): Spread | undefined {
  return spread((rest[contender] ?? []).map((found) => found[figure]));
}
