/**
 * Measures sluice beside HAProxy and its other peers: `deno task bench`. See README.md beside this file.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { chart } from "./chart.ts";
import { type Contender, contenders, type Ports } from "./contenders.ts";
import { describeMachine } from "./machine.ts";
import { inNamespace, runInNamespace } from "./namespace.ts";
import { probingTime } from "./probing.ts";
import { type Process, Processes } from "./processes.ts";
import { report } from "./report.ts";
import { type Rest, rest } from "./rest.ts";
import type { Results, WorkloadResult } from "./results.ts";
import { type Burst, Load, WORKLOADS } from "./workloads.ts";

interface Plan {
  /** How often each workload is sent through each contender, and for how long, s. */
  readonly rounds: number;
  readonly seconds: number;
  /** How often each contender is started anew to measure it at rest. */
  readonly starts: number;
}

const FULL: Plan = { rounds: 8, seconds: 0.6, starts: 3 };
const QUICK: Plan = { rounds: 3, seconds: 0.3, starts: 1 };
/** Before the first round, so that no contender is measured cold, s. */
const WARM_UP = 0.5;

/** Below every system's range of ephemeral ports. */
const FIRST_PORT = 20_000;
const PORT_COUNT = 10;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    /** Names of contenders, with commas between. */
    only: { type: "string" },
    /** Another way to start sluice; `CONFIG` stands for its configuration. */
    sluice: { type: "string" },
  },
});

if (!inNamespace()) {
  const code = await runInNamespace(`${FIRST_PORT}-${FIRST_PORT + PORT_COUNT - 1}`);
  if (code !== undefined) Deno.exit(code);
}
Deno.exit(await main());

async function main(): Promise<number> {
  const processes = new Processes();
  const directory = await Deno.makeTempDir({ prefix: "sluice-bench-" });
  const interrupted = new Promise<number>((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve(130));
    Deno.addSignalListener("SIGTERM", () => resolve(143));
  });
  try {
    return await Promise.race([interrupted, bench(processes, directory)]);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await processes.endAll();
    await Deno.remove(directory, { recursive: true });
  }
}

async function bench(processes: Processes, directory: string): Promise<number> {
  const results = await measure(options.quick ? QUICK : FULL, processes, directory);
  const text = report(results);
  console.log(`\n${text}`);
  if (options.quick || options.only !== undefined) return 0;
  const markdown = new URL("results.md", import.meta.url).pathname;
  const svg = new URL("results.svg", import.meta.url).pathname;
  await Deno.writeTextFile(
    markdown,
    `# Benchmark\n\n![Throughput as a multiple of HAProxy's](results.svg)\n\n${text}`,
  );
  await Deno.writeTextFile(svg, chart(results));
  await processes.run([Deno.execPath(), "fmt", "--quiet", markdown, svg]);
  console.log("This is in bench/results.md, and bench/results.svg shows it.");
  return 0;
}

async function measure(plan: Plan, processes: Processes, directory: string): Promise<Results> {
  const network = inNamespace()
    ? "In a network namespace of its own."
    : "In place: no network namespace could be made, so other traffic and few ports may disturb.";
  console.error(network);
  const ports = findPorts();
  const load = await Load.make(directory, processes);
  await load.serve(ports.echo, ports.source);
  // As `deno task start` does it.
  const command = options.sluice?.split(" ") ??
    [
      Deno.execPath(),
      "run",
      "-A",
      "--v8-flags=--max-semi-space-size=2",
      new URL("../main.ts", import.meta.url).pathname,
      "--config",
      "CONFIG",
    ];
  const only = options.only?.split(",");
  const all = (await contenders(command, ports, directory))
    .filter(({ name }) => only?.includes(name) ?? true);
  const resting = await measureRest(plan, all, load, processes);
  const workloads = await measureWorkloads(plan, all, load, processes);
  const probing = probingTime();
  return {
    machine: await describeMachine(all, network),
    contenders: all.map(({ name }) => name),
    workloads,
    rest: resting,
    ...probing !== undefined && { probing },
  };
}

async function measureRest(
  { starts }: Plan,
  all: readonly Contender[],
  load: Load,
  processes: Processes,
): Promise<ReadonlyMap<string, readonly Rest[]>> {
  const found = new Map<string, Rest[]>();
  for (const { name, process } of all) if (process) found.set(name, []);
  for (let start = 1; start <= starts; start++) {
    progress(`start ${start} of ${starts}`);
    for (const contender of shuffled(all)) {
      if (contender.process === undefined) continue;
      const figures = await rest(contender, contender.process, load, processes);
      found.get(contender.name)?.push(figures);
    }
  }
  return found;
}

/** Everybody does each workload in turn, in an order that is new each time: what disturbs, disturbs all. */
async function measureWorkloads(
  { rounds, seconds }: Plan,
  all: readonly Contender[],
  load: Load,
  processes: Processes,
): Promise<readonly WorkloadResult[]> {
  const running = new Map<Contender, Process>();
  for (const contender of all) {
    if (contender.process === undefined) continue;
    const { command, readiness } = contender.process;
    running.set(contender, await processes.start(command, readiness));
  }
  const results = WORKLOADS.map((workload) => ({ workload, rounds: [] as Map<string, Burst>[] }));
  for (let round = 0; round <= rounds; round++) {
    progress(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
    for (const result of shuffled(results)) {
      const bursts = new Map<string, Burst>();
      for (const contender of shuffled(all)) {
        const duration = round === 0 ? WARM_UP : seconds;
        const process = running.get(contender);
        try {
          const burst = await load.burst(result.workload, contender, process, duration);
          bursts.set(contender.name, burst);
        } catch (error) {
          if (contender.name === "sluice") throw error;
          console.error(
            `Left out of this round: ${error instanceof Error ? error.message : error}`,
          );
        }
      }
      if (round > 0) result.rounds.push(bursts);
    }
  }
  for (const process of running.values()) await processes.end(process);
  return results;
}

/** A block of ports that are free. */
function findPorts(): Ports {
  for (let first = FIRST_PORT; first < FIRST_PORT + 100 * PORT_COUNT; first += PORT_COUNT) {
    try {
      for (let i = 0; i < PORT_COUNT; i++) {
        Deno.listen({ hostname: "127.0.0.1", port: first + i }).close();
      }
      return { echo: first, source: first + 1, closed: first + 2, first: first + 3 };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no ${PORT_COUNT} free ports in a row from ${FIRST_PORT} on`);
}

function shuffled<T>(values: readonly T[]): T[] {
  return values.map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}
