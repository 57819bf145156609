/**
 * Measures sluice beside HAProxy and its other peers: `deno task bench`. See README.md beside this file.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { chart } from "./chart.ts";
import {
  contenders,
  datagramContenders,
  DENO_RUN,
  type Ports,
  quicContender,
} from "./contenders.ts";
import { datagramReport, datagramsInBrief } from "./datagram_report.ts";
import { describeMachine, type Machine, machineText } from "./machine.ts";
import { inNamespace, runInNamespace } from "./namespace.ts";
import { Processes } from "./processes.ts";
import { atRestInBrief, report } from "./report.ts";
import { DATAGRAM_REFERENCE, type DatagramResults, REFERENCE, type Results } from "./results.ts";
import { measureTcp, measureUdp, type Plan } from "./run.ts";

const FULL: Plan = { rounds: 8, seconds: 0.6, starts: 3 };
const QUICK: Plan = { rounds: 3, seconds: 0.3, starts: 1 };

/** Below every system's range of ephemeral ports. */
const FIRST_PORT = 20_000;
const PORT_COUNT = 10;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    /** Names of contenders, with commas between. */
    only: { type: "string" },
    /** `tcp` or `udp`: one half. */
    transport: { type: "string" },
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
  const network = inNamespace()
    ? "In a network namespace of its own."
    : "In place: no network namespace could be made, so other traffic and few ports may disturb.";
  console.error(network);
  const ports = findPorts();
  const plan = options.quick ? QUICK : FULL;
  const command = options.sluice?.split(" ") ??
    [...DENO_RUN, new URL("../main.ts", import.meta.url).pathname, "--config", "CONFIG"];
  const only = options.only?.split(",");
  const isWanted = ({ name }: { readonly name: string }) => only?.includes(name) ?? true;

  const all = (await contenders(command, ports, directory)).filter(isWanted);
  const datagramAll = (await datagramContenders(command, ports, directory)).filter(isWanted);
  const parts = { plan, processes, directory, ports };
  const tcp = options.transport === "udp" ? undefined : await measureTcp(all, parts);
  const quic = await quicContender(command, ports, directory);
  const udp = options.transport === "tcp" ? undefined : await measureUdp(datagramAll, quic, parts);

  const machine = await describeMachine([...all, ...datagramAll], network);
  const text = [
    ...tcp ? ["## TCP", "", report(tcp)] : [],
    ...udp ? ["## UDP", "", datagramReport(udp)] : [],
    "## Machine",
    "",
    machineText(machine),
    "",
  ].join("\n");
  console.log(`\n${text}`);
  if (options.quick || options.only !== undefined || !tcp || !udp) return 0;
  await write(tcp, udp, machine, text, processes);
  console.log("This is in bench/results.md; results.svg and results_udp.svg show it.");
  return 0;
}

async function write(
  tcp: Results,
  udp: DatagramResults,
  machine: Machine,
  text: string,
  processes: Processes,
): Promise<void> {
  const charts = {
    "results.svg": chart({
      ...tcp,
      reference: REFERENCE,
      about: "Portable path, protocol detection on",
      brief: atRestInBrief(tcp),
      machine,
    }),
    "results_udp.svg": chart({
      ...udp,
      reference: DATAGRAM_REFERENCE,
      about: "UDP, portable path, protocol detection on",
      brief: datagramsInBrief(udp),
      machine,
    }),
  };
  const pictures = [
    `![Throughput of TCP as a multiple of ${REFERENCE}'s](results.svg)`,
    `![Throughput of UDP as a multiple of ${DATAGRAM_REFERENCE}'s](results_udp.svg)`,
  ];
  const files = Object.entries({
    ...charts,
    "results.md": ["# Benchmark", "", ...pictures, "", text].join("\n"),
  }).map(([name, content]) => ({ path: new URL(name, import.meta.url).pathname, content }));
  for (const { path, content } of files) await Deno.writeTextFile(path, content);
  await processes.run([Deno.execPath(), "fmt", "--quiet", ...files.map(({ path }) => path)]);
}

/** A block of ports that are free. */
function findPorts(): Ports {
  for (let first = FIRST_PORT; first < FIRST_PORT + 100 * PORT_COUNT; first += PORT_COUNT) {
    try {
      for (let i = 0; i < PORT_COUNT; i++) {
        const at = { hostname: "127.0.0.1", port: first + i };
        Deno.listen(at).close();
        Deno.listenDatagram({ transport: "udp", ...at }).close();
      }
      return { echo: first, source: first + 1, closed: first + 2, first: first + 3 };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no ${PORT_COUNT} free ports in a row from ${FIRST_PORT} on`);
}
