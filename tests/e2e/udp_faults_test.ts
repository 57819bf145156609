/**
 * Backends that die under live flows, and clients that mean ill.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Scope, testWithTools } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { startSluice } from "./sluice.ts";
import { startUdpBackend } from "./udp_servers.ts";
import { UdpClient } from "./udp_socket.ts";

testWithTools(
  "a backend is killed: its clients and new ones are served by the other, whose own clients lose nothing",
  [],
  async (scope) => {
    const first = await startUdpBackend(scope, "echo", "first");
    const second = await startUdpBackend(scope, "echo", "second");
    const { port } = await startInFrontOf(scope, [first.port, second.port]);
    const clients = Array.from({ length: 20 }, () => new UdpClient(scope, port));
    for (const [i, client] of clients.entries()) {
      assert.equal(await client.ask("hello"), i % 2 === 0 ? "first hello" : "second hello");
    }
    const [losers, others] = [0, 1].map((rest) => clients.filter((_, i) => i % 2 === rest));
    assert.ok(losers !== undefined && others !== undefined);

    // They ask all the while, each datagram once.
    let over = false;
    const asking = others.map(async (client) => {
      for (let i = 0; !over; i++) assert.equal(await client.ask(`${i}`), `second ${i}`);
    });
    first.child.signal("SIGKILL");
    const newcomers = losers.map(() => new UdpClient(scope, port));
    await Promise.all([...losers, ...newcomers].map(async (client) => {
      assert.equal((await client.insist("anybody?")).answer, "second anybody?");
    }));
    over = true;
    await Promise.all(asking);
    for (const client of [...clients, ...newcomers]) {
      // What was asked twice may have been answered twice.
      assert.equal((await client.insist("again")).answer, "second again");
    }
  },
);

testWithTools(
  "every backend is dead: whoever still asks is served as soon as one is back",
  [],
  async (scope) => {
    const [one, other] = [freePortOfBoth(), freePortOfBoth()];
    const { port } = await startInFrontOf(scope, [one, other]);
    const client = new UdpClient(scope, port);
    const asking = client.insist("anybody?");
    await startUdpBackend(scope, "echo", "late", other);
    assert.equal((await asking).answer, "late anybody?");
  },
);

testWithTools(
  "under a flood of noise and unfinished hellos from many ports a live flow goes on, and memory is bounded",
  [],
  async (scope) => {
    const server = await startUdpBackend(scope, "echo", "server");
    const { port, sluice } = await startInFrontOf(
      scope,
      [server.port],
      `udp_max_connections = 200`,
      `[protocols.named]\nprotocol = "quic"\nserver_names = ["never.example"]\n` +
        `target = ["127.0.0.1:${freePortOfBoth()}"]`,
    );
    const client = new UdpClient(scope, port);
    assert.equal((await client.insist("before")).answer, "server before");
    assert.equal((await client.insist("the client has it")).answer, "server the client has it");
    const before = sluice.memory.now;

    const flood = scope.start(Deno.execPath(), [
      ...["run", "--allow-net", "--unstable-net", "--config", CONFIG, FLOOD, String(port)],
    ], { env: { DENO_NO_UPDATE_CHECK: "1" } });
    await flood.stdout.next(/^sent$/);
    for (let i = 0; i < 10; i++) {
      assert.equal((await client.insist(`${i} in it`)).answer, `server ${i} in it`);
    }
    for (let i = 0; i < 10; i++) await flood.stdout.next(/^sent$/);
    flood.signal("SIGKILL");
    await flood.code;
    assert.equal((await client.insist("after")).answer, "server after");
    const grown = sluice.memory.peak - before;
    assert.ok(grown < MOST_GROWN, `grown by ${grown} bytes`);
    // It was one flow all the time.
    const own = sluice.accessLines.filter((line) => line.client === client.socket.address);
    assert.deepEqual(own, []);
  },
);

testWithTools(
  "under a flood to a default target where nobody listens, clients of another entry are served, old and new ones",
  [],
  async (scope) => {
    const server = await startUdpBackend(scope, "echo", "server");
    const entry = `[protocols.known]\nprotocol = "regex"\ntransport = "udp"\n` +
      `patterns = ["^known"]\ntarget = ["127.0.0.1:${server.port}"]`;
    const { port, sluice } = await startInFrontOf(scope, [freePortOfBoth()], "", entry);
    const old = new UdpClient(scope, port);
    assert.equal((await old.insist("known before")).answer, "server known before");
    const began = performance.now();

    const flood = scope.start(Deno.execPath(), [
      ...["run", "--allow-net", "--unstable-net", "--config", CONFIG, FLOOD, String(port)],
    ], { env: { DENO_NO_UPDATE_CHECK: "1" } });
    await flood.stdout.next(/^sent$/);
    for (let i = 0; i < 10; i++) {
      const newcomer = new UdpClient(scope, port);
      for (const client of [old, newcomer]) {
        assert.equal((await client.insist(`known ${i}`)).answer, `server known ${i}`);
      }
    }
    await flood.stdout.next(/^sent$/);
    flood.signal("SIGKILL");
    await flood.code;
    // Each datagram would have been a flow and a line, at ten thousand a second: 16 in 250 ms are, and what came with them.
    const seconds = Math.ceil((performance.now() - began) / 1000);
    const failed = sluice.accessLines.filter(({ reason }) => reason === "connect_failed").length;
    assert.ok(failed < 1000 * seconds, `${failed} lines in ${seconds} s`);
  },
);

const FLOOD = fileURLToPath(new URL("udp_flood.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
/** Bytes that a flood may cost, however long it goes on: most of it is heap that could be collected. */
const MOST_GROWN = 256e6;

/** sluice on a port whose clients share the backends, one after the other. */
async function startInFrontOf(
  scope: Scope,
  backends: readonly number[],
  listener = "",
  entries = "",
) {
  const port = freePortOfBoth();
  const sluice = await startSluice(
    scope,
    `
    listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    udp_target = [${backends.map((each) => `"127.0.0.1:${each}"`)}]
    udp_load_balance = "round_robin"
    udp_reply_timeout = "300ms"
    ${listener}
    ${entries}
    `,
  );
  return { port, sluice };
}
