import assert from "node:assert/strict";
import type { Route } from "../../lib/config/config.ts";
import { encodeProxyHeader } from "../../lib/proxy_protocol.ts";
import { NetError } from "../../lib/runtime/runtime.ts";
import { ask, bytesOf, CLIENT, named, readAll, Rig, settled } from "../support/rig.ts";
import { listenerWith, poolOf } from "../support/routes.ts";
import { DEFAULT, HTTP, networks, rigWith, SSH } from "../support/three_backends.ts";

Deno.test("too many connections: of all, of a listener, of a client", async () => {
  for (
    const [config, listener, reason] of [
      [{ maxConnections: 1 }, {}, "limit_total"],
      [{}, { maxConnections: 1 }, "limit_listener"],
      [{}, { maxConnectionsPerIp: 1 }, "limit_client"],
    ] as const
  ) {
    const rig = await rigWith();
    await rig.apply([listenerWith({ defaultRoute: DEFAULT, ...listener })], config);
    const first = await rig.client();
    await settled();
    const second = await rig.client();
    assert.equal((await rig.record()).reason, reason);
    if (reason === "limit_client") {
      const other = await rig.client({ address: "192.0.2.2", port: 1 });
      assert.equal(await ask(other, "x"), "default:x");
      other.close();
      await rig.record();
    }
    // Room is made again by an end.
    assert.equal(await ask(first, "x"), "default:x");
    await rig.record();
    const third = await rig.client();
    assert.equal(await ask(third, "y"), "default:y");
    await rig.close(first, second, third);
  }
});

Deno.test("a client that the list denies is told so, though it has sent before it reads", async () => {
  const acl = { allow: networks("198.51.100.0/24"), message: "not for you\n" };
  const rig = await rigWith({ acl });
  const client = await rig.client();
  await client.write(bytesOf("GET / HTTP/1.1\r\n"));
  await client.closeWrite();
  assert.equal(await readAll(client), "not for you\n");
  const { reason, backend } = await rig.record();
  assert.equal(reason, "acl_denied");
  assert.equal(backend, undefined);
  await rig.close(client);
});

Deno.test("a denied client that stays is closed after a second", async () => {
  const rig = await rigWith({ acl: { deny: networks("192.0.2.1"), message: "no\n" } });
  const client = await rig.client();
  await rig.pass(1000);
  assert.equal((await rig.record()).reason, "acl_denied");
  await rig.close(client);
});

Deno.test("a denied client that floods is closed before its second is over", async () => {
  const rig = await rigWith({ acl: { deny: networks("192.0.2.1"), message: "no\n" } });
  const client = await rig.client();
  const chunk = new Uint8Array(32_768);
  await assert.rejects(async () => {
    for (let chunks = 0; chunks < 100; chunks++) await client.write(chunk);
  }, NetError);
  assert.equal((await rig.record()).reason, "acl_denied");
  await rig.close(client);
});

Deno.test("the list of an entry decides alone, whatever the listener's says", async () => {
  const open: Route = { ...SSH, acl: { allow: networks("192.0.2.1") } };
  const rig = await rigWith({ routes: [open, HTTP], acl: { deny: networks("0.0.0.0/0") } });
  const shell = await rig.client();
  assert.equal(await ask(shell, "SSH-2.0-x\r\n"), "shell:SSH-2.0-x\r\n");
  await rig.record();
  const web = await rig.client();
  assert.equal(await ask(web, "GET / HTTP/1.0\r\n\r\n"), "");
  assert.equal((await rig.record()).reason, "acl_denied");
  await rig.close(shell, web);
});

Deno.test("an entry that rejects closes without a backend", async () => {
  const rig = await rigWith({ routes: [{ ...SSH, action: { kind: "reject" } }] });
  const client = await rig.client();
  assert.equal(await ask(client, "SSH-2.0-x\r\n"), "");
  const { reason, route } = await rig.record();
  assert.deepEqual([reason, route], ["rejected", "shell"]);
  await rig.close(client);
});

Deno.test("a PROXY header goes before the first byte, and is not counted as the client's", async () => {
  for (const version of ["v1", "v2"] as const) {
    const rig = new Rig();
    rig.backend(99, named("got"));
    const forward = { kind: "forward", pool: poolOf("127.0.0.1", 99), sendProxy: version } as const;
    await rig.apply([listenerWith({ defaultRoute: { ...DEFAULT, action: forward } })]);
    const client = await rig.client();
    const header = encodeProxyHeader(version, CLIENT, { address: "127.0.0.1", port: 8443 });
    assert.equal(await ask(client, "hello"), `got:${String.fromCharCode(...header)}hello`);
    assert.equal((await rig.record()).up, 5);
    await rig.close(client);
  }
});

Deno.test("a trusted proxy's header gives the client: for lists, limits and the record", async () => {
  const behind = { address: "203.0.113.9", port: 1234 };
  const rig = await rigWith({
    trustedProxies: networks("192.0.2.0/24"),
    acl: { deny: networks("203.0.113.10") },
  });
  const client = await rig.client();
  const header = encodeProxyHeader("v2", behind, { address: "192.0.2.7", port: 443 });
  await client.write(header.subarray(0, 9));
  await settled();
  await client.write(header.subarray(9));
  assert.equal(await ask(client, "SSH-2.0-x\r\n"), "shell:SSH-2.0-x\r\n");
  assert.deepEqual((await rig.record()).client, behind);

  const denied = await rig.client();
  await denied.write(encodeProxyHeader("v1", { ...behind, address: "203.0.113.10" }, behind));
  assert.equal((await rig.record()).reason, "acl_denied");
  await rig.close(client, denied);
});

Deno.test("what a trusted proxy says of both ends is passed on", async () => {
  const rig = await rigWith({ trustedProxies: networks("192.0.2.0/24") });
  const ends = [{ address: "203.0.113.9", port: 1234 }, {
    address: "198.51.100.2",
    port: 443,
  }] as const;
  const forward = { kind: "forward", pool: poolOf("127.0.0.1", 99), sendProxy: "v1" } as const;
  await rig.apply([listenerWith({
    trustedProxies: networks("192.0.2.0/24"),
    defaultRoute: { ...DEFAULT, action: forward },
  })]);
  const client = await rig.client();
  await client.write(encodeProxyHeader("v2", ...ends));
  assert.equal(
    await ask(client, "hello"),
    "default:PROXY TCP4 203.0.113.9 198.51.100.2 1234 443\r\nhello",
  );
  await rig.close(client);
});

Deno.test("no header, none at all, and a header from a stranger end the connection, and the record tells which", async () => {
  const rig = await rigWith({ trustedProxies: networks("192.0.2.0/24") });
  const refusal = async () => {
    const { reason, detail } = await rig.record();
    assert.equal(reason, "bad_proxy_header");
    return detail;
  };
  const without = await rig.client();
  assert.equal(await ask(without, "SSH-2.0-x\r\n"), "");
  assert.equal(await refusal(), "no valid header");
  const silent = await rig.client();
  assert.equal(await ask(silent, ""), "");
  assert.equal(await refusal(), "sent nothing");
  const stranger = await rig.client({ address: "198.51.100.1", port: 1 });
  await stranger.write(encodeProxyHeader("v1", CLIENT, CLIENT));
  assert.equal(await refusal(), "not a trusted proxy");
  await rig.close(without, silent, stranger);
});
