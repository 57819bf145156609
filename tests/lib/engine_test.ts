import assert from "node:assert/strict";
import type { Engine } from "../../lib/config/config.ts";
import { RemotePlane } from "../../lib/data_thread/remote_plane.ts";
import { choosePlane } from "../../lib/engine.ts";
import type { MainLog } from "../../lib/log.ts";
import { Server } from "../../lib/server.ts";
import { ManualClock } from "../support/clock.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { MemoryThreads } from "../support/memory_threads.ts";

const CONFIG = {
  tcp: [],
  udp: [],
  maxConnections: 1,
  maxFlows: 1,
  drainTimeout: 1,
  threads: 1,
  dns: { minTtl: 1, maxTtl: 1 },
};

/** What is chosen, and whether a thread was started for it. @param unfit Why there can be no thread. */
async function made(engine: Engine, unfit?: string) {
  const clock = new ManualClock();
  const net = new MemoryNet(clock);
  const threads = new MemoryThreads(net, clock);
  threads.unfit = unfit;
  let dismissed = 0;
  const chosen = await choosePlane({ ...CONFIG, engine }, {
    net,
    clock,
    lookup,
    log: {} as MainLog,
    startThread: threads.start,
    dismissThread: () => void dismissed++,
  });
  await chosen.plane.close();
  return { ...chosen, started: threads.threads.length, dismissed };
}

const lookup = () => Promise.reject(new Error("no names here"));

Deno.test("left to itself it is linux where that can be", async () => {
  const { plane, engine } = await made("auto");
  assert.ok(plane instanceof RemotePlane);
  assert.equal(engine, "linux (it can be had: its self-test has passed)");
});

Deno.test("left to itself it is portable where linux cannot be, and says why", async () => {
  const { plane, engine } = await made("auto", "there is no library");
  assert.ok(plane instanceof Server);
  assert.equal(engine, "portable (linux cannot be had: there is no library)");
});

Deno.test("a thread that was begun ahead is dismissed where it is not wanted", async () => {
  assert.equal((await made("portable")).dismissed, 1);
  assert.equal((await made("auto", "there is no library")).dismissed, 1);
  assert.equal((await made("auto")).dismissed, 0);
});

Deno.test("what is configured is what runs, and nothing of the other is started", async () => {
  const portable = await made("portable");
  assert.ok(portable.plane instanceof Server);
  assert.equal(portable.started, 0);
  assert.equal(portable.engine, "portable (as configured)");
  const linux = await made("linux");
  assert.ok(linux.plane instanceof RemotePlane);
  assert.equal(linux.engine, "linux (as configured)");
});

Deno.test("linux where it cannot be is an error that says what is missing", async () => {
  await assert.rejects(
    made("linux", "foreign calls are not permitted"),
    /^Error: engine "linux" cannot be had: foreign calls are not permitted$/,
  );
});

Deno.test("a runtime that has no linux is portable", async () => {
  const clock = new ManualClock();
  const parts = { net: new MemoryNet(clock), clock, lookup, log: {} as MainLog };
  const { plane, engine } = await choosePlane({ ...CONFIG, engine: "auto" }, parts);
  assert.ok(plane instanceof Server);
  assert.equal(engine, "portable (linux cannot be had: this runtime has no way to it)");
});
