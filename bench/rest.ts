/**
 * What is measured without traffic: the time to start, and memory.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { memory, type Processes } from "./processes.ts";
import type { Load, Workload } from "./workloads.ts";

/** Connections that are held. */
export const HELD = 2000;

/** Until memory has settled, ms. */
const SETTLE = 500;

/** s */
const WARM_UP = 0.1;
/** Run once before connections are counted, so that code which is loaded late is not counted as theirs. */
const FIRST_TRAFFIC: Workload = {
  name: "first traffic",
  mode: "rate",
  connections: 10,
  prelude: "request",
};

export interface Rest {
  /** From the start of the process until it is ready, ms. */
  readonly startTime: number;
  /** Resident memory then, bytes. */
  readonly resident: number;
  /** What that grows by for each connection that is held, bytes. */
  readonly perConnection: number;
}

/** Starts a contender anew, measures it, and ends it. */
export async function rest(
  contender: Contender,
  { command, readiness }: NonNullable<Contender["process"]>,
  load: Load,
  processes: Processes,
): Promise<Rest> {
  const process = await processes.start(command, readiness);
  await settle();
  const resident = memory(process, "resident");
  await load.burst(FIRST_TRAFFIC, contender, process, WARM_UP);
  await settle();
  const before = memory(process, "own");
  const clients = await load.hold(contender, HELD);
  await settle();
  const perConnection = (memory(process, "own") - before) / HELD;
  await processes.end(clients);
  await processes.end(process);
  return { startTime: process.startTime, resident, perConnection };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE));
}
