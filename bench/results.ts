/**
 * What a run has found, and how many numbers become one.
 *
 * @module
 */
import type { Machine } from "./machine.ts";
import type { Rest } from "./rest.ts";
import type { Burst, Workload } from "./workloads.ts";

/** The contender that the goals refer to, and the same with as many threads as sluice has. */
export const REFERENCE = "HAProxy";
export const ONE_THREAD = "HAProxy (1 thread)";

export interface Results {
  readonly machine: Machine;
  /** Names, sluice first. */
  readonly contenders: readonly string[];
  readonly workloads: readonly WorkloadResult[];
  /** By contender; in the order in which they were found. */
  readonly rest: ReadonlyMap<string, readonly Rest[]>;
  /** Probing a ClientHello in process, µs; absent when there is no probe to be called. */
  readonly probing?: number;
}

export interface WorkloadResult {
  readonly workload: Workload;
  /** One entry per round: what each contender did in it. */
  readonly rounds: readonly ReadonlyMap<string, Burst>[];
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

/** A contender's rate over another's, the ratio taken within each round. */
export function ratioTo(
  { rounds }: WorkloadResult,
  contender: string,
  reference = REFERENCE,
): Spread | undefined {
  return spread(rounds.flatMap((round) => {
    const [own, other] = [round.get(contender), round.get(reference)];
    return own && other ? [own.rate / other.rate] : [];
  }));
}

/** One figure of a contender over all rounds. */
export function figureOf(
  { rounds }: WorkloadResult,
  contender: string,
  figure: keyof Burst,
): Spread | undefined {
  return spread(rounds.flatMap((round) => round.get(contender)?.[figure] ?? []));
}

/** One figure at rest of a contender. */
export function restOf(
  { rest }: Results,
  contender: string,
  figure: keyof Rest,
): Spread | undefined {
  return spread((rest.get(contender) ?? []).map((found) => found[figure]));
}
