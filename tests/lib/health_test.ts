import assert from "node:assert/strict";
import { HttpServer } from "../../lib/web/server.ts";
import type { Page } from "../../lib/web/http.ts";
import { health } from "../../lib/health.ts";
import type { Conn } from "../../lib/runtime/runtime.ts";
import { ManualClock } from "../support/clock.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { MemoryProcess } from "../support/process.ts";
import { bytesOf, settled } from "../support/rig.ts";

const LISTENER = `listen_port = 8443\ntcp_target = ["127.0.0.1:80"]\n`;

/** `sluice health` with a configuration, and what may answer it, in memory. */
class Asked {
  readonly process = new MemoryProcess([]);
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);

  /** A sluice with this page. */
  serve(address: string, page: Page): HttpServer {
    return new HttpServer({ address, port: 9090 }, {
      net: this.net,
      clock: this.clock,
      site: { pages: new Map([["/readyz", page]]) },
      onFault: (error) => assert.ifError(error),
    });
  }

  /** Somebody else who listens there. */
  async stranger(serve: (conn: Conn) => Promise<void>): Promise<void> {
    const listener = this.net.listen({ address: "127.0.0.1", port: 9090, backlog: 1 });
    const conn = await listener.accept();
    await listener.close();
    await serve(conn);
    conn.close();
  }

  health(config: string): Promise<number> {
    const file = {
      path: "sluice.toml",
      look: () => Promise.resolve(""),
      read: () => Promise.resolve(config),
    };
    return health({ file, env: {}, overrides: {} }, this);
  }

  async close(): Promise<void> {
    await settled();
    assert.equal(this.net.openConns, 0);
    assert.equal(this.clock.pending, 0);
  }
}

for (
  const [configured, asked] of [
    ["127.0.0.1:9090", "127.0.0.1"],
    ["0.0.0.0:9090", "127.0.0.1"],
    ["[::]:9090", "::1"],
  ] as const
) {
  Deno.test(`what listens on ${configured} is asked at ${asked}`, async () => {
    const test = new Asked();
    const server = test.serve(asked, () => ({ status: 200, body: "ready\n" }));
    assert.equal(await test.health(`${LISTENER}admin_address = "${configured}"`), 0);
    assert.equal(test.process.stdout.text, "ready\n");
    await server.close();
    await test.close();
  });
}

const WITH_ADMIN = `${LISTENER}admin_address = "127.0.0.1:9090"`;

Deno.test("a sluice that takes no new connections is not ready, and its words are passed on", async () => {
  const test = new Asked();
  const server = test.serve("127.0.0.1", () => ({ status: 503, body: "takes none\n" }));
  assert.equal(await test.health(WITH_ADMIN), 1);
  assert.equal(test.process.stdout.text, "takes none\n");
  await server.close();
  await test.close();
});

Deno.test("where nobody listens, nothing is ready", async () => {
  const test = new Asked();
  assert.equal(await test.health(WITH_ADMIN), 1);
  assert.match(test.process.stderr.text, /^error: 127\.0\.0\.1:9090: .*refused.*\n$/);
  await test.close();
});

Deno.test("who answers something else is not sluice", async () => {
  const test = new Asked();
  const stranger = test.stranger(async (conn) => {
    await conn.write(bytesOf("SSH-2.0-OpenSSH_9.2\r\n"));
    await conn.closeWrite();
  });
  assert.equal(await test.health(WITH_ADMIN), 1);
  await stranger;
  assert.equal(test.process.stderr.text, "error: 127.0.0.1:9090: no answer of sluice's\n");
  await test.close();
});

Deno.test("who takes the connection and says nothing is waited for, for a while", async () => {
  const test = new Asked();
  const stranger = test.stranger(async (conn) => {
    await settled();
    test.clock.advance(2000);
    await conn.read(new Uint8Array(1024));
    await conn.read(new Uint8Array(1024));
  });
  assert.equal(await test.health(WITH_ADMIN), 1);
  await stranger;
  assert.equal(test.process.stderr.text, "error: 127.0.0.1:9090: no answer of sluice's\n");
  await test.close();
});

Deno.test("without an admin endpoint there is no telling, and with a bad file neither", async () => {
  const test = new Asked();
  assert.equal(await test.health(LISTENER), 2);
  assert.match(test.process.stderr.text, /^error: admin_address is not set/);
  assert.equal(await test.health("listen_port = 0"), 2);
  assert.match(test.process.stderr.text, /sluice\.toml:1:15: listen_port/);
  await test.close();
});
