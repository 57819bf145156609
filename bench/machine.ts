/**
 * Where and with what the run was made.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { BARE } from "./results.ts";

export interface Machine {
  readonly cpu: string;
  readonly kernel: string;
  /** `name version` of each contender. */
  readonly versions: readonly string[];
  readonly date: string;
  readonly commit: string;
  readonly network: string;
}

/** @param contenders Those of both transports. */
export async function describeMachine(
  contenders: readonly Contender[],
  network: string,
): Promise<Machine> {
  const model = Deno.readTextFileSync("/proc/cpuinfo").match(/^model name\s*: (.*)$/m)?.[1];
  return {
    cpu: `${model ?? Deno.build.arch}, ${navigator.hardwareConcurrency} cores`,
    kernel: `Linux ${Deno.osRelease()}`,
    versions: contenders.filter(({ name, process }) => process && name !== BARE).map((
      { name, version },
    ) => name === "sluice" ? `sluice on Deno ${version}` : `${name.split(" (")[0]} ${version}`)
      .filter((text, i, all) => all.indexOf(text) === i),
    date: new Date().toISOString().slice(0, 10),
    commit: await git("describe", "--always", "--dirty") ?? "unknown",
    network,
  };
}

/** The same in two lines. */
export function machineText({ cpu, kernel, versions, date, commit, network }: Machine): string {
  return [
    `${date}, commit ${commit}. ${cpu}; ${kernel}. ${versions.join(", ")}.`,
    `Clients, proxy and backends share the cores. ${network}`,
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
