/**
 * What is measured while there are datagrams, and the load generator that makes them.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { compile, cpuTime, type Process, type Processes } from "./processes.ts";
import type { Burst } from "./results.ts";

export interface DatagramWorkload {
  readonly name: string;
  readonly clients: number;
  /** Bytes. */
  readonly size: number;
  /** Datagrams that each client has under way; 0: one is sent and no more. */
  readonly window: number;
}

export const DATAGRAM_WORKLOADS: readonly DatagramWorkload[] = [
  { clients: 1, size: 64, window: 1 },
  { clients: 1, size: 1200, window: 1 },
  { clients: 1, size: 64, window: 16 },
  { clients: 1, size: 1200, window: 16 },
  { clients: 1000, size: 64, window: 1 },
  { clients: 1000, size: 1200, window: 1 },
].map((workload) => ({ ...workload, name: nameOf(workload) }));

function nameOf({ clients, size, window }: Omit<DatagramWorkload, "name">): string {
  const count = clients === 1 ? "1 client" : `${clients.toLocaleString("en")} clients`;
  return `${size.toLocaleString("en")} B echo, ${count} × ${window}`;
}

/** What the load generator prints after a burst. */
interface Counted {
  /** Clients that were started. */
  readonly clients: number;
  readonly seconds: number;
  readonly echoes: number;
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
}

/** The load generator of UDP, compiled. */
export class DatagramLoad {
  readonly #program: string;
  readonly #processes: Processes;

  private constructor(program: string, processes: Processes) {
    this.#program = program;
    this.#processes = processes;
  }

  /** Compiles it into `directory`. */
  static async make(directory: string, processes: Processes): Promise<DatagramLoad> {
    const program = `${directory}/datagrams`;
    await compile("datagrams.c", program, processes);
    return new DatagramLoad(program, processes);
  }

  /** Starts the backend. */
  serve(port: number): Promise<Process> {
    return this.#processes.start([this.#program, "echo", `${port}`], { line: /^ready$/ });
  }

  /** Opens the sockets of clients; their flows begin with the first burst, and last until the process is ended. */
  clients(port: number, count: number): Promise<Process> {
    const command = [this.#program, "clients", port, count].map(String);
    return this.#processes.start(command, { line: /^ready$/ });
  }

  /**
   * Sends one burst through a contender.
   * @throws {Error} when not every client was started: then nothing was measured.
   */
  async burst(
    { clients: count, size, window }: Pick<DatagramWorkload, "clients" | "size" | "window">,
    { name }: Contender,
    process: Process | undefined,
    clients: Process,
    seconds: number,
  ): Promise<Burst> {
    const cpuBefore = process ? cpuTime(process) : 0;
    const counted: Counted = JSON.parse(await clients.ask(`${size} ${window} ${seconds}`));
    if (counted.clients < count) {
      throw new Error(
        `${name}: only ${counted.clients} of ${count} clients could begin; it printed:\n` +
          `${process?.printed.join("\n")}`,
      );
    }
    const { echoes, lost, p50, p99 } = counted;
    return {
      rate: echoes / counted.seconds,
      ...process && { cpu: (cpuTime(process) - cpuBefore) / echoes },
      p50,
      p99,
      lost: lost / (echoes + lost),
    };
  }

  /**
   * Sends a datagram as often as it can, from many sockets.
   * @param file What is in the datagram.
   * @returns How many were sent.
   */
  async flood(port: number, sockets: number, file: string, seconds: number): Promise<number> {
    const command = [this.#program, "flood", port, sockets, file, seconds].map(String);
    const { sent }: { readonly sent: number } = JSON.parse(await this.#processes.run(command));
    return sent;
  }
}
