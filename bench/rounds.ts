/**
 * Rounds of bursts.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import type { Burst, WorkloadResult } from "./results.ts";

/** Before the first round, so that no contender is measured cold, s. */
const WARM_UP = 0.5;

/**
 * Everybody does each workload in turn, in an order that is new each time: what disturbs, disturbs all.
 * @param seconds Of a burst.
 * @throws {Error} when a burst of sluice fails; those of others are left out.
 */
export async function bursts<Workload>(
  workloads: readonly Workload[],
  contenders: readonly Contender[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  burst: (workload: Workload, contender: Contender, seconds: number) => Promise<Burst>,
): Promise<readonly WorkloadResult<Workload>[]> {
  const results = workloads.map((workload) => ({ workload, rounds: [] as Map<string, Burst>[] }));
  for (let round = 0; round <= rounds; round++) {
    progress(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
    for (const result of shuffled(results)) {
      const found = new Map<string, Burst>();
      for (const contender of shuffled(contenders)) {
        const duration = round === 0 ? WARM_UP : seconds;
        try {
          found.set(contender.name, await burst(result.workload, contender, duration));
        } catch (error) {
          if (contender.name === "sluice") throw error;
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
 * @returns By its name, in the order in which they were found.
 */
export async function starts<Found>(
  contenders: readonly Contender[],
  count: number,
  measure: (contender: Contender, process: NonNullable<Contender["process"]>) => Promise<Found>,
): Promise<ReadonlyMap<string, readonly Found[]>> {
  const found = new Map<string, Found[]>();
  for (const { name, process } of contenders) if (process) found.set(name, []);
  for (let start = 1; start <= count; start++) {
    progress(`start ${start} of ${count}`);
    for (const contender of shuffled(contenders)) {
      if (contender.process === undefined) continue;
      found.get(contender.name)?.push(await measure(contender, contender.process));
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
