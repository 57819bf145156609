import assert from "node:assert/strict";
import fc from "fast-check";
import { NetError } from "../../lib/runtime/runtime.ts";
import { ask, bytesOf, CLIENT, greeting, named, readAll, Rig, settled } from "../support/rig.ts";
import { defaultTo, listenerWith, poolOf } from "../support/routes.ts";
import { rigWith } from "../support/three_backends.ts";

Deno.test("each protocol reaches its own backend, with every byte as it was sent", async () => {
  const rig = await rigWith();
  for (
    const [sent, backend] of [
      ["SSH-2.0-OpenSSH_9.2\r\nmore", "shell"],
      ["GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", "web"],
      ["\x00\x01 anything else", "default"],
    ] as const
  ) {
    const client = await rig.client();
    assert.equal(await ask(client, sent), `${backend}:${sent}`);
    client.close();
  }
  await rig.close();
});

Deno.test("how TCP cut the bytes changes neither the backend nor a byte", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        "SSH-2.0-x\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "SSX",
        "HTTP",
        "GEX\x00",
      ),
      fc.array(fc.nat(30), { maxLength: 6 }),
      async (sent, cuts) => {
        const rig = await rigWith();
        const client = await rig.client();
        let at = 0;
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          if (cut > at && cut < sent.length) {
            await client.write(bytesOf(sent.slice(at, cut)));
            await settled();
            at = cut;
          }
        }
        const backend = sent.startsWith("SSH")
          ? "shell"
          : sent.startsWith("GET ")
          ? "web"
          : "default";
        assert.equal(await ask(client, sent.slice(at)), `${backend}:${sent}`);
        await rig.close(client);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("the bytes HTTP inside of something else do not make it HTTP", async () => {
  const rig = await rigWith();
  const client = await rig.client();
  const sent = "\x05\x01HTTP/1.1 GET / HTTP";
  assert.equal(await ask(client, sent), `default:${sent}`);
  await rig.close(client);
});

Deno.test("a server that speaks first is reached at once where nothing is to be detected", async () => {
  const rig = new Rig();
  rig.backend(25, greeting("220 mail\r\n"));
  await rig.apply([listenerWith({ defaultRoute: defaultTo(poolOf("127.0.0.1", 25)) })]);
  const client = await rig.client();
  const line = new Uint8Array(16);
  assert.equal(await client.read(line), 10);
  await rig.close(client);
});

Deno.test("a silent client reaches a server that speaks first after the probe timeout, and loses nothing", async () => {
  const rig = await rigWith({ defaultRoute: defaultTo(poolOf("127.0.0.1", 25)) });
  rig.backend(25, greeting("220 mail\r\n"));
  const client = await rig.client();
  await rig.pass(4999);
  assert.equal(rig.server.activeConnections, 1);
  await rig.pass(1);
  assert.equal(await client.read(new Uint8Array(16)), 10);
  assert.equal(await ask(client, "QUIT"), "QUIT");
  await rig.close(client);
});

Deno.test("at the probe timeout a connection is closed, or given to the entry that the operator names", async () => {
  const close = await rigWith({ onProbeTimeout: { kind: "close" } });
  const closed = await close.client();
  await close.pass(5000);
  assert.equal(await readAll(closed), "");
  assert.equal((await close.record()).reason, "probe_timeout");
  await close.close(closed);

  const route = await rigWith({ onProbeTimeout: { kind: "route", name: "shell" } });
  const given = await route.client();
  await route.pass(5000);
  assert.equal(await ask(given, "late"), "shell:late");
  await route.close(given);
});

Deno.test("a client that sends a byte now and then has only one probe timeout", async () => {
  const rig = await rigWith({ onProbeTimeout: { kind: "close" } });
  const client = await rig.client();
  for (const byte of "SSH-") {
    await client.write(bytesOf(byte));
    await rig.pass(1250);
  }
  assert.equal((await rig.record()).reason, "probe_timeout");
  await rig.close(client);
});

Deno.test("what is undecided at the bound goes to the default, so a client cannot make the head grow", async () => {
  const rig = await rigWith({ probeMaxBytes: 256 });
  const client = await rig.client();
  const sent = `GET /${"a".repeat(1000)}`;
  assert.equal(await ask(client, sent), `default:${sent}`);
  await rig.close(client);
});

Deno.test("the end of the stream decides as well: a client that ends early still gets its reply", async () => {
  const rig = await rigWith();
  const client = await rig.client();
  assert.equal(await ask(client, "SSH"), "default:SSH");
  await rig.close(client);
});

Deno.test("both legs have Nagle off, and keepalive on once they have lived as long as its interval", async () => {
  const rig = await rigWith({ keepalive: 60_000 });
  const client = await rig.client();
  await client.write(bytesOf("SSH-2.0-x\r\n"));
  await rig.pass(59_999);
  assert.deepEqual(rig.net.tuned, ["nodelay", "nodelay"]);
  await rig.pass(1);
  assert.deepEqual(rig.net.tuned.slice(2), ["keepalive 60000", "keepalive 60000"]);
  await rig.close(client);
});

Deno.test("a connection that is idle for the idle timeout ends, with that reason", async () => {
  const rig = await rigWith({ idleTimeout: 60_000 });
  const client = await rig.client();
  await client.write(bytesOf("\x00"));
  await rig.pass(67_500);
  assert.equal((await rig.record()).reason, "idle_timeout");
  await rig.close(client);
});

Deno.test("a target that refuses, and one that is silent, are passed over for the next", async () => {
  const rig = new Rig();
  rig.backend(3, named("third"));
  rig.net.silent.add("127.0.0.1:2");
  const targets = [1, 2, 3].map((port) => ({ host: "127.0.0.1", port, weight: 1 }));
  await rig.apply([listenerWith({ defaultRoute: defaultTo({ targets, algorithm: "none" }) })]);
  const client = await rig.client();
  await rig.pass(5000);
  assert.equal(await ask(client, "x"), "third:x");
  const { reason, detail } = await rig.record();
  assert.equal(reason, "ended");
  assert.equal(
    detail,
    "passed over 127.0.0.1:1: Connection refused; 127.0.0.1:2: no answer within 5000 ms",
  );
  await rig.close(client);
});

Deno.test("when no target can be reached the record names each and why", async () => {
  const rig = new Rig();
  const targets = [1, 2].map((port) => ({ host: "127.0.0.1", port, weight: 1 }));
  await rig.apply([listenerWith({ defaultRoute: defaultTo({ targets, algorithm: "none" }) })]);
  const client = await rig.client();
  assert.equal(await readAll(client), "");
  const { reason, detail } = await rig.record();
  assert.equal(reason, "connect_failed");
  assert.match(
    detail ?? "",
    /127\.0\.0\.1:1: Connection refused; 127\.0\.0\.1:2: Connection refused/,
  );
  await rig.close(client);
});

const HOPS = [
  { port: 9, reason: "ended", hop: "visitor" },
  { port: 1, reason: "connect_failed", hop: undefined },
];

Deno.test("a connection that reached a door of the edge is a hop; one that did not is one of the proxy's", async () => {
  for (const { port, ...expected } of HOPS) {
    const rig = new Rig();
    rig.backend(9);
    const route = defaultTo(poolOf("127.0.0.1", port));
    await rig.apply([listenerWith({ defaultRoute: { ...route, hop: "visitor" } })]);
    const client = await rig.client();
    await client.closeWrite();
    await readAll(client);
    const { reason, hop } = await rig.record();
    assert.deepEqual({ reason, hop }, expected);
    await rig.close(client);
  }
});

Deno.test("a connection leaves one record that says what it was", async () => {
  const rig = await rigWith();
  const client = await rig.client();
  await client.write(bytesOf("GET / HTTP/1.1\r\nHost: Example.com:80\r\n\r\n"));
  await rig.pass(7);
  assert.equal(await ask(client, ""), "web:GET / HTTP/1.1\r\nHost: Example.com:80\r\n\r\n");
  const record = await rig.record();
  assert.deepEqual(
    { ...record, backend: { address: record.backend?.address, port: record.backend?.port } },
    {
      time: rig.clock.date() - 7,
      id: 1,
      transport: "tcp",
      listener: "default",
      client: CLIENT,
      protocol: "http",
      host: "example.com",
      route: "web",
      backend: { address: "127.0.0.1", port: 80 },
      up: 40,
      down: 44,
      duration: 7,
      timeToRoute: 0,
      timeToConnect: 0,
      reason: "ended",
      serverName: undefined,
      alpns: undefined,
      hop: undefined,
      detail: undefined,
    },
  );
  await rig.close(client);
});

Deno.test("a client that breaks off while it is looked at has left", async () => {
  const rig = await rigWith();
  const client = await rig.client();
  await client.write(bytesOf("SS"));
  await settled();
  client.reset();
  assert.equal((await rig.record()).reason, "client_left");
  await rig.close();
});

Deno.test("a backend that breaks off, and a client that does, are told apart", async () => {
  const rig = await rigWith({ defaultRoute: defaultTo(poolOf("127.0.0.1", 7)) });
  rig.backend(7, async (conn) => {
    await conn.read(new Uint8Array(1));
    (conn as Awaited<ReturnType<Rig["client"]>>).reset();
  });
  const broken = await rig.client();
  await broken.write(bytesOf("\x00"));
  assert.equal((await rig.record()).reason, "backend_reset");
  const breaking = await rig.client();
  await breaking.write(bytesOf("SSH-2.0-x\r\n"));
  await settled();
  breaking.reset();
  assert.equal((await rig.record()).reason, "client_reset");
  await rig.close(broken);
});

Deno.test("every socket is closed when its connection is over, however it ends", async () => {
  const rig = await rigWith();
  for (const sent of ["SSH-2.0-x\r\n", "\x00", "GET / HTTP/1.1\r\n\r\n"]) {
    const client = await rig.client();
    await ask(client, sent);
    client.close();
    await rig.record();
  }
  rig.net.broken.set("127.0.0.1:22", new NetError("unreachable", "No route to host"));
  const client = await rig.client();
  await ask(client, "SSH-2.0-x\r\n");
  client.close();
  await rig.record();
  await settled();
  assert.equal(rig.net.open, 0);
  assert.equal(rig.server.activeConnections, 0);
  await rig.close();
});
