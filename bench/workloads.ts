/**
 * What is measured while there is traffic, and the load generator that makes it.
 *
 * @module
 */
import { clientHello } from "./client_hello.ts";
import { type Contender, mainPort, type Ports, type Way } from "./contenders.ts";
import { compile, cpuTime, type Process, type Processes } from "./processes.ts";
import type { Burst } from "./results.ts";

export interface Workload {
  readonly name: string;
  readonly mode: "bulk" | "rate" | "pingpong";
  readonly connections: number;
  readonly prelude: "hello" | "request";
  /** Who has no such port takes no part. Absent: the one that everybody has, as connections are few. */
  readonly way?: Way;
}

export const WORKLOADS = [
  { name: "bulk, 1 stream", mode: "bulk", connections: 1, prelude: "hello" },
  { name: "bulk, 8 streams", mode: "bulk", connections: 8, prelude: "hello" },
  {
    name: "connections/s, routed by SNI",
    mode: "rate",
    connections: 50,
    prelude: "hello",
    way: "detecting",
  },
  {
    name: "connections/s, HTTP detected",
    mode: "rate",
    connections: 50,
    prelude: "request",
    way: "detecting",
  },
  {
    name: "connections/s, no detection",
    mode: "rate",
    connections: 50,
    prelude: "request",
    way: "plain",
  },
  { name: "64 B ping-pong, 1 connection", mode: "pingpong", connections: 1, prelude: "hello" },
  { name: "64 B ping-pong, 50 connections", mode: "pingpong", connections: 50, prelude: "hello" },
] as const satisfies readonly Workload[];

export type WorkloadName = (typeof WORKLOADS)[number]["name"];

/** What those who only look for a server's name are to know it by. */
type Backend = "echo" | "source";

/** 64 bytes that every proxy here takes for HTTP. */
const REQUEST =
  "GET / HTTP/1.1\r\nHost: bench.example\r\n".padEnd(60, "x: padding, as much as is needed") +
  "\r\n\r\n";

/** What the load generator prints. */
interface Counted {
  readonly running: number;
  readonly errors: number;
  readonly seconds: number;
  readonly exchanges: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
}

/** The load generator, compiled. */
export class Load {
  readonly #program: string;
  readonly #directory: string;
  readonly #processes: Processes;

  private constructor(program: string, directory: string, processes: Processes) {
    this.#program = program;
    this.#directory = directory;
    this.#processes = processes;
  }

  /** Compiles it and writes what clients send first into `directory`. */
  static async make(directory: string, processes: Processes): Promise<Load> {
    const program = `${directory}/load`;
    await compile("load.c", program, processes);
    await Deno.writeFile(`${directory}/hello-echo`, clientHello("echo.example"));
    await Deno.writeFile(`${directory}/hello-source`, clientHello("source.example"));
    await Deno.writeTextFile(`${directory}/request-echo`, REQUEST);
    return new Load(program, directory, processes);
  }

  /** Starts the backends. */
  serve(ports: Ports): Promise<Process> {
    return this.#processes.start(this.backend(ports), { line: /^ready$/ });
  }

  /** The command that starts them; it says "ready". */
  backend({ echo, source, either }: Ports): readonly string[] {
    return [this.#program, "backend", echo, source, either].map(String);
  }

  /**
   * Sends one burst through a contender.
   * @throws {Error} when a connection failed: then nothing was measured.
   */
  async burst(
    { mode, connections, prelude, way }: Workload,
    contender: Contender,
    process: Process | undefined,
    seconds: number,
  ): Promise<Burst> {
    const port = way === undefined ? mainPort(contender) : contender.ports[way];
    if (port === undefined) throw new Error(`${contender.name} has no port for this`);
    const cpuBefore = process ? cpuTime(process) : 0;
    const command = this.#command(port, mode, connections, seconds, prelude);
    const counted: Counted = JSON.parse(await this.#processes.run(command));
    const work = mode === "bulk" ? counted.bytes : counted.exchanges;
    if (counted.errors > 0 || work === 0) throw failed(contender, mode, counted, process);
    return {
      rate: work / counted.seconds,
      ...process && contender.process?.forks !== true &&
        { cpu: (cpuTime(process) - cpuBefore) / work },
      ...mode !== "bulk" && { p50: counted.p50, p99: counted.p99 },
    };
  }

  /** Opens connections, sends and receives the first bytes on each, and holds them until the process is ended. */
  async hold(contender: Contender, connections: number): Promise<Process> {
    const command = this.#command(mainPort(contender), "idle", connections, 0, "request");
    const process = await this.#processes.start(command, { line: /^\{/ });
    const counted: Counted = JSON.parse(process.printed.at(-1) ?? "{}");
    if (counted.running < connections) throw failed(contender, "idle", counted);
    return process;
  }

  #command(
    port: number,
    mode: Workload["mode"] | "idle",
    connections: number,
    seconds: number,
    prelude: Workload["prelude"],
  ): readonly string[] {
    const backend: Backend = mode === "bulk" ? "source" : "echo";
    const file = `${this.#directory}/${prelude}-${backend}`;
    return [this.#program, mode, port, connections, seconds, file].map(String);
  }
}

function failed(
  { name }: Contender,
  mode: string,
  { errors, running, exchanges }: Counted,
  process?: Process,
): Error {
  return new Error(
    `${name}, ${mode}: ${errors} connections failed, ${running} were open, ${exchanges} exchanges; ` +
      `it printed:\n${process?.printed.join("\n")}`,
  );
}
