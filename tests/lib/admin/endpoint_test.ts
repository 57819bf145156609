import assert from "node:assert/strict";
import { AdminEndpoint } from "../../../lib/admin/endpoint.ts";
import type { SocketAddress } from "../../../lib/addr.ts";
import type { Gauges } from "../../../lib/plane.ts";
import { Tally } from "../../../lib/tally.ts";
import { ManualClock } from "../../support/clock.ts";
import { RECORD } from "../../support/ended_record.ts";
import { parseExposition, valueOf } from "../../support/exposition.ts";
import { type MemoryConn, MemoryNet } from "../../support/memory_net.ts";
import { bytesOf, readAll, settled } from "../../support/rig.ts";

const ONE: SocketAddress = { address: "127.0.0.1", port: 9464 };
const OTHER: SocketAddress = { address: "127.0.0.1", port: 9465 };
const GAUGES: Gauges = {
  activeConnections: 3,
  activeFlows: 0,
  live: { tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } },
  drops: new Map(),
  backends: [],
};
const ENDED =
  'sluice_connections_total{listener="default",transport="tcp",protocol="",route="",reason="ended"}';

/** An endpoint on a Net in memory, and a server that is nothing but numbers. */
class Rig {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly errors: string[] = [];
  readonly tally = new Tally();
  isReady = true;
  readonly endpoint = new AdminEndpoint({
    net: this.net,
    clock: this.clock,
    log: { error: (message, properties) => this.errors.push(`${message} ${properties?.["what"]}`) },
    isReady: () => this.isReady,
    sources: {
      plane: { gauges: () => GAUGES },
      ended: this.tally,
      config: { isGood: true, since: 0 },
    },
  });

  static async with(test: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = new Rig();
    await test(rig);
    await rig.endpoint.close();
    await settled();
    assert.equal(rig.net.openConns, 0);
    assert.equal(rig.clock.pending, 0);
    assert.deepEqual(rig.errors, []);
  }

  /** Moves the endpoint, where everything else goes well. */
  move(address: SocketAddress | undefined): Promise<void> {
    return this.endpoint.change(address, () => Promise.resolve());
  }

  async get(path: string, at = ONE): Promise<{ status: number; body: string; head: string }> {
    const client: MemoryConn = await this.net.connect(at, { timeout: 1000 });
    await client.write(bytesOf(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
    const answer = await readAll(client);
    client.close();
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    return { status: Number(head.split(" ")[1]), body, head };
  }

  async isListening(at: SocketAddress): Promise<boolean> {
    try {
      return (await this.get("/healthz", at)).status === 200;
    } catch {
      return false;
    }
  }
}

Deno.test("without an address nothing listens", () =>
  Rig.with(async (rig) => {
    await rig.move(undefined);
    assert.equal(rig.endpoint.address, undefined);
    assert.equal(await rig.isListening(ONE), false);
  }));

Deno.test("/healthz says that it is alive, /readyz whether new connections are taken", () =>
  Rig.with(async (rig) => {
    await rig.move(ONE);
    assert.deepEqual(rig.endpoint.address, ONE);
    assert.equal((await rig.get("/healthz")).status, 200);
    assert.equal((await rig.get("/readyz")).status, 200);
    rig.isReady = false;
    assert.equal((await rig.get("/readyz")).status, 503);
    assert.equal((await rig.get("/healthz")).status, 200);
  }));

Deno.test("/metrics is what Prometheus reads", () =>
  Rig.with(async (rig) => {
    await rig.move(ONE);
    rig.tally.count(RECORD);
    const { status, head, body } = await rig.get("/metrics");
    assert.equal(status, 200);
    assert.match(head, /^Content-Type: text\/plain; version=0\.0\.4; charset=utf-8\r$/m);
    const families = parseExposition(body);
    assert.equal(valueOf(families, ENDED), 1);
    assert.equal(valueOf(families, "sluice_connections_active"), 3);
  }));

Deno.test("a change moves it, and what was counted moves along", () =>
  Rig.with(async (rig) => {
    await rig.move(ONE);
    rig.tally.count(RECORD);
    await rig.move(OTHER);
    assert.equal(await rig.isListening(ONE), false);
    rig.tally.count(RECORD);
    await rig.move(undefined);
    assert.equal(await rig.isListening(OTHER), false);
    rig.tally.count(RECORD);
    await rig.move(ONE);
    assert.equal(valueOf(parseExposition((await rig.get("/metrics")).body), ENDED), 3);
  }));

Deno.test("where the address stays nobody is disturbed", () =>
  Rig.with(async (rig) => {
    await rig.move(ONE);
    const waiting = await rig.net.connect(ONE, { timeout: 1000 });
    await rig.move({ ...ONE });
    await waiting.write(bytesOf("GET /healthz HTTP/1.1\r\n\r\n"));
    assert.match(await readAll(waiting), /^HTTP\/1\.1 200 /);
    waiting.close();
  }));

Deno.test("an address that cannot be had calls the whole change off", () =>
  Rig.with(async (rig) => {
    await rig.move(ONE);
    const taken = rig.net.listen({ ...OTHER, backlog: 1 });
    let applied = false;
    const apply = () => {
      applied = true;
      return Promise.resolve();
    };
    await assert.rejects(
      rig.endpoint.change(OTHER, apply),
      /^NetError: cannot listen on 127\.0\.0\.1:9465: another process listens there$/,
    );
    assert.equal(applied, false);
    assert.equal(await rig.isListening(ONE), true);
    await taken.close();
  }));

Deno.test("when the rest of a change fails the endpoint stays where it was", () =>
  Rig.with(async (rig) => {
    const fail = () => Promise.reject(new Error("no"));
    await assert.rejects(rig.endpoint.change(ONE, fail), /^Error: no$/);
    assert.equal(await rig.isListening(ONE), false);
    await rig.move(ONE);
    for (const address of [OTHER, undefined, { ...ONE, address: "0.0.0.0" }]) {
      await assert.rejects(rig.endpoint.change(address, fail), /^Error: no$/);
      assert.deepEqual(rig.endpoint.address, ONE);
      assert.equal(await rig.isListening(ONE), true);
      assert.equal(await rig.isListening(OTHER), false);
    }
  }));

Deno.test("it moves between one address of a port and all of them, which exclude each other", async () => {
  await Rig.with(async (rig) => {
    const listen = rig.net.listen.bind(rig.net);
    const bound = new Set<number>();
    rig.net.listen = (options) => {
      assert.ok(!bound.has(options.port), "the address is in use");
      bound.add(options.port);
      const listener = listen(options);
      const close = listener.close.bind(listener);
      listener.close = () => {
        bound.delete(options.port);
        return close();
      };
      return listener;
    };
    const all = { ...ONE, address: "0.0.0.0" };
    await rig.move(ONE);
    await rig.move(all);
    assert.equal(await rig.isListening(all), true);
    await rig.move(ONE);
    assert.equal(await rig.isListening(ONE), true);
  });
});

Deno.test("an endpoint that is closed while it moves is closed where it moved to", () =>
  Rig.with(async (rig) => {
    await rig.move(ONE);
    const gate = Promise.withResolvers<void>();
    const moving = rig.endpoint.change(OTHER, () => gate.promise);
    await rig.endpoint.close();
    gate.resolve();
    await moving;
    assert.equal(await rig.isListening(ONE), false);
    assert.equal(await rig.isListening(OTHER), false);
  }));

Deno.test("a metric that cannot be read is 500, and the log has it", () =>
  Rig.with(async (rig) => {
    const { net, clock, errors } = rig;
    const endpoint = new AdminEndpoint({
      net,
      clock,
      log: { error: (message, properties) => errors.push(`${message} ${properties?.["what"]}`) },
      isReady: () => true,
      sources: {
        plane: {
          gauges: () => {
            throw new Error("broken");
          },
        },
        ended: rig.tally,
        config: { isGood: true, since: 0 },
      },
    });
    await endpoint.change(ONE, () => Promise.resolve());
    assert.equal((await rig.get("/metrics")).status, 500);
    assert.equal((await rig.get("/healthz")).status, 200);
    assert.match(errors.splice(0).join(), /^the admin endpoint has failed Error: broken/);
    await endpoint.close();
  }));
