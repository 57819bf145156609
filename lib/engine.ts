/**
 * Which plane serves: the runtime's sockets in this thread, or the system's own in a data thread.
 *
 * @module
 */
import type { Config } from "./config/config.ts";
import type { ThreadAhead } from "./data_thread/messages.ts";
import type { MainLog } from "./log.ts";
import type { Plane } from "./plane.ts";
import { type Lookup, Resolver } from "./resolver.ts";
import type { Clock, Net } from "./runtime/runtime.ts";

export interface EngineParts extends Partial<ThreadAhead> {
  readonly net: Net;
  readonly clock: Clock;
  readonly lookup: Lookup;
  readonly log: MainLog;
}

/** The plane that was chosen. */
export interface Chosen {
  readonly plane: Plane;
  /** Which one it is and why, for the log. */
  readonly engine: string;
}

/**
 * Makes the plane that the configuration asks for. What the other one needs is not loaded.
 * @throws {Error} If it has to be `linux` and that cannot be; the message says what is missing.
 */
export async function choosePlane(config: Config, parts: EngineParts): Promise<Chosen> {
  const { engine, dns } = config;
  if (engine === "portable") return await portable("as configured", dns, parts);
  try {
    return await linux(config, parts);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (engine === "linux") throw new Error(`engine "linux" cannot be had: ${why}`);
    return await portable(`linux cannot be had: ${why}`, dns, parts);
  }
}

async function linux(
  { engine, threads }: Config,
  { startThread, ...parts }: EngineParts,
): Promise<Chosen> {
  if (startThread === undefined) throw new Error("this runtime has no way to it");
  const { startThreads } = await import("./data_thread/joint_plane.ts");
  const count = threads === "auto" ? navigator.hardwareConcurrency : threads;
  const plane = await startThreads({ ...parts, startThread }, count);
  const why = engine === "linux" ? "as configured" : "it can be had: its self-test has passed";
  return { plane, engine: `linux${count === 1 ? "" : `, ${count} threads`} (${why})` };
}

async function portable(why: string, dns: Config["dns"], parts: EngineParts): Promise<Chosen> {
  const { net, clock, lookup, log } = parts;
  parts.dismissThread?.();
  const { Server } = await import("./server.ts");
  const resolver = new Resolver(lookup, clock, dns, log);
  const plane = new Server({ net, clock, resolver, random: Math.random, log });
  return { plane, engine: `portable (${why})` };
}
