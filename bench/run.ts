/**
 * A run: every contender through all that is measured.
 *
 * @module
 */
import { type Contender, contenders, mainPort, type Ports } from "./contenders.ts";
import { DATAGRAM_WORKLOADS, DatagramLoad } from "./datagram_load.ts";
import { invalidInitial, perFlow } from "./datagram_rest.ts";
import type { Expiry, Sockets } from "./expiry.ts";
import { describeMachine, type Surroundings } from "./machine.ts";
import { DENO_RUN, quicProxies, type SluiceCommand, tcpProxies, udpProxies } from "./peers.ts";
import { openingTime, probingTime } from "./probing.ts";
import { compile, type Process, type Processes } from "./processes.ts";
import { rest } from "./rest.ts";
import { type DatagramResults, DIRECT, type Results } from "./results.ts";
import { bursts, type Pace, progress, starts } from "./rounds.ts";
import { Load, type Workload, WORKLOADS } from "./workloads.ts";

export interface Plan extends Pace {
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
  readonly sluice: SluiceCommand;
  /** Names of those who take part; absent: all. */
  readonly only: readonly string[] | undefined;
  readonly surroundings: Surroundings;
}

/** Flows that expire at once, and descriptors that a process needs beside those of its flows. */
const EXPIRING = 100_000;
const OTHER_DESCRIPTORS = 1000;

/** Measures TCP. */
export async function measureTcp(parts: RunParts): Promise<Results> {
  const { plan, processes, directory, ports, sluice, only, surroundings } = parts;
  await compile("reference_tcp.c", `${directory}/reference_tcp`, processes);
  const wanted = tcpProxies(sluice).filter(({ name }) => only?.includes(name) ?? true);
  const all = await contenders(wanted, "tcp", ports, directory);
  const load = await Load.make(directory, processes);
  const backend = await load.serve(ports);
  const resting = await starts(
    all,
    plan.starts,
    (contender, process) => rest(contender, process, load, processes),
  );
  const running = await startAll(all, processes);
  const workloads = await bursts<Workload>(
    WORKLOADS,
    all,
    plan,
    ({ way }, { ports }) => way === undefined || ports[way] !== undefined,
    (workload, contender, seconds) =>
      load.burst(workload, contender, running.get(contender), seconds),
  );
  for (const process of [...running.values(), backend]) await processes.end(process);
  const probing = probingTime();
  return {
    machine: await describeMachine(all, surroundings),
    contenders: all.map(({ name }) => name),
    workloads,
    rest: resting,
    ...probing !== undefined && { probing },
  };
}

/** Measures UDP. */
export async function measureUdp(parts: RunParts): Promise<DatagramResults> {
  const { plan, processes, directory, ports, sluice, only, surroundings } = parts;
  await compile("reference_udp.c", `${directory}/reference_udp`, processes);
  const isWanted = ({ name }: { readonly name: string }) => only?.includes(name) ?? true;
  const all = await contenders(udpProxies(sluice).filter(isWanted), "udp", ports, directory);
  const load = await DatagramLoad.make(directory, processes);
  const backend = await load.serve(ports.echo);
  const memory = await starts(
    all,
    plan.starts,
    (contender, process) => perFlow(contender, process, load, processes),
  );
  const workloads = await measureDatagrams(all, load, { plan, processes });
  progress("datagrams that are no good");
  const invalid: Record<string, number> = {};
  const quic = await contenders(quicProxies(sluice).filter(isWanted), "udp", ports, directory);
  for (const contender of quic.filter(({ name }) => name !== DIRECT)) {
    const time = await invalidInitial(contender, load, processes, directory);
    if (time !== undefined) invalid[contender.name] = time;
  }
  await processes.end(backend);
  progress("flows that expire");
  const mostReal = Math.min(EXPIRING, mostDescriptors() - OTHER_DESCRIPTORS);
  const expiries = [
    await expiry(EXPIRING, "stub", plan, processes),
    await expiry(mostReal, "real", plan, processes),
  ];
  const opening = openingTime();
  return {
    machine: await describeMachine(all, surroundings),
    contenders: all.map(({ name }) => name),
    workloads,
    perFlow: memory,
    ...opening !== undefined && { opening },
    invalidInitial: invalid,
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
      opened.set(count, await load.clients(mainPort(contender), count));
    }
    clients.set(contender, opened);
  }
  const workloads = await bursts(
    DATAGRAM_WORKLOADS,
    all,
    plan,
    () => true,
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
  const script = new URL("expiry.ts", import.meta.url).pathname;
  const command = [...DENO_RUN, script, `${flows}`, sockets];
  const found: Expiry[] = [];
  while (found.length < starts) found.push(JSON.parse(await processes.run(command)));
  return found.reduce((a, b) => a.longestPause < b.longestPause ? a : b);
}

/** That a process may have. Deno raises its own limit as far as it may. */
function mostDescriptors(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const most = Number(limits.match(/^Max open files +(\d+)/m)?.[1]);
  return Number.isNaN(most) ? Infinity : most;
}
