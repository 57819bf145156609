/**
 * Measures sluice's tunnel beside its peers: `deno task bench:tunnel`. See README.md beside this file.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { inNamespace, runInNamespace } from "./namespace.ts";
import { findPorts, FIRST_PORT, LAST_PORT } from "./ports.ts";
import { Processes, withProcesses } from "./processes.ts";
import { SLUICE, SLUICE_BUN, type Tunnel, TUNNELS } from "./tunnel_peers.ts";
import { tunnelReport } from "./tunnel_report.ts";
import { measureTunnels, type TunnelPlan } from "./tunnel_run.ts";

const FULL: TunnelPlan = {
  near: { rounds: 3, seconds: 1, warmUp: 0.5 },
  far: { rounds: 1, seconds: 2, warmUp: 0.5 },
  roundTrips: [50, 150],
};
const QUICK: TunnelPlan = {
  near: { rounds: 2, seconds: 0.3, warmUp: 0.3 },
  far: { rounds: 1, seconds: 1, warmUp: 0.3 },
  roundTrips: [50],
};

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    /** Names of tunnels, with commas between. */
    only: { type: "string" },
  },
});

if (!inNamespace()) {
  const code = await runInNamespace(`${FIRST_PORT}-${LAST_PORT}`);
  if (code === undefined) console.error("bench: this needs a network namespace of its own");
  Deno.exit(code ?? 1);
}
Deno.exit(await withProcesses(bench));

async function bench(processes: Processes, directory: string): Promise<number> {
  const surroundings = {
    network: "In network namespaces of its own.",
    load: Deno.loadavg()[0] ?? NaN,
  };
  const wanted = options.only?.split(",");
  const tunnels: Tunnel[] = [];
  const found: { name: string; version: string; ports: Record<string, never> }[] = [];
  for (const tunnel of TUNNELS.filter(({ name }) => wanted?.includes(name) ?? true)) {
    const version = await versionOf(tunnel);
    if (version === undefined) {
      console.error(`${tunnel.name} is not installed here, and left out.`);
      continue;
    }
    tunnels.push(tunnel);
    const name = { [SLUICE]: "Deno", [SLUICE_BUN]: "Bun" }[tunnel.name] ?? tunnel.name;
    found.push({ name, version, ports: {} });
  }
  const plan = options.quick ? QUICK : FULL;
  const ports = findPorts();
  const results = await measureTunnels({ plan, processes, directory, ports, tunnels });
  const text = tunnelReport(results, await describeMachine(found, surroundings));
  console.log(text);
  if (options.quick || wanted !== undefined) return 0;
  await Deno.writeTextFile(new URL("tunnel_results.md", import.meta.url), text);
  return 0;
}

/** `undefined` if one of its programs is not there. */
async function versionOf({ versions }: Tunnel): Promise<string | undefined> {
  let found = "";
  for (const [program = "", ...args] of versions) {
    try {
      const { stdout, stderr } = await new Deno.Command(program, { args }).output();
      const text = new TextDecoder();
      const printed = text.decode(stdout) + text.decode(stderr);
      // One of them begins with when it was built.
      found ||= (/Version: +(\S+)/.exec(printed) ?? /(\d+(?:\.\d+)+)/.exec(printed))?.[1] ?? "";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
  return found;
}
