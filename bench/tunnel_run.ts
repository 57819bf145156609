/**
 * A run of tunnels: every one of them through all that is measured, near and far.
 *
 * @module
 */
import type { Contender, Ports } from "./contenders.ts";
import { cpuTime, memory, type Process, type Processes } from "./processes.ts";
import { type Burst, DIRECT, type WorkloadResult } from "./results.ts";
import { bursts, type Pace, progress } from "./rounds.ts";
import { type Link, longWay, NEAR } from "./tunnel_link.ts";
import type { Ends, Tunnel } from "./tunnel_peers.ts";
import { Load, type Workload } from "./workloads.ts";

const BULK_1 = { name: "bulk, 1 stream", mode: "bulk", connections: 1, prelude: "hello" } as const;
const BULK_8 = { name: "bulk, 8 streams", mode: "bulk", connections: 8, prelude: "hello" } as const;
const REQUESTS = {
  name: "requests/s, 50 kept connections",
  mode: "pingpong",
  connections: 50,
  prelude: "request",
} as const;
const CONNECTIONS = {
  name: "connections/s, 50 at once",
  mode: "rate",
  connections: 50,
  prelude: "request",
} as const;
const LATENCY = {
  name: "a request by itself",
  mode: "pingpong",
  connections: 1,
  prelude: "request",
} as const;

export const NEAR_WORKLOADS: readonly Workload[] = [BULK_1, BULK_8, REQUESTS, CONNECTIONS, LATENCY];
export const FAR_WORKLOADS: readonly Workload[] = [BULK_1, BULK_8, REQUESTS, CONNECTIONS];
export type TunnelWorkload = Workload;

/** Of each tunnel: for agents, for visitors, and one that it listens on because it has to. */
const PORTS = 3;
/** Connections come for so many times as long: whoever has connections ready first has to notice that they are wanted. */
const STAMINA = 3;
/** Visitors that are held. */
export const HELD = 1000;
/** Until memory has settled, ms. */
const SETTLE = 1000;
/** How long a tunnel may take until it carries visitors, ms. */
const CARRIES_WITHIN = 15_000;

export interface TunnelPlan {
  readonly near: Pace;
  readonly far: Pace;
  /** ms */
  readonly roundTrips: readonly number[];
}

export interface TunnelParts {
  readonly plan: TunnelPlan;
  readonly processes: Processes;
  readonly directory: string;
  readonly ports: Ports;
  readonly tunnels: readonly Tunnel[];
}

export interface TunnelResults {
  /** Names, sluice first, and the direct way at the end. */
  readonly names: readonly string[];
  readonly links: readonly LinkResults[];
  /** By tunnel. */
  readonly rest: Readonly<Record<string, TunnelRest>>;
}

export interface LinkResults {
  readonly roundTrip: number;
  readonly workloads: readonly WorkloadResult<Workload>[];
}

/** Memory of both ends, bytes: at the start, and what it grows by with each visitor that is held. */
export interface TunnelRest {
  readonly edge: number;
  readonly agent: number;
  readonly edgePerVisitor: number;
  readonly agentPerVisitor: number;
}

/** Measures all `tunnels`. */
export async function measureTunnels(parts: TunnelParts): Promise<TunnelResults> {
  const { plan, processes, directory } = parts;
  const links: LinkResults[] = [];
  let rest: TunnelResults["rest"] = {};
  for (const roundTrip of [0, ...plan.roundTrips]) {
    const link = roundTrip === 0 ? NEAR : await longWay(roundTrip, directory, processes);
    const run = await Run.start(parts, link);
    const isNear = roundTrip === 0;
    const workloads = await bursts(
      isNear ? NEAR_WORKLOADS : FAR_WORKLOADS,
      run.contenders,
      isNear ? plan.near : plan.far,
      () => true,
      (workload, contender, seconds) =>
        run.burst(workload, contender, workload.mode === "rate" ? seconds * STAMINA : seconds),
    );
    links.push({ roundTrip, workloads });
    if (isNear) rest = await run.atRest();
    await run.end();
    await link.end();
  }
  return { names: [...parts.tunnels.map(({ name }) => name), DIRECT], links, rest };
}

/** A tunnel that carries visitors. */
interface Running {
  readonly edge: Process;
  readonly agent: Process;
}

/** All tunnels over one link, and a backend at its far end. */
class Run {
  readonly #running = new Map<Contender, Running>();
  readonly #processes: Processes;
  readonly #load: Load;
  readonly #backend: Process;

  private constructor(processes: Processes, load: Load, backend: Process) {
    this.#processes = processes;
    this.#load = load;
    this.#backend = backend;
  }

  static async start(
    { processes, directory, ports, tunnels }: TunnelParts,
    link: Link,
  ): Promise<Run> {
    const load = await Load.make(directory, processes);
    const backend = await processes.start(
      [...link.beside, ...load.backend(ports)],
      { line: /^ready$/ },
    );
    const run = new Run(processes, load, backend);
    for (const [place, tunnel] of tunnels.entries()) {
      const first = ports.first + PORTS * place;
      const own = await Deno.makeTempDir({ dir: directory });
      const ends: Ends = {
        edge: link.edge,
        control: first,
        visitors: first + 1,
        service: ports.either,
        directory: own,
      };
      progress(`starting ${tunnel.name}`);
      await run.#start(tunnel, ends, link);
    }
    // There is no direct way to a backend that is far off: the load generator knows only this place.
    if (link.roundTrip === 0) {
      run.#running.set(direct(ports.either), { edge: backend, agent: backend });
    }
    return run;
  }

  async #start(tunnel: Tunnel, ends: Ends, { beside }: Link): Promise<void> {
    const commands = await tunnel.prepare(ends);
    const edge = await this.#processes.start(commands.edge, commands.edgeReady);
    const agent = await this.#processes.start(
      [...beside, ...commands.agent],
      { port: ends.visitors },
    );
    const contender: Contender = {
      name: tunnel.name,
      version: "",
      ports: { detecting: ends.visitors },
    };
    const patience = performance.now() + CARRIES_WITHIN;
    const trial: Workload = { ...LATENCY, name: "trial" };
    for (;;) {
      try {
        await this.#load.burst(trial, contender, undefined, 0.5);
        break;
      } catch (error) {
        if (performance.now() > patience) throw error;
      }
    }
    this.#running.set(contender, { edge, agent });
  }

  get contenders(): readonly Contender[] {
    return [...this.#running.keys()];
  }

  async burst(workload: Workload, contender: Contender, seconds: number): Promise<Burst> {
    const running = this.#running.get(contender);
    const cpu = () => running === undefined ? 0 : cpuTime(running.edge) + cpuTime(running.agent);
    const before = cpu();
    const burst = await this.#load.burst(workload, contender, undefined, seconds);
    if (contender.name === DIRECT) return burst;
    return { ...burst, cpu: (cpu() - before) / (burst.rate * seconds) };
  }

  /** Memory with visitors that do nothing. */
  async atRest(): Promise<TunnelResults["rest"]> {
    const found: Record<string, TunnelRest> = {};
    for (const [contender, { edge, agent }] of this.#running) {
      if (contender.name === DIRECT) continue;
      progress(`${HELD} visitors of ${contender.name}`);
      await settle();
      const [edgeBefore, agentBefore] = [memory(edge, "own"), memory(agent, "own")];
      try {
        const clients = await this.#load.hold(contender, HELD);
        await settle();
        found[contender.name] = {
          edge: edgeBefore,
          agent: agentBefore,
          edgePerVisitor: (memory(edge, "own") - edgeBefore) / HELD,
          agentPerVisitor: (memory(agent, "own") - agentBefore) / HELD,
        };
        await this.#processes.end(clients);
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
    return found;
  }

  async end(): Promise<void> {
    for (const { edge, agent } of this.#running.values()) {
      await this.#processes.end(agent);
      await this.#processes.end(edge);
    }
    await this.#processes.end(this.#backend);
  }
}

function direct(port: number): Contender {
  return { name: DIRECT, version: "", ports: { detecting: port } };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE));
}
