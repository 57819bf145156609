/**
 * A run: every contender through all that is measured.
 *
 * @module
 */
import { type Contender, DENO_RUN, type Ports } from "./contenders.ts";
import { DATAGRAM_WORKLOADS, DatagramLoad } from "./datagram_load.ts";
import { invalidInitial, perFlow } from "./datagram_rest.ts";
import type { Expiry, Sockets } from "./expiry.ts";
import { openingTime, probingTime } from "./probing.ts";
import type { Process, Processes } from "./processes.ts";
import { rest } from "./rest.ts";
import type { DatagramResults, Results } from "./results.ts";
import { bursts, progress, starts } from "./rounds.ts";
import { Load, WORKLOADS } from "./workloads.ts";

export interface Plan {
  /** How often each workload is sent through each contender, and for how long, s. */
  readonly rounds: number;
  readonly seconds: number;
  /** How often each contender is started anew to measure it at rest. */
  readonly starts: number;
}

/** What a run is made with. */
export interface RunParts {
  readonly plan: Plan;
  readonly processes: Processes;
  /** For files of this run. */
  readonly directory: string;
  readonly ports: Ports;
}

/** Flows that expire at once, and descriptors that a process needs beside those of its flows. */
const EXPIRING = 100_000;
const OTHER_DESCRIPTORS = 1000;

/** Measures TCP. */
export async function measureTcp(
  all: readonly Contender[],
  { plan, processes, directory, ports }: RunParts,
): Promise<Results> {
  const load = await Load.make(directory, processes);
  await load.serve(ports.echo, ports.source);
  const resting = await starts(
    all,
    plan.starts,
    (contender, process) => rest(contender, process, load, processes),
  );
  const running = await startAll(all, processes);
  const workloads = await bursts(
    WORKLOADS,
    all,
    plan,
    (workload, contender, seconds) =>
      load.burst(workload, contender, running.get(contender), seconds),
  );
  for (const process of running.values()) await processes.end(process);
  const probing = probingTime();
  return {
    contenders: all.map(({ name }) => name),
    workloads,
    rest: resting,
    ...probing !== undefined && { probing },
  };
}

/**
 * Measures UDP.
 * @param quicOnly sluice, with a configuration that takes nothing but QUIC.
 */
export async function measureUdp(
  all: readonly Contender[],
  quicOnly: Contender,
  { plan, processes, directory, ports }: RunParts,
): Promise<DatagramResults> {
  const load = await DatagramLoad.make(directory, processes);
  await load.serve(ports.echo);
  const memory = await starts(
    all,
    plan.starts,
    (contender, process) => perFlow(contender, process, load, processes),
  );
  const workloads = await measureDatagrams(all, load, { plan, processes });
  progress("datagrams that are no good");
  const invalid = await invalidInitial(quicOnly, load, processes, directory);
  progress("flows that expire");
  const mostReal = Math.min(EXPIRING, mostDescriptors() - OTHER_DESCRIPTORS);
  const expiries = [
    await expiry(EXPIRING, "stub", plan, processes),
    await expiry(mostReal, "real", plan, processes),
  ];
  const opening = openingTime();
  return {
    contenders: all.map(({ name }) => name),
    workloads,
    perFlow: memory,
    ...opening !== undefined && { opening },
    ...invalid !== undefined && { invalidInitial: invalid },
    expiries,
  };
}

/** Flows last from burst to burst: what is measured are datagrams of known ones. */
async function measureDatagrams(
  all: readonly Contender[],
  load: DatagramLoad,
  { plan, processes }: Pick<RunParts, "plan" | "processes">,
): Promise<DatagramResults["workloads"]> {
  const running = await startAll(all, processes);
  const clients = new Map<Contender, Map<number, Process>>();
  for (const contender of all) {
    const opened = new Map<number, Process>();
    for (const count of new Set(DATAGRAM_WORKLOADS.map(({ clients }) => clients))) {
      opened.set(count, await load.clients(contender, count));
    }
    clients.set(contender, opened);
  }
  const workloads = await bursts(
    DATAGRAM_WORKLOADS,
    all,
    plan,
    (workload, contender, seconds) => {
      const opened = clients.get(contender)!.get(workload.clients)!;
      return load.burst(workload, contender, running.get(contender), opened, seconds);
    },
  );
  const left = [...clients.values()].flatMap((opened) => [...opened.values()]);
  for (const process of [...left, ...running.values()]) await processes.end(process);
  return workloads;
}

async function startAll(
  all: readonly Contender[],
  processes: Processes,
): Promise<Map<Contender, Process>> {
  const running = new Map<Contender, Process>();
  for (const contender of all) {
    if (contender.process === undefined) continue;
    const { command, readiness } = contender.process;
    running.set(contender, await processes.start(command, readiness));
  }
  return running;
}

/** The one of several with the shortest pause: whatever else runs on the machine only makes longer ones. */
async function expiry(
  flows: number,
  sockets: Sockets,
  { starts }: Plan,
  processes: Processes,
): Promise<Expiry> {
  const command = [...DENO_RUN, beside("expiry.ts"), `${flows}`, sockets];
  const found: Expiry[] = [];
  while (found.length < starts) found.push(JSON.parse(await processes.run(command)));
  return found.reduce((a, b) => a.longestPause < b.longestPause ? a : b);
}

function beside(file: string): string {
  return new URL(file, import.meta.url).pathname;
}

/** That a process may have. Deno raises its own limit as far as it may. */
function mostDescriptors(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const most = Number(limits.match(/^Max open files +(\d+)/m)?.[1]);
  return Number.isNaN(most) ? Infinity : most;
}
