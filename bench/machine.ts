/**
 * Where and with what the run was made.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { BARE, LINUX, PORTABLE } from "./results.ts";

/** What may disturb a run. */
export interface Surroundings {
  readonly network: string;
  /** How many processes wanted to run when it began, on an average over a minute. */
  readonly load: number;
}

export interface Machine extends Surroundings {
  readonly cpu: string;
  readonly memory: string;
  readonly kernel: string;
  /** `name version` of what was measured, each once. */
  readonly versions: readonly string[];
  readonly date: string;
  readonly commit: string;
}

/** @param contenders Those that were measured. */
export async function describeMachine(
  contenders: readonly Contender[],
  surroundings: Surroundings,
): Promise<Machine> {
  const model = Deno.readTextFileSync("/proc/cpuinfo").match(/^model name\s*: (.*)$/m)?.[1];
  const memory = Number(Deno.readTextFileSync("/proc/meminfo").match(/^MemTotal:\s+(\d+)/m)?.[1]);
  const versions = contenders.filter(({ version }) => version !== "")
    .map(({ name, version }) => `${NAMES[name] ?? name.split(" (")[0]} ${version}`);
  return {
    cpu: `${model ?? Deno.build.arch}, ${navigator.hardwareConcurrency} cores`,
    memory: `${Math.round(memory * 1024 / 1e9)} GB`,
    kernel: `Linux ${Deno.osRelease()}`,
    versions: [...new Set(versions)],
    date: new Date().toISOString().slice(0, 10),
    commit: await git("describe", "--always", "--dirty") ?? "unknown",
    ...surroundings,
  };
}

/** Whose version it is that these have. */
const NAMES: Readonly<Record<string, string>> = {
  [LINUX]: "Deno",
  [PORTABLE]: "Deno",
  [BARE]: "Deno",
};

/** The same in two lines. */
export function machineText(machine: Machine): string {
  const { cpu, memory, kernel, versions, date, commit, network, load } = machine;
  return [
    `${date}, commit ${commit}. ${cpu}, ${memory}; ${kernel}. ${versions.join(", ")}.`,
    `Clients, proxy and backends share the cores. ${network} The load before the run was ${
      load.toFixed(1)
    }.`,
  ].join("\n");
}

async function git(...args: readonly string[]): Promise<string | undefined> {
  try {
    const cwd = new URL("..", import.meta.url);
    const { success, stdout } = await new Deno.Command("git", { args: [...args], cwd }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}
