/**
 * The processes of a run: each one is started here, read from `/proc` while it lives, and ended by its id.
 *
 * @module
 */

/** How long a process may take until it is ready, and to end once it is asked to, and asked again, ms. */
const READY_WITHIN = 10_000;
const END_WITHIN = 500;
const END_AT_LAST_WITHIN = 5_000;
/** How long an echo may take before the next one is tried, ms. */
const ECHO_WITHIN = 20;
/** How many of the lines that a process prints are kept, for when it fails. */
const LINES_KEPT = 20;

/** When a process is ready: with a line on its standard error, or when its port takes a connection, or sends datagrams back. */
export type Readiness =
  | { readonly line: RegExp }
  | { readonly port: number }
  | { readonly echoPort: number };

/** A process that runs until it is ended. */
export interface Process {
  readonly child: Deno.ChildProcess;
  /** From its start until it was ready, ms. */
  readonly startTime: number;
  /** The last lines on its standard error. */
  readonly printed: readonly string[];
  /**
   * Writes a line to its standard input.
   * @returns The next line on its standard error.
   * @throws {Error} when it ends instead.
   */
  ask(line: string): Promise<string>;
}

/** Starts processes, and ends whatever is left of them. */
export class Processes {
  readonly #running = new Set<Deno.ChildProcess>();
  #ending = false;

  /**
   * Starts a process that stays, and waits until it is ready. Its standard input ends when this process does;
   * its standard output leads nowhere, so that what it logs there costs nobody else any time.
   * @throws {Error} with what it printed, when it ends instead or takes too long.
   */
  async start(command: readonly string[], readiness: Readiness): Promise<Process> {
    const started = performance.now();
    const child = this.#spawn(command, "null");
    const printed: string[] = [];
    const lineSeen = Promise.withResolvers<"ready">();
    let answered = Promise.withResolvers<string>();
    const onLine = (line: string) => {
      answered.resolve(line);
      printed.push(line);
      if (printed.length > LINES_KEPT) printed.shift();
      if ("line" in readiness && readiness.line.test(line)) lineSeen.resolve("ready");
    };
    const lines = eachLine(child.stderr, onLine);
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), READY_WITHIN);
    const outcome = await Promise.race([
      "line" in readiness ? lineSeen.promise : portAnswers(readiness, giveUp.signal),
      Promise.all([child.status, lines]).then(() => "has ended" as const),
      new Promise<"is not ready in time">((resolve) =>
        giveUp.signal.addEventListener("abort", () => resolve("is not ready in time"))
      ),
    ]);
    clearTimeout(timer);
    giveUp.abort();
    const failed = (how: string) =>
      new Error(`${command.join(" ")} ${how}; it printed:\n${printed.join("\n")}`);
    if (outcome !== "ready") throw failed(outcome);
    const startTime = performance.now() - started;
    const input = child.stdin.getWriter();
    const ask = async (line: string) => {
      answered = Promise.withResolvers();
      await input.write(new TextEncoder().encode(`${line}\n`));
      const answer = await Promise.race([answered.promise, child.status]);
      if (typeof answer !== "string") throw failed("has ended");
      return answer;
    };
    return { child, startTime, printed, ask };
  }

  /**
   * Runs a process to its end.
   * @returns What it printed on standard output.
   * @throws {Error} with what it printed on the other, when it fails.
   */
  async run(command: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await this.#spawn(command, "piped").output();
    const text = new TextDecoder();
    if (success) return text.decode(stdout);
    throw new Error(`${command.join(" ")} failed:\n${text.decode(stderr)}`);
  }

  /**
   * Asks a process to end, twice if need be, because sluice waits for its flows the first time; and ends it if it does
   * not. That would leave the workers of nginx behind.
   */
  async end({ child }: Pick<Process, "child">): Promise<void> {
    if (!this.#running.has(child)) return;
    signal(child, "SIGTERM");
    const timers = [
      setTimeout(() => signal(child, "SIGTERM"), END_WITHIN),
      setTimeout(() => signal(child, "SIGKILL"), END_AT_LAST_WITHIN),
    ];
    await child.status;
    timers.forEach(clearTimeout);
  }

  /** Ends all that are running; from now on none is started. */
  async endAll(): Promise<void> {
    this.#ending = true;
    await Promise.all([...this.#running].map((child) => this.end({ child })));
  }

  #spawn(
    [program = "", ...args]: readonly string[],
    stdout: "piped" | "null",
  ): Deno.ChildProcess {
    if (this.#ending) throw new Error("the run has ended");
    const child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout,
      stderr: "piped",
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    }).spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** CPU time used so far by the threads of a process and of its children, s. */
export function cpuTime({ child }: Process): number {
  return sumOverTree(child.pid, (pid) => {
    let nanoseconds = 0;
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(
        Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0],
      );
    }
    return nanoseconds / 1e9;
  });
}

/** Resident memory of a process and its children, bytes; `own` leaves out what is shared with others. */
export function memory({ child }: Process, which: "resident" | "own"): number {
  const fields = which === "resident" ? /^Rss:\s+(\d+) kB$/gm : OWN;
  return sumOverTree(child.pid, (pid) => memoryOf(pid, fields));
}

/** Memory of a process alone, without what is shared with others, bytes. */
export function ownMemory(pid: number): number {
  return memoryOf(pid, OWN);
}

const OWN = /^Private_.*:\s+(\d+) kB$/gm;

function memoryOf(pid: number, fields: RegExp): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  return [...text.matchAll(fields)].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
}

function sumOverTree(pid: number, read: (pid: number) => number): number {
  try {
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).match(/\d+/g) ?? [];
    return children.reduce((sum, child) => sum + sumOverTree(Number(child), read), read(pid));
  } catch {
    // It has ended in between, as the processes of a forking proxy do.
    return 0;
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest !== "") onLine(rest);
}

/** Tries a port until it takes a connection, or a datagram comes back. */
async function portAnswers(
  readiness: Exclude<Readiness, { readonly line: RegExp }>,
  giveUp: AbortSignal,
): Promise<"ready"> {
  while (!giveUp.aborted) {
    try {
      if ("port" in readiness) {
        (await Deno.connect({ port: readiness.port, hostname: "127.0.0.1" })).close();
      } else await exchange(readiness.echoPort);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  return "ready";
}

/**
 * Sends a datagram and waits a moment for it to come back.
 * @throws {Error} when it does not.
 */
async function exchange(port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const timer = setTimeout(() => socket.close(), ECHO_WITHIN);
  await socket.send(new Uint8Array(64), { transport: "udp", hostname: "127.0.0.1", port });
  await socket.receive();
  clearTimeout(timer);
  socket.close();
}

/**
 * Compiles a C program that is beside this file.
 * @param program Where it is to be.
 */
export async function compile(
  source: string,
  program: string,
  processes: Processes,
): Promise<void> {
  try {
    const path = new URL(source, import.meta.url).pathname;
    await processes.run(["cc", "-O2", "-o", program, path]);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      "there is no C compiler: install one that is called `cc`, such as gcc or clang",
    );
  }
}

/**
 * Runs a benchmark until it is over or interrupted; then its processes and its directory are gone.
 * @param bench Returns the exit code.
 */
export async function withProcesses(
  bench: (processes: Processes, directory: string) => Promise<number>,
): Promise<number> {
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
