/**
 * One plane made of several, each in a thread of its own: the kernel deals connections and flows out among them, and what
 * has a limit they count together. A thread that fails loses its own connections, and no others.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { BackendState, Gauges, Listening, Plane, Traffic, Transport } from "../plane.ts";
import { NOTHING, RemotePlane, type RemotePlaneParts } from "./remote_plane.ts";
import { sharedTable } from "./shared_table.ts";

/**
 * Starts so many threads, which serve nothing yet.
 * @throws {Error} If they cannot serve here; the message says what is missing.
 */
export async function startThreads(parts: RemotePlaneParts, threads: number): Promise<Plane> {
  if (threads === 1) return await RemotePlane.start(parts);
  const ids = new SharedArrayBuffer(8);
  const table = sharedTable(threads);
  const planes: RemotePlane[] = [];
  try {
    for (let thread = 0; thread < threads; thread++) {
      const common = { ids, together: { table, threads, thread } };
      planes.push(await RemotePlane.start({ ...parts, common }));
    }
  } catch (error) {
    await Promise.all(planes.map((plane) => plane.close()));
    throw error;
  }
  return new JointPlane(planes);
}

/** Several planes that serve the same configuration. */
export class JointPlane implements Plane {
  readonly #planes: readonly Plane[];
  #running: Config | undefined;

  /** @param planes At least one. */
  constructor(planes: readonly Plane[]) {
    this.#planes = planes;
  }

  get addresses(): readonly Listening[] {
    return this.#planes[0]!.addresses;
  }

  async gauges(): Promise<Gauges> {
    return (await Promise.all(this.#planes.map((plane) => plane.gauges()))).reduce(sum, NOTHING);
  }

  /** One thread after the other; where one cannot, those before it go back. */
  async apply(config: Config): Promise<void> {
    const changed: Plane[] = [];
    try {
      for (const plane of this.#planes) {
        await plane.apply(config);
        changed.push(plane);
      }
    } catch (error) {
      const before = this.#running;
      for (const plane of changed) {
        if (before !== undefined) await plane.apply(before);
      }
      throw error;
    }
    this.#running = config;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#planes.map((plane) => plane.drain()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#planes.map((plane) => plane.close()));
  }
}

function sum(a: Gauges, b: Gauges): Gauges {
  const drops = new Map(a.drops);
  for (const [reason, count] of b.drops) drops.set(reason, (drops.get(reason) ?? 0) + count);
  return {
    activeConnections: a.activeConnections + b.activeConnections,
    activeFlows: a.activeFlows + b.activeFlows,
    live: { tcp: traffic(a, b, "tcp"), udp: traffic(a, b, "udp") },
    drops,
    backends: together([...a.backends, ...b.backends]),
  };
}

function traffic({ live: a }: Gauges, { live: b }: Gauges, transport: Transport): Traffic {
  const { up, down, datagramsUp = 0, datagramsDown = 0 } = a[transport];
  const other = b[transport];
  return {
    up: up + other.up,
    down: down + other.down,
    datagramsUp: datagramsUp + (other.datagramsUp ?? 0),
    datagramsDown: datagramsDown + (other.datagramsDown ?? 0),
  };
}

/** Each backend once: it is down if it is so for one of the threads, which find that out by themselves. */
function together(states: readonly BackendState[]): readonly BackendState[] {
  const all = new Map<string, BackendState>();
  for (const state of states) {
    const { transport, backend: { address, port }, isUp } = state;
    const key = `${transport} ${address} ${port}`;
    all.set(key, { ...state, isUp: isUp && all.get(key)?.isUp !== false });
  }
  return [...all.values()];
}
