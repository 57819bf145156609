import assert from "node:assert/strict";
import { formatAddress } from "../../../lib/addr.ts";
import type { Config, TcpListenerConfig } from "../../../lib/config/config.ts";
import { RemotePlane } from "../../../lib/data_thread/remote_plane.ts";
import type { LogProperties, MainLog } from "../../../lib/log.ts";
import type { Lookup } from "../../../lib/resolver.ts";
import { NetError } from "../../../lib/runtime/runtime.ts";
import { type AccessLine, accessLines } from "../../support/access_lines.ts";
import { ManualClock } from "../../support/clock.ts";
import { type MemoryConn, MemoryNet } from "../../support/memory_net.ts";
import { MemoryThreads } from "../../support/memory_threads.ts";
import { ask, bytesOf, CLIENT, named, settled } from "../../support/rig.ts";
import { defaultTo, listenerWith, poolOf } from "../../support/routes.ts";

const LISTENER = listenerWith({ defaultRoute: defaultTo(poolOf("127.0.0.1", 1)) });
const AT = { address: "127.0.0.1", port: 8443 };

/** A plane in a thread, with a backend that answers. */
class Rig {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly threads = new MemoryThreads(this.net, this.clock);
  /** Of the access log. */
  readonly access: AccessLine[] = [];
  readonly lines: string[] = [];
  plane!: RemotePlane;
  lookup: Lookup = () => Promise.reject(new Error("no names here"));

  static async with(test: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = new Rig();
    const backend = rig.net.listen({ address: "127.0.0.1", port: 1, backlog: 16 });
    (async () => {
      for (;;) named("backend")(await backend.accept()).catch(() => {});
    })().catch(() => {});
    rig.plane = await RemotePlane.start({
      startThread: rig.threads.start,
      lookup: (name) => rig.lookup(name),
      clock: rig.clock,
      log: rig.#log(),
    });
    await test(rig);
    for (const thread of rig.threads.threads) thread.isStuck = false;
    await rig.plane.close();
    await backend.close();
    rig.net.close();
    for (const thread of rig.threads.threads) assert.ok(thread.isOver, "a thread was left");
  }

  apply(...listeners: readonly TcpListenerConfig[]): Promise<void> {
    return this.plane.apply(configWith(listeners));
  }

  client(port = AT.port): Promise<MemoryConn> {
    return this.net.connectFrom(CLIENT, { ...AT, port });
  }

  /** Lets messages go to and fro, and time go on by `ms`. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < 5; i++) await settled();
    this.clock.advance(ms);
    for (let i = 0; i < 5; i++) await settled();
  }

  #log(): MainLog {
    const line = (level: string) => (message: string, properties: LogProperties = {}) =>
      void this.lines.push([level, message, ...Object.values(properties)].join(": "));
    return {
      format: "json",
      access: () => assert.fail("it has no lines of this thread"),
      accessBatch: (batch) => void this.access.push(...accessLines(batch)),
      debug: line("debug"),
      info: line("info"),
      warning: line("warning"),
      error: line("error"),
    };
  }
}

function configWith(listeners: readonly TcpListenerConfig[]): Config {
  return {
    tcp: listeners,
    udp: [],
    maxConnections: 1024,
    maxFlows: 2048,
    drainTimeout: 30_000,
    engine: "linux",
    threads: 1,
    dns: { minTtl: 30_000, maxTtl: 3_600_000 },
  };
}

Deno.test("a plane in a thread serves, says where it listens, and leaves lines in both logs", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    assert.deepEqual(rig.plane.addresses, [
      { listener: "default", transport: "tcp", address: AT },
    ]);
    assert.equal(await ask(await rig.client(), "hello"), "backend:hello");
    await rig.apply({ ...LISTENER, defaultRoute: defaultTo(poolOf("127.0.0.1", 9)) });
    await ask(await rig.client(), "hello").catch(() => {});
    await rig.pass(50);
    assert.deepEqual(
      rig.access.map((line) => [
        line.id,
        line.client,
        line.bytes_up,
        line.bytes_down,
        line.reason,
      ]),
      [
        [1, formatAddress(CLIENT), 5, 13, "ended"],
        [2, formatAddress(CLIENT), 0, 0, "connect_failed"],
      ],
    );
    assert.deepEqual(rig.lines, [
      "warning: cannot reach 127.0.0.1:9: Connection refused; it is tried last for a while",
    ]);
  }));

Deno.test("a configuration that cannot be applied is refused in the words of the thread", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    rig.net.listen({ ...AT, port: 9, backlog: 1 });
    await assert.rejects(rig.apply(listenerWith({ port: 9 })), (error) => {
      assert.ok(error instanceof NetError);
      assert.equal(error.code, "in_use");
      assert.match(error.message, /^cannot listen on 127\.0\.0\.1:9: /);
      return true;
    });
    assert.deepEqual(rig.plane.addresses.map(({ address }) => address.port), [AT.port]);
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
  }));

Deno.test("gauges and the access log are of one moment: nobody is in both, and nobody is missing", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    assert.equal((await rig.plane.gauges()).activeConnections, 0);
    const one = await rig.client();
    const other = await rig.client();
    await one.write(bytesOf("12345"));
    await rig.pass(0);
    const { activeConnections, live, backends } = await rig.plane.gauges();
    assert.equal(activeConnections, 2);
    assert.deepEqual(live.tcp, { up: 5, down: 0 });
    assert.deepEqual(backends, [{
      transport: "tcp",
      backend: { address: "127.0.0.1", port: 1 },
      isUp: true,
    }]);
    one.close();
    await settled();
    // The line has not been sent yet, but is before the answer.
    assert.equal(rig.access.length, 0);
    assert.equal((await rig.plane.gauges()).activeConnections, 1);
    assert.equal(rig.access[0]?.bytes_up, 5);
    other.close();
  }));

Deno.test("who asks for gauges waits half a second at most, and gets the last ones then", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    const client = await rig.client();
    await rig.pass(0);
    assert.equal((await rig.plane.gauges()).activeConnections, 1);
    client.close();
    rig.threads.last.isStuck = true;
    const asked = rig.plane.gauges();
    assert.equal(rig.plane.gauges(), asked, "one question at a time is enough");
    await rig.pass(500);
    assert.equal((await asked).activeConnections, 1);
    rig.threads.last.isStuck = false;
    assert.equal((await rig.plane.gauges()).activeConnections, 0);
  }));

Deno.test("names are looked up by the main thread, and their times to live come later", () =>
  Rig.with(async (rig) => {
    const asked: string[] = [];
    const ttl = Promise.withResolvers<number>();
    rig.lookup = (name) => {
      asked.push(name);
      return Promise.resolve({ addresses: ["127.0.0.1"], ttl: ttl.promise });
    };
    const pool = poolOf("backend.test", 1);
    await rig.apply({ ...LISTENER, defaultRoute: defaultTo(pool) });
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
    await rig.pass(29_999);
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
    assert.deepEqual(asked, ["backend.test"]);
    ttl.resolve(60_000);
    await rig.pass(1);
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
    assert.deepEqual(asked, ["backend.test"]);
    await rig.pass(30_000);
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
    await rig.pass(0);
    assert.equal(asked.length, 2);
  }));

Deno.test("why a name has no answer is said in the words of the main thread", () =>
  Rig.with(async (rig) => {
    rig.lookup = () =>
      Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "EAI_AGAIN" }));
    await rig.apply({ ...LISTENER, defaultRoute: defaultTo(poolOf("gone.test", 1)) });
    await rig.pass(50);
    assert.deepEqual(rig.lines, [
      "warning: gone.test could not be resolved: no answer from the name servers",
    ]);
  }));

Deno.test("what is to be known of a thread's sockets is said once", () =>
  Rig.with(async (rig) => {
    rig.threads.notices.add("a buffer is small");
    await rig.apply(LISTENER);
    await rig.apply(LISTENER);
    rig.threads.notices.add("another one, too");
    await rig.apply(LISTENER);
    await rig.pass(50);
    assert.deepEqual(rig.lines, ["warning: a buffer is small", "warning: another one, too"]);
  }));

Deno.test("a thread that fails is told of in one line and started again with what ran", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    await ask(await rig.client(), "a");
    const lost = await rig.client();
    await rig.pass(0);
    await rig.threads.last.fail("it broke");
    assert.deepEqual(rig.lines, [
      "error: the data thread has failed and is started again; its connections are lost: it broke",
    ]);
    assert.equal((await rig.plane.gauges()).activeConnections, 0);
    await rig.pass(100);
    assert.equal(rig.threads.threads.length, 2);
    assert.equal(await ask(await rig.client(), "b"), "backend:b");
    await rig.pass(50);
    assert.equal(rig.lines.at(-1), "info: the data thread runs again");
    assert.deepEqual(rig.access.map(({ id, reason }) => [id, reason]), [
      [1, "ended"],
      [2, "drained"],
      [3, "ended"],
    ]);
    lost.close();
  }));

Deno.test("a thread that keeps failing is started ever more rarely, until one runs for a minute", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    const pauses: number[] = [];
    const untilStarted = async () => {
      const before = rig.threads.threads.length;
      let pause = 0;
      for (; rig.threads.threads.length === before; pause += 100) await rig.pass(100);
      pauses.push(pause);
    };
    for (let i = 0; i < 9; i++) {
      await rig.threads.last.fail("again");
      await untilStarted();
    }
    await rig.pass(60_001);
    await rig.threads.last.fail("again");
    await untilStarted();
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 100]);
  }));

Deno.test("what cannot be started again is tried anew, and nothing of the attempt is left", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    await rig.threads.last.fail("it broke");
    const other = rig.net.listen({ ...AT, backlog: 1 });
    await rig.pass(100);
    assert.match(rig.lines.at(-1)!, /cannot be started again; it is tried anew: cannot listen on/);
    assert.ok(rig.threads.last.isOver);
    await other.close();
    rig.threads.unfit = "no memory";
    await rig.pass(200);
    assert.match(rig.lines.at(-1)!, /cannot be started again; it is tried anew: no memory/);
    rig.threads.unfit = undefined;
    await rig.pass(400);
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
  }));

Deno.test("a reload while there is no thread starts one, with what the file says now", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    await rig.threads.last.fail("it broke");
    await rig.apply({ ...LISTENER, port: 8444 });
    assert.equal(await ask(await rig.client(8444), "a"), "backend:a");
    await rig.pass(1000);
    assert.equal(rig.threads.threads.length, 2);
  }));

Deno.test("a thread that fails during a reload has not taken it up", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    rig.threads.last.isStuck = true;
    const applied = rig.apply({ ...LISTENER, port: 8444 });
    await rig.pass(0);
    await rig.threads.last.fail("it broke");
    await assert.rejects(applied, /^Error: the data thread has failed: it broke$/);
    await rig.pass(100);
    assert.equal(await ask(await rig.client(), "a"), "backend:a");
  }));

Deno.test("a drain lasts until the last connection has ended, and its record is there", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    const client = await rig.client();
    await rig.pass(0);
    let drained = false;
    const drain = rig.plane.drain().then(() => drained = true);
    await rig.pass(29_000);
    assert.equal(drained, false);
    assert.equal(await ask(client, "a"), "backend:a");
    await drain;
    assert.equal(rig.access[0]?.reason, "ended");
  }));

Deno.test("a thread that fails while it drains has nobody to wait for, and is not started again", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    const client = await rig.client();
    await rig.pass(0);
    const drained = rig.plane.drain();
    await rig.threads.last.fail("it broke");
    await drained;
    await rig.pass(100_000);
    assert.equal(rig.threads.threads.length, 1);
    assert.equal(
      rig.lines.at(-1),
      "error: the data thread has failed; its connections are lost: it broke",
    );
    client.close();
  }));

Deno.test("a thread that is caught in a loop does not hold up the drain for ever", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    rig.threads.last.isStuck = true;
    const drained = rig.plane.drain();
    await rig.pass(30_500);
    await drained;
  }));

Deno.test("closed at once, everybody leaves a line; closed again, nothing happens", () =>
  Rig.with(async (rig) => {
    await rig.apply(LISTENER);
    const client = await rig.client();
    await rig.pass(0);
    assert.equal((await rig.plane.gauges()).activeConnections, 1);
    await rig.plane.close();
    assert.equal(rig.access[0]?.reason, "drained");
    await rig.plane.close();
    assert.equal((await rig.plane.gauges()).activeConnections, 0);
    client.close();
  }));

Deno.test("a thread that cannot serve is no plane", async () => {
  const clock = new ManualClock();
  const threads = new MemoryThreads(new MemoryNet(clock), clock);
  threads.unfit = "there is no such library";
  const log = {} as MainLog;
  const lookup = () => Promise.reject(new Error());
  await assert.rejects(
    RemotePlane.start({ startThread: threads.start, lookup, clock, log }),
    /there is no such library/,
  );
});
