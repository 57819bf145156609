/**
 * Backends that fail under open connections.
 */
import assert from "node:assert/strict";
import { freePort, type Scope, testWithTools, until } from "../support/children.ts";
import { Client } from "./client.ts";
import { startBackend } from "./servers.ts";
import { type Sluice, startSluice } from "./sluice.ts";

/** Clients that are held back, and for how long: `HELD_BACK_SECONDS=180` for minutes. */
const HELD_BACK = 50;
const HELD_BACK_SECONDS = Number(Deno.env.get("HELD_BACK_SECONDS") ?? "1");

testWithTools(
  "a backend is killed: its client sees the end, the log says why, the next one is served by another",
  [],
  async (scope) => {
    const first = await startBackend(scope, "deaf", "first");
    const second = await startBackend(scope, "echo", "second");
    const { port, sluice } = await startInFrontOf(scope, [first.port, second.port]);

    const client = await Client.connect(scope, port);
    assert.equal(await client.ask("hello"), "first");
    const rest = client.rest();
    first.child.signal("SIGKILL");
    assert.equal((await rest).text, "");
    const { reason, backend, bytes_up } = await sluice.accessLine();
    assert.deepEqual(
      [reason, backend, bytes_up],
      ["backend_reset", `127.0.0.1:${first.port}`, "hello\n".length],
    );

    for (let connection = 0; connection < 3; connection++) {
      const next = await Client.connect(scope, port);
      assert.equal(await next.ask("hello"), "second");
      // Else its end may be a reset: something is left unread.
      assert.equal(await next.line(), "hello");
      next.close();
      const line = await sluice.accessLine();
      assert.deepEqual([line.reason, line.backend], ["ended", `127.0.0.1:${second.port}`]);
    }
  },
);

testWithTools(
  "every backend is down: the client is closed, the log names each and what it answered",
  [],
  async (scope) => {
    const [one, other] = [freePort(), freePort()];
    const { port, sluice } = await startInFrontOf(scope, [one, other]);
    const client = await Client.connect(scope, port);
    assert.equal((await client.rest()).text, "");
    const { reason, detail } = await sluice.accessLine();
    assert.equal(reason, "connect_failed");
    assert.match(detail ?? "", new RegExp(`127.0.0.1:${one}: .*refused.*127.0.0.1:${other}: .*`));

    const late = await startBackend(scope, "echo", "late", other);
    assert.equal(await (await Client.connect(scope, port)).ask("hello"), "late");
    late.child.signal("SIGKILL");
  },
);

testWithTools(
  "a backend that never reads holds a fast client back: bounded memory, and an end after the idle timeout",
  [],
  async (scope) => {
    const deaf = await startBackend(scope, "deaf", "deaf");
    const { port, sluice } = await startInFrontOf(scope, [deaf.port], `tcp_idle_timeout = "1s"`);
    const client = await Client.connect(scope, port);
    const before = sluice.memory.now;

    const chunk = new Uint8Array(1_000_000);
    let sent = 0;
    await assert.rejects(async () => {
      for (; sent < 1e9; sent += chunk.length) await client.send(chunk);
    });
    assert.ok(sent < 100e6, `the client got rid of ${sent} bytes`);
    const grown = sluice.memory.peak - before;
    assert.ok(grown < 32e6, `the memory grew by ${grown} bytes`);
    const line = await sluice.accessLine();
    assert.equal(line.reason, "idle_timeout");
    assert.ok(line.duration_ms < 15_000, `it took ${line.duration_ms} ms`);
  },
);

testWithTools(
  "held back for long, fast clients cost no processor and no more memory",
  [],
  async (scope) => {
    const deaf = await startBackend(scope, "deaf", "deaf");
    const { port, sluice } = await startInFrontOf(scope, [deaf.port]);
    const before = sluice.memory.now;
    const chunk = new Uint8Array(1_000_000);
    let sent = 0;
    let isOver = false;
    const clients = await Promise.all(
      Array.from({ length: HELD_BACK }, () => Client.connect(scope, port)),
    );
    const sending = clients.map(async (client) => {
      for (; !isOver; sent += chunk.length) await client.send(chunk);
    });
    const ends = Promise.allSettled(sending);
    let last = -1;
    await until("nobody gets rid of anything any more", async () => {
      const now = last;
      last = sent;
      // Until nothing was taken for so long.
      await new Promise((resolve) => setTimeout(resolve, 300));
      return sent === now;
    });

    // Measured, not waited for: the time must pass.
    const { cpuTime } = sluice;
    await new Promise((resolve) => setTimeout(resolve, 1000 * HELD_BACK_SECONDS));
    const busy = (sluice.cpuTime - cpuTime) / HELD_BACK_SECONDS;
    assert.ok(busy < 0.1, `it used ${busy} s of processor time a second`);
    const grown = sluice.memory.peak - before;
    assert.ok(grown < 64e6, `the memory grew by ${grown} bytes`);
    isOver = true;
    for (const client of clients) client.close();
    await ends;
  },
  1000 * HELD_BACK_SECONDS + 60_000,
);

/** sluice in front of targets of which the first is taken as long as it is up. */
async function startInFrontOf(
  scope: Scope,
  targets: readonly number[],
  more = "",
): Promise<{ port: number; sluice: Sluice }> {
  const port = freePort();
  const addresses = targets.map((target) => `"127.0.0.1:${target}"`);
  const sluice = await startSluice(
    scope,
    `listen_address_v4 = "127.0.0.1"
     listen_port = ${port}
     tcp_target = [${addresses}]
     ${more}`,
  );
  return { port, sluice };
}
