/**
 * Rounds of bursts.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { type Burst, LINUX, PORTABLE, type WorkloadResult } from "./results.ts";

/** How often, and how long: s. */
export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  /** Of the burst before the first round, so that no contender is measured cold. */
  readonly warmUp: number;
}

/**
 * Everybody does each workload in turn, in an order that is new each time: what disturbs, disturbs all.
 * @param takesPart Who cannot do a workload is not in its results.
 * @throws {Error} when a burst of sluice fails; those of others are left out.
 */
export async function bursts<Workload>(
  workloads: readonly Workload[],
  contenders: readonly Contender[],
  { rounds, seconds, warmUp }: Pace,
  takesPart: (workload: Workload, contender: Contender) => boolean,
  burst: (workload: Workload, contender: Contender, seconds: number) => Promise<Burst>,
): Promise<readonly WorkloadResult<Workload>[]> {
  const results = workloads.map((workload) => ({
    workload,
    rounds: [] as Record<string, Burst>[],
  }));
  for (let round = 0; round <= rounds; round++) {
    progress(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
    for (const result of shuffled(results)) {
      const found: Record<string, Burst> = {};
      for (const contender of shuffled(contenders)) {
        if (!takesPart(result.workload, contender)) continue;
        const duration = round === 0 ? warmUp : seconds;
        try {
          found[contender.name] = await burst(result.workload, contender, duration);
        } catch (error) {
          if (contender.name === LINUX || contender.name === PORTABLE) throw error;
          console.error(
            `Left out of this round: ${error instanceof Error ? error.message : error}`,
          );
        }
      }
      if (round > 0) result.rounds.push(found);
    }
  }
  return results;
}

/**
 * Starts each contender anew, several times, to measure something of it at rest.
 * @returns By its name.
 */
export async function starts<Found>(
  contenders: readonly Contender[],
  count: number,
  measure: (contender: Contender, process: NonNullable<Contender["process"]>) => Promise<Found>,
): Promise<Readonly<Record<string, readonly Found[]>>> {
  const found: Record<string, Found[]> = {};
  for (const { name, process } of contenders) if (process) found[name] = [];
  for (let start = 1; start <= count; start++) {
    progress(`start ${start} of ${count}`);
    for (const contender of shuffled(contenders)) {
      if (contender.process === undefined) continue;
      found[contender.name]?.push(await measure(contender, contender.process));
    }
  }
  return found;
}

function shuffled<T>(values: readonly T[]): T[] {
  return values.map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

/** Says on a terminal what is being done. */
export function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}
