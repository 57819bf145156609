/**
 * Mutated captures against every probe of datagrams: `deno run -A tests/fuzz/fuzz_datagrams.ts [INPUTS] [SEED]`.
 *
 * @module
 */
import { type DatagramProbe, udpProbes } from "../../probes/mod.ts";
import { datagramBreach } from "../support/datagram_contract.ts";
import { datagramSamples } from "../support/samples.ts";
import { Mutator } from "./mutator.ts";

/** A probe that broke its contract. */
export interface DatagramFailure {
  readonly probe: string;
  /** Which input of the run, from 0. */
  readonly index: number;
  readonly what: string;
  readonly input: readonly Uint8Array[];
}

/**
 * Gives `inputs` rows of up to four datagrams to every probe, captures and damaged ones; the same seed makes the same.
 * @returns The first failure of each probe.
 */
export function fuzzDatagrams(
  probes: Readonly<Record<string, DatagramProbe>>,
  inputs: number,
  seed: number,
): DatagramFailure[] {
  const captures = datagramSamples();
  const mutator = new Mutator(captures.flatMap(({ datagrams }) => datagrams), seed);
  const table = Object.entries(probes);
  const failures = new Map<string, DatagramFailure>();
  for (let index = 0; index < inputs; index++) {
    // Damaged at one place in a row that belongs together, or a row of damaged ones.
    const { datagrams } = captures[mutator.below(captures.length)]!;
    const input: Uint8Array[] = mutator.below(2) === 0
      ? datagrams.with(mutator.below(datagrams.length), mutator.next().slice())
      : Array.from({ length: 1 + mutator.below(4) }, () => mutator.next().slice());
    for (const [probe, ask] of table) {
      const what = datagramBreach(ask, input);
      if (what !== undefined && !failures.has(probe)) {
        failures.set(probe, { probe, index, what, input });
      }
    }
  }
  return [...failures.values()];
}

function main(): void {
  const [inputs = 20_000, seed = Date.now() % 2 ** 31] = Deno.args.map(Number);
  if (!Number.isInteger(inputs) || inputs < 1 || !Number.isInteger(seed)) {
    console.error("usage: fuzz_datagrams.ts [INPUTS] [SEED], both whole numbers");
    Deno.exit(2);
  }
  const start = performance.now();
  const failures = fuzzDatagrams(udpProbes, inputs, seed);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${inputs} inputs in ${seconds} s, seed ${seed}`);
  for (const { probe, index, what, input } of failures) {
    const datagrams = input.map((datagram) => datagram.toHex()).join("\n  ");
    console.error(`${probe}: input ${index}: ${what}\n  ${datagrams}`);
  }
  console.log(failures.length === 0 ? "nothing found" : `${failures.length} probes failed`);
  Deno.exit(failures.length === 0 ? 0 : 1);
}

if (import.meta.main) main();
