/**
 * Mutated captures against every probe: `deno run -A tests/fuzz/fuzz.ts [INPUTS] [SEED]`,
 * so many for TCP and so many for UDP, and a tenth of that for conversations in HTTP.
 *
 * @module
 */
import { type DatagramProbe, type Probe, tcpProbes, udpProbes } from "../../probes/mod.ts";
import { datagramBreach } from "../support/datagram_contract.ts";
import { breach } from "../support/probe_contract.ts";
import { datagramSamples, samples } from "../support/samples.ts";
import { fuzzHttp } from "./fuzz_http.ts";
import { Mutator } from "./mutator.ts";

/** A probe that broke its contract. */
export interface Failure {
  readonly probe: string;
  /** Which input of the run, from 0. */
  readonly index: number;
  readonly what: string;
  /** In hex; for bytes, where the first of two reads ended; for datagrams, with a space between them. */
  readonly input: string;
}

/** Called every 100,000 inputs with how many there were. */
type OnProgress = (done: number) => void;

/**
 * Gives `inputs` mutated samples to every probe; the same seed makes the same inputs.
 * @returns The first failure of each probe.
 */
export function fuzz(
  probes: Readonly<Record<string, Probe>>,
  inputs: number,
  seed: number,
  onProgress: OnProgress = () => {},
): Failure[] {
  const mutator = new Mutator(samples().map(({ bytes }) => bytes), seed);
  return firstFailures(probes, inputs, onProgress, () => {
    const input = mutator.next();
    const cut = mutator.below(input.length + 1);
    return {
      breach: (probe: Probe) => breach(probe, input, cut),
      text: () => `cut at ${cut}: ${input.toHex()}`,
    };
  });
}

/** The same for probes of datagrams: a row that belongs together, damaged at one place, or one of damaged ones alone. */
export function fuzzDatagrams(
  probes: Readonly<Record<string, DatagramProbe>>,
  inputs: number,
  seed: number,
  onProgress: OnProgress = () => {},
): Failure[] {
  const captures = datagramSamples().map(({ datagrams }) => datagrams);
  const mutator = new Mutator(captures.flat(), seed);
  return firstFailures(probes, inputs, onProgress, () => {
    const around = captures[mutator.below(captures.length)]!;
    const datagrams: Uint8Array[] = mutator.below(2) === 0
      ? around.with(mutator.below(around.length), mutator.next().slice())
      : Array.from({ length: 1 + mutator.below(4) }, () => mutator.next().slice());
    return {
      breach: (probe: DatagramProbe) => datagramBreach(probe, datagrams),
      text: () => datagrams.map((datagram) => datagram.toHex()).join(" "),
    };
  });
}

interface Input<AnyProbe> {
  /** What a probe breaks with it, in words. */
  breach(probe: AnyProbe): string | undefined;
  text(): string;
}

function firstFailures<AnyProbe>(
  probes: Readonly<Record<string, AnyProbe>>,
  inputs: number,
  onProgress: OnProgress,
  next: () => Input<AnyProbe>,
): Failure[] {
  const table = Object.entries(probes);
  const failures = new Map<string, Failure>();
  for (let index = 0; index < inputs; index++) {
    const input = next();
    for (const [probe, ask] of table) {
      const what = input.breach(ask);
      if (what !== undefined && !failures.has(probe)) {
        failures.set(probe, { probe, index, what, input: input.text() });
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
  console.log(`seed ${seed}`);
  const failures = [
    ...report("TCP", Object.keys(tcpProbes), inputs, (onProgress) => {
      return fuzz(tcpProbes, inputs, seed, onProgress);
    }),
    ...report("UDP", Object.keys(udpProbes), inputs, (onProgress) => {
      return fuzzDatagrams(udpProbes, inputs, seed, onProgress);
    }),
  ];
  for (const { probe, index, what, input } of failures) {
    console.error(`${probe}: input ${index}: ${what}\n  ${input}`);
  }
  console.log(failures.length === 0 ? "nothing found" : `${failures.length} probes failed`);
  const conversations = Math.ceil(inputs / 10);
  console.log(`HTTP: ${conversations} conversations`);
  const broken = fuzzHttp(conversations, seed);
  if (broken !== undefined) console.error(`${broken.index}: ${broken.what}\n${broken.input}`);
  Deno.exit(failures.length === 0 && broken === undefined ? 0 : 1);
}

/** Says what a run is about, how far it is and how long it took. */
function report(
  transport: string,
  names: readonly string[],
  inputs: number,
  run: (onProgress: OnProgress) => Failure[],
): Failure[] {
  console.log(`${transport}: ${inputs} inputs, ${names.length} probes (${names.join(" ")})`);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const failures = run((done) => {
    if (done % 1_000_000 === 0) console.log(`${done} inputs, ${seconds().toFixed(0)} s`);
  });
  const rate = Math.round(inputs / seconds());
  console.log(`${inputs} inputs in ${seconds().toFixed(1)} s, ${rate} a second`);
  return failures;
}

if (import.meta.main) main();
