/**
 * sluice as a user runs it: a process with a configuration file, its two streams, and what the system knows of it.
 *
 * @module
 */
import type { Child } from "../support/child.ts";
import { findTool, type Scope } from "../support/children.ts";
import { sluiceCommand } from "./command.ts";

/** A line of the access log, as JSON. */
export interface AccessLine {
  readonly id: number;
  readonly time: string;
  readonly reason: string;
  readonly listener: string;
  readonly client: string;
  readonly protocol?: string;
  readonly route?: string;
  readonly backend?: string;
  readonly bytes_up: number;
  readonly bytes_down: number;
  readonly duration_ms: number;
  readonly route_ms?: number;
  readonly server_name?: string;
  readonly host?: string;
  readonly alpns?: readonly string[];
  readonly detail?: string;
}

export interface SluiceOptions {
  /** The configuration file if there is one already; else one is written. */
  readonly file?: string;
  /** The name of the file that is written. */
  readonly name?: string;
  /** A program that starts it, and that program's arguments. */
  readonly under?: readonly string[];
  /** Options of Deno beside those of a user. */
  readonly deno?: readonly string[];
  /** Variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts sluice with a configuration; it need not come up. */
export async function runSluice(
  scope: Scope,
  config: string,
  { file, name = "sluice.toml", under = [], deno = [], env = {} }: SluiceOptions = {},
): Promise<Sluice> {
  const path = file ?? `${await scope.folder()}/${name}`;
  if (file === undefined) await Deno.writeTextFile(path, config);
  const [program = "", ...args] = [
    ...under.map((word, index) => index === 0 ? findTool(word) ?? word : word),
    ...sluiceCommand(["--config", path, "--log-format", "json"], deno),
  ];
  const variables = { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env };
  return new Sluice(scope.start(program, args, { env: variables }), path);
}

/** Starts sluice with a configuration; it listens. */
export async function startSluice(
  scope: Scope,
  config: string,
  options?: SluiceOptions,
): Promise<Sluice> {
  const sluice = await runSluice(scope, config, options);
  await sluice.child.stderr.next(/"ready: /);
  return sluice;
}

/** A running sluice. */
export class Sluice {
  constructor(
    readonly child: Child,
    /** Its configuration; what is written there is reloaded. */
    readonly file: string,
  ) {}

  /** The first line of the access log that matches, of those not taken yet. */
  async accessLine(pattern = /"reason"/): Promise<AccessLine> {
    return JSON.parse(await this.child.stdout.next(pattern));
  }

  /** Every line of the access log so far. */
  get accessLines(): readonly AccessLine[] {
    return this.child.stdout.all.map((line) => JSON.parse(line));
  }

  /** The first line of its own log whose message matches, of those not taken yet. */
  async says(pattern: RegExp): Promise<{ time: string; level: string; message: string }> {
    return JSON.parse(await this.child.stderr.next(pattern));
  }

  /** Descriptors that it has open. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.child.pid}/fd`)].length;
  }

  /** Resident memory, bytes: now, and the most it ever was. */
  get memory(): { readonly now: number; readonly peak: number } {
    const status = Deno.readTextFileSync(`/proc/${this.child.pid}/status`);
    const kilobytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]);
    return { now: 1024 * kilobytes("VmRSS"), peak: 1024 * kilobytes("VmHWM") };
  }

  /** Processor time used so far, s. */
  get cpuTime(): number {
    const stat = Deno.readTextFileSync(`/proc/${this.child.pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
}

/** proc(5): utime and stime are in these. */
const TICKS_PER_SECOND = 100;
