/**
 * Measures sluice beside HAProxy and its other peers: `deno task bench`. See README.md beside this file.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { findPorts, FIRST_PORT, LAST_PORT } from "./ports.ts";
import { datagramReport } from "./datagram_report.ts";
import { inNamespace, runInNamespace } from "./namespace.ts";
import { DENO_RUN } from "./peers.ts";
import { Processes, withProcesses } from "./processes.ts";
import { keep, publish } from "./publish.ts";
import { report } from "./report.ts";
import { measureTcp, measureUdp, type Plan } from "./run.ts";

const FULL: Plan = { rounds: 7, seconds: 0.4, warmUp: 2, starts: 3 };
const QUICK: Plan = { rounds: 2, seconds: 0.25, warmUp: 0.25, starts: 1 };

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    /** Names of contenders, with commas between. */
    only: { type: "string" },
    /** `tcp` or `udp`: one half. */
    transport: { type: "string" },
    /** Another way to start sluice; `CONFIG` stands for its configuration. */
    sluice: { type: "string" },
    /** Measures nothing: only writes again what is made of the figures that were kept. */
    publish: { type: "boolean", default: false },
  },
});

if (options.publish) {
  await publish();
  Deno.exit(0);
}
if (!inNamespace()) {
  const code = await runInNamespace(`${FIRST_PORT}-${LAST_PORT}`);
  if (code !== undefined) Deno.exit(code);
}
Deno.exit(await withProcesses(bench));

async function bench(processes: Processes, directory: string): Promise<number> {
  const network = inNamespace()
    ? "In a network namespace of its own."
    : "In place: no network namespace could be made, so other traffic and few ports may disturb.";
  console.error(network);
  const parts = {
    plan: options.quick ? QUICK : FULL,
    processes,
    directory,
    ports: findPorts(),
    sluice: options.sluice?.split(" ") ??
      [...DENO_RUN, new URL("../main.ts", import.meta.url).pathname, "--config", "CONFIG"],
    only: options.only?.split(","),
    surroundings: { network, load: Deno.loadavg()[0] ?? NaN },
  };
  const isKept = !options.quick && options.only === undefined && options.sluice === undefined;
  if (options.transport !== "udp") {
    const tcp = await measureTcp(parts);
    console.log(`\n## TCP\n\n${report(tcp)}`);
    if (isKept) await keep("tcp", tcp);
  }
  if (options.transport !== "tcp") {
    const udp = await measureUdp(parts);
    console.log(`\n## UDP\n\n${datagramReport(udp)}`);
    if (isKept) await keep("udp", udp);
  }
  if (!isKept) return 0;
  await publish();
  console.log("This is in bench/results.md, beside it are charts, and in README.md the goals.");
  return 0;
}
