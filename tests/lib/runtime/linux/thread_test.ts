import assert from "node:assert/strict";
import type { Config } from "../../../../lib/config/config.ts";
import type {
  Ear,
  StartThread,
  ThreadHandle,
  ThreadStart,
} from "../../../../lib/data_thread/messages.ts";
import { RemotePlane } from "../../../../lib/data_thread/remote_plane.ts";
import type { MainLog } from "../../../../lib/log.ts";
import { systemClock } from "../../../../lib/runtime/clock.ts";
import { beginThread, startThread } from "../../../../lib/runtime/linux/start_thread.ts";
import { type AccessLine, accessLines } from "../../../support/access_lines.ts";
import { until } from "../../../support/children.ts";
import { loadLinux } from "../../../support/linux_net.ts";
import { defaultTo, listenerWith, poolOf } from "../../../support/routes.ts";

// Loaded before the first test, as it is never closed.
const linux = await loadLinux();
const CYCLES = 20;
const LOCALHOST = "127.0.0.1";

/** A plane in a thread that blocks, before an echo; time is real. */
class Rig {
  /** Of the access log. */
  readonly access: AccessLine[] = [];
  readonly lines: string[] = [];
  readonly echo = Deno.listen({ hostname: LOCALHOST, port: 0 });
  readonly #waiting: Array<{ holds: () => boolean; goOn: () => void }> = [];
  plane!: RemotePlane;
  handle!: ThreadHandle;

  static async with(test: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = new Rig();
    const echoing = rig.#serveEcho();
    const start: StartThread = async (...how) => rig.handle = await startThread(...how);
    const log = rig.#log();
    const lookup = () => Promise.reject(new Error("no names here"));
    rig.plane = await RemotePlane.start({ startThread: start, lookup, clock: systemClock, log });
    try {
      await rig.plane.apply(rig.config());
      await test(rig);
    } finally {
      await rig.plane.close();
      rig.echo.close();
      await echoing;
    }
  }

  /** @param port Of the backend. */
  config(port = this.echo.addr.port): Config {
    const to = { defaultRoute: defaultTo(poolOf(LOCALHOST, port)) };
    return {
      tcp: [listenerWith({ port: 0, ...to })],
      udp: [],
      maxConnections: 1024,
      maxFlows: 2048,
      drainTimeout: 30_000,
      engine: "linux",
      threads: 1,
      dns: { minTtl: 30_000, maxTtl: 3_600_000 },
    };
  }

  connect(): Promise<Deno.TcpConn> {
    const { port } = this.plane.addresses[0]!.address;
    return Deno.connect({ hostname: LOCALHOST, port });
  }

  /** A connection through which something has gone. */
  async served(): Promise<Deno.TcpConn> {
    const conn = await this.connect();
    assert.equal(await exchange(conn, "a"), "a");
    return conn;
  }

  /** Resolves when it holds, which only a line can bring about. */
  async until(holds: () => boolean): Promise<void> {
    if (!holds()) await new Promise<void>((goOn) => this.#waiting.push({ holds, goOn }));
  }

  async #serveEcho(): Promise<void> {
    const open: Promise<void>[] = [];
    for await (const conn of this.echo) {
      open.push(conn.readable.pipeTo(conn.writable).catch(() => {}));
    }
    await Promise.all(open);
  }

  #log(): MainLog {
    const happened = () => {
      for (const { holds, goOn } of this.#waiting) if (holds()) goOn();
    };
    const line = (message: string) => {
      this.lines.push(message);
      happened();
    };
    return {
      format: "json",
      access: () => assert.fail("it has no lines of this thread"),
      accessBatch: (batch) => {
        this.access.push(...accessLines(batch));
        happened();
      },
      debug: line,
      info: line,
      warning: line,
      error: line,
    };
  }
}

async function exchange(conn: Deno.TcpConn, text: string): Promise<string> {
  await conn.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(64);
  const length = await conn.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0));
}

/** Of Workers. */
const threadCount = () =>
  [...Deno.readDirSync("/proc/self/task")]
    .filter(({ name }) =>
      Deno.readTextFileSync(`/proc/self/task/${name}/comm`).startsWith("worker")
    )
    .length;
const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

function testThread(name: string, test: (rig: Rig) => Promise<void>): void {
  Deno.test({ name: `Linux thread: ${name}`, ignore: "reason" in linux, fn: () => Rig.with(test) });
}

testThread("what goes through it leaves a line in the access log", async (rig) => {
  const conn = await rig.served();
  conn.close();
  await rig.until(() => rig.access.length > 0);
  const { bytes_up, bytes_down, reason } = rig.access[0]!;
  assert.deepEqual([bytes_up, bytes_down, reason], [1, 1, "ended"]);
});

testThread("where nothing happens it blocks, and answers none the less", async (rig) => {
  for (let i = 0; i < 50; i++) {
    assert.equal((await rig.plane.gauges()).activeConnections, 0);
  }
});

testThread("a reload is taken up under a connection, which lives on", async (rig) => {
  const conn = await rig.served();
  const before = rig.plane.addresses;
  const config = rig.config();
  await rig.plane.apply({ ...config, tcp: [{ ...config.tcp[0]!, connectRetries: 0 }] });
  assert.deepEqual(rig.plane.addresses, before);
  assert.equal(await exchange(conn, "b"), "b");
  conn.close();
});

testThread("a drain ends with the last connection", async (rig) => {
  const conn = await rig.served();
  let isOver = false;
  const drained = rig.plane.drain().then(() => isOver = true);
  assert.equal((await rig.plane.gauges()).activeConnections, 1);
  assert.equal(await exchange(conn, "b"), "b");
  assert.equal(isOver, false);
  conn.close();
  await drained;
  assert.equal(rig.access.length, 1);
});

testThread(
  "a fault ends it; the next one serves, and nothing of the first is left",
  async (rig) => {
    const before = descriptors();
    const conns = [await rig.served(), await rig.served(), await rig.connect()];
    const { port } = rig.plane.addresses[0]!.address;
    // No message of sluice's.
    rig.handle.say(null as never);
    for (const conn of conns) {
      assert.equal(await conn.read(new Uint8Array(8)).catch(() => null), null);
      conn.close();
    }
    await rig.until(() => rig.lines.includes("the data thread runs again"));
    assert.match(rig.lines[0]!, /^the data thread has failed and is started again/);
    const [address] = rig.plane.addresses;
    assert.notEqual(address?.address.port, port);
    (await rig.served()).close();
    await rig.until(() => rig.access.length === 4);
    assert.deepEqual(rig.access.map(({ id, reason }) => [id, reason]), [
      [1, "drained"],
      [2, "drained"],
      [3, "drained"],
      [4, "ended"],
    ]);
    await until("descriptors are given back", () => descriptors() <= before);
  },
);

testThread("a fault leaves nothing of a connect that is under way", async (rig) => {
  // Who connects to it once it has more than it takes in has to wait.
  const full = Deno.listen({ hostname: LOCALHOST, port: 0, tcpBacklog: 1 });
  const { port } = full.addr;
  const filling = Array.from({ length: 3 }, () => Deno.connect({ hostname: LOCALHOST, port }));
  await rig.plane.apply(rig.config(port));
  const before = descriptors();
  const conns = [await rig.connect(), await rig.connect()];
  await until("both wait", async () => (await rig.plane.gauges()).activeConnections === 2);
  rig.handle.say(null as never);
  await rig.until(() => rig.lines.includes("the data thread runs again"));
  for (const conn of conns) conn.close();
  await until("descriptors are given back", () => descriptors() <= before);
  full.close();
  for (const result of await Promise.allSettled(filling)) {
    if (result.status === "fulfilled") result.value.close();
  }
});

Deno.test({
  name: "Linux thread: one that was begun ahead is the first that is started, and else dismissed",
  ignore: "reason" in linux,
  async fn() {
    const ear: Ear = { hear: () => {}, failed: (why) => assert.fail(why) };
    const start = (): ThreadStart => ({
      shared: { ids: new SharedArrayBuffer(8), taken: new SharedArrayBuffer(4) },
      logFormat: "text",
    });
    const before = threadCount();
    const { startThread, dismissThread } = beginThread();
    const first = await startThread(start(), ear);
    dismissThread();
    const second = await startThread(start(), ear);
    await Promise.all([first.end(), second.end()]);
    beginThread().dismissThread();
    await until("no thread is left", () => threadCount() <= before);
  },
});

Deno.test({
  name: "Linux thread: started and ended over and over, it leaves nothing",
  ignore: "reason" in linux,
  async fn() {
    const ear: Ear = { hear: () => {}, failed: (why) => assert.fail(why) };
    const cycle = async () => {
      const ids = new SharedArrayBuffer(8);
      const shared = { ids, taken: new SharedArrayBuffer(4) };
      await (await startThread({ shared, logFormat: "text" }, ear)).end();
    };
    await cycle();
    const before = descriptors();
    for (let i = 0; i < CYCLES; i++) await cycle();
    // The runtime takes its time with those that it has for each of its threads.
    await until("descriptors are given back", () => descriptors() < before + CYCLES);
  },
});
