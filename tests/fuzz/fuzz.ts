/**
 * Mutated captures against every probe: `deno run -A tests/fuzz/fuzz.ts [INPUTS] [SEED]`.
 *
 * @module
 */
import { type Probe, tcpProbes } from "../../probes/mod.ts";
import { breach } from "../support/probe_contract.ts";
import { samples } from "../support/samples.ts";
import { Mutator } from "./mutator.ts";

/** A probe that broke its contract. */
export interface Failure {
  readonly probe: string;
  /** Which input of the run, from 0. */
  readonly index: number;
  readonly what: string;
  /** Where the first of two reads ended. */
  readonly cut: number;
  readonly input: Uint8Array;
}

/**
 * Gives `inputs` mutated samples to every probe; the same seed makes the same inputs.
 * @param onProgress Called every 100,000 inputs with how many there were.
 * @returns The first failure of each probe.
 */
export function fuzz(
  probes: Readonly<Record<string, Probe>>,
  inputs: number,
  seed: number,
  onProgress: (done: number) => void = () => {},
): Failure[] {
  const mutator = new Mutator(samples().map(({ bytes }) => bytes), seed);
  const table = Object.entries(probes);
  const failures = new Map<string, Failure>();
  for (let index = 0; index < inputs; index++) {
    const input = mutator.next();
    const cut = mutator.below(input.length + 1);
    for (const [probe, parse] of table) {
      const what = breach(parse, input, cut);
      if (what !== undefined && !failures.has(probe)) {
        failures.set(probe, { probe, index, what, cut, input: input.slice() });
      }
    }
    if (index % 100_000 === 99_999) onProgress(index + 1);
  }
  return [...failures.values()];
}

function main(): void {
  const [inputs = 200_000, seed = Date.now() % 2 ** 31] = Deno.args.map(Number);
  if (!Number.isInteger(inputs) || inputs < 1 || !Number.isInteger(seed)) {
    console.error("usage: fuzz.ts [INPUTS] [SEED], both whole numbers");
    Deno.exit(2);
  }
  const names = Object.keys(tcpProbes);
  console.log(`${inputs} inputs, ${names.length} probes (${names.join(" ")}), seed ${seed}`);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const failures = fuzz(tcpProbes, inputs, seed, (done) => {
    if (done % 1_000_000 === 0) console.log(`${done} inputs, ${seconds().toFixed(0)} s`);
  });
  const rate = Math.round(inputs / seconds());
  console.log(`${inputs} inputs in ${seconds().toFixed(1)} s, ${rate} a second, seed ${seed}`);
  for (const { probe, index, what, cut, input } of failures) {
    console.error(`${probe}: input ${index}, cut at ${cut}: ${what}\n  ${input.toHex()}`);
  }
  console.log(failures.length === 0 ? "nothing found" : `${failures.length} probes failed`);
  Deno.exit(failures.length === 0 ? 0 : 1);
}

if (import.meta.main) main();
