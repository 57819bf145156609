import assert from "node:assert/strict";
import type { Config } from "../../../lib/config/config.ts";
import { JointPlane, startThreads } from "../../../lib/data_thread/joint_plane.ts";
import type { MainLog } from "../../../lib/log.ts";
import type { Gauges, Plane } from "../../../lib/plane.ts";
import { NetError } from "../../../lib/runtime/runtime.ts";
import { ManualClock } from "../../support/clock.ts";
import { MemoryNet } from "../../support/memory_net.ts";
import { MemoryThreads } from "../../support/memory_threads.ts";
import { settled } from "../../support/rig.ts";

/** A plane that does what it is told, and keeps account of it. */
class FakePlane implements Plane {
  readonly addresses = [];
  readonly said: string[] = [];
  /** Configurations that it cannot apply. */
  refuses: readonly Config[] = [];
  ended = Promise.withResolvers<void>();

  constructor(readonly seen: Gauges) {}

  gauges = () => this.seen;

  apply(config: Config): Promise<void> {
    if (this.refuses.includes(config)) throw new NetError("in_use", "it is taken");
    this.said.push(`apply ${config.maxFlows}`);
    return Promise.resolve();
  }

  drain(): Promise<void> {
    this.said.push("drain");
    return this.ended.promise;
  }

  close(): void {
    this.said.push("close");
  }
}

const backend = (port: number, isUp: boolean) =>
  ({ transport: "tcp", backend: { address: "127.0.0.1", port }, isUp }) as const;

function gauges(n: number, isUp: boolean): Gauges {
  return {
    activeConnections: n,
    activeFlows: 2 * n,
    live: {
      tcp: { up: n, down: 3 * n },
      udp: { up: 0, down: 0, datagramsUp: n, datagramsDown: 1 },
    },
    drops: new Map([["no_route", n]]),
    backends: [backend(1, true), backend(2, isUp)],
  };
}

const config = (maxFlows: number): Config => ({
  tcp: [],
  udp: [],
  maxConnections: 1,
  maxFlows,
  drainTimeout: 1,
  engine: "linux",
  threads: 2,
  dns: { minTtl: 1, maxTtl: 1 },
});

Deno.test("what goes on is the sum of all threads, and a backend is down that one of them found down", async () => {
  const plane = new JointPlane([new FakePlane(gauges(1, true)), new FakePlane(gauges(10, false))]);
  assert.deepEqual(await plane.gauges(), {
    activeConnections: 11,
    activeFlows: 22,
    live: {
      tcp: { up: 11, down: 33, datagramsUp: 0, datagramsDown: 0 },
      udp: { up: 0, down: 0, datagramsUp: 11, datagramsDown: 2 },
    },
    drops: new Map([["no_route", 11]]),
    backends: [backend(1, true), backend(2, false)],
  });
});

Deno.test("a configuration that one thread cannot apply is taken back from those before it", async () => {
  const planes = [1, 2, 3].map(() => new FakePlane(gauges(0, true)));
  const plane = new JointPlane(planes);
  await plane.apply(config(1));
  const bad = config(2);
  planes[1]!.refuses = [bad];
  await assert.rejects(plane.apply(bad), { message: "it is taken" });
  assert.deepEqual(planes.map(({ said }) => said), [
    ["apply 1", "apply 2", "apply 1"],
    ["apply 1"],
    ["apply 1"],
  ]);
});

Deno.test("a drain is over when the last thread's is", async () => {
  const planes = [1, 2].map(() => new FakePlane(gauges(0, true)));
  const plane = new JointPlane(planes);
  let isOver = false;
  const drained = plane.drain().then(() => isOver = true);
  planes[0]!.ended.resolve();
  await settled();
  assert.equal(isOver, false);
  planes[1]!.ended.resolve();
  await drained;
  await plane.close();
  assert.deepEqual(planes.map(({ said }) => said), [["drain", "close"], ["drain", "close"]]);
});

Deno.test("where one thread cannot be started, none is left", async () => {
  const clock = new ManualClock();
  const net = new MemoryNet(clock);
  const threads = new MemoryThreads(net, clock);
  const parts = { clock, log: {} as MainLog, lookup: () => Promise.reject(new Error("no names")) };
  const startThread: typeof threads.start = (...how) => {
    if (threads.threads.length === 2) threads.unfit = "there are enough";
    return threads.start(...how);
  };
  await assert.rejects(startThreads({ ...parts, startThread }, 4), { message: "there are enough" });
  assert.deepEqual(threads.threads.map(({ isOver }) => isOver), [true, true]);
  net.close();
});
