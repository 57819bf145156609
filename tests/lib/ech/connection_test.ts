/**
 * Encrypted ClientHello from the accept to the access log: what tests/lib/tcp_test.ts is for everything else.
 */
import assert from "node:assert/strict";
import type { EchConfig, Route } from "../../../lib/config/config.ts";
import { encodeProxyHeader } from "../../../lib/proxy_protocol.ts";
import type { Conn } from "../../../lib/runtime/runtime.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { hello, serverNameExtension } from "../../support/client_hello.ts";
import { CLIENT, readAll, Rig, settled } from "../../support/rig.ts";
import { listenerWith, poolOf, routeTo } from "../../support/routes.ts";
import { conversations } from "./conversations.ts";
import {
  body,
  configList,
  EchClient,
  echConfig,
  INNER,
  PRIVATE_KEY,
  TLS_1_3,
} from "./ech_client.ts";

const PUBLIC_PORT = 443;
const PRIVATE_PORT = 9443;
const PUBLIC = routeTo("front", { protocol: "tls" }, poolOf("127.0.0.1", PUBLIC_PORT));
const APPLICATION_DATA = concat(23, 3, 3, prefixed(2, concat("data")));

/** A rig with a route that has these keys, and a private name. */
async function rigWith(
  keys: Pick<EchConfig, "configList" | "privateKeys">,
  changes: Partial<Route> = {},
) {
  const rig = new Rig(undefined, (name) => {
    assert.equal(name, "private.example");
    return Promise.resolve({ addresses: ["127.0.0.1"], ttl: Promise.resolve(60_000) });
  });
  const privateServerNames = [{ host: "private.example", port: PRIVATE_PORT }];
  const route = { ...PUBLIC, ech: { ...keys, privateServerNames }, ...changes };
  await rig.apply([listenerWith({ routes: [route] })]);
  return rig;
}

/** The next connection that a backend on `port` gets. */
function backend(rig: Rig, port: number): Promise<Conn> {
  return new Promise((resolve) => {
    rig.backend(port, (conn) => {
      resolve(conn);
      return Promise.resolve();
    });
  });
}

/** The next `length` bytes. */
async function read(conn: Conn, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const count = await conn.read(buffer.subarray(at));
    assert.ok(count, `${at} of ${length} bytes`);
    at += count;
  }
  return buffer;
}

const KEYS = { configList: configList(echConfig()), privateKeys: [PRIVATE_KEY] };
const [RETRY] = conversations().filter(({ second }) => second !== undefined);

Deno.test("a client that hides a private name reaches it, over a HelloRetryRequest too", async () => {
  const recorded = conversations();
  for (const { name, keys, first, firstInner, answer, second, secondInner } of recorded) {
    const rig = await rigWith(keys);
    const connected = backend(rig, PRIVATE_PORT);
    const client = await rig.client();
    await client.write(first);
    const upstream = await connected;
    assert.deepEqual(await read(upstream, firstInner.length), firstInner, name);
    await upstream.write(answer);
    assert.deepEqual(await read(client, answer.length), answer, name);
    if (second !== undefined && secondInner !== undefined) {
      await client.write(second);
      assert.deepEqual(await read(upstream, secondInner.length), secondInner, name);
    }
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      await from.write(APPLICATION_DATA);
      assert.deepEqual(await read(to, APPLICATION_DATA.length), APPLICATION_DATA, name);
      await from.closeWrite();
      assert.equal(await to.read(new Uint8Array(1)), null);
    }
    const { reason, route, serverName, backend: at, up, down } = await rig.record();
    const forwarded = firstInner.length + (secondInner?.length ?? 0) + APPLICATION_DATA.length;
    assert.deepEqual({ reason, route, serverName, up, down, port: at?.port }, {
      reason: "ended",
      route: "front",
      serverName: "private.example",
      up: forwarded,
      down: answer.length + APPLICATION_DATA.length,
      port: PRIVATE_PORT,
    }, name);
    upstream.close();
    await rig.close(client);
  }
  assert.equal(recorded.length, 4);
});

Deno.test("a private backend gets the PROXY header of its route, in front of the opened hello", async () => {
  assert.ok(RETRY);
  const pool = poolOf("127.0.0.1", PUBLIC_PORT);
  const rig = await rigWith(RETRY.keys, { action: { kind: "forward", pool, sendProxy: "v2" } });
  const connected = backend(rig, PRIVATE_PORT);
  const client = await rig.client();
  await client.write(RETRY.first);
  const upstream = await connected;
  const header = encodeProxyHeader("v2", CLIENT, client.remote);
  const expected = concat(header, RETRY.firstInner);
  assert.deepEqual(await read(upstream, expected.length), expected);
  client.close();
  upstream.close();
  assert.equal((await rig.record()).up, RETRY.firstInner.length);
  await rig.close();
});

Deno.test("a client that hides nothing from this server goes the public way, with every byte as it was", async () => {
  const heads = [
    hello({ serverName: "private.example", versions: [0x0304] }),
    new EchClient({ kdf: 1, aead: 1 }, echConfig({ privateKey: new Uint8Array(32) })).hello(),
  ];
  for (const head of heads) {
    const rig = await rigWith(KEYS);
    const connected = backend(rig, PUBLIC_PORT);
    const client = await rig.client();
    await client.write(head);
    const upstream = await connected;
    assert.deepEqual(await read(upstream, head.length), head);
    await rig.close(client);
    upstream.close();
  }
});

Deno.test("a client that is refused gets an alert that it can read, and no backend hears of it", async () => {
  const hidden = body(bytes(""), serverNameExtension("secret.example"), INNER, TLS_1_3);
  const refusals = [
    [
      hidden,
      112,
      "no_route",
      "unrecognized_name: secret.example is not among the private_server_names",
    ],
    [
      bytes("no hello"),
      47,
      "bad_client_hello",
      "illegal_parameter: the inner hello breaks the rules of RFC 9849 §5.1",
    ],
  ] as const;
  for (const [encoded, alert, reason, detail] of refusals) {
    const rig = await rigWith(KEYS);
    const client = await rig.client();
    await client.write(new EchClient().hello({ encoded }));
    const answer = await readAll(client);
    client.close();
    assert.deepEqual(bytes(answer), concat(21, 3, 3, 0, 2, 2, alert));
    const record = await rig.record();
    assert.deepEqual([record.reason, record.detail], [reason, detail]);
    assert.equal(record.backend, undefined);
    await rig.close();
  }
});

Deno.test("a second hello that is not sealed ends the connection on both sides", async () => {
  assert.ok(RETRY);
  const rig = await rigWith(RETRY.keys);
  const connected = backend(rig, PRIVATE_PORT);
  const client = await rig.client();
  await client.write(RETRY.first);
  const upstream = await connected;
  await read(upstream, RETRY.firstInner.length);
  await upstream.write(RETRY.answer);
  await read(client, RETRY.answer.length);
  await client.write(hello({ serverName: "private.example", versions: [0x0304] }));
  assert.deepEqual(await read(client, 7), concat(21, 3, 3, 0, 2, 2, 109));
  client.close();
  assert.equal((await rig.record()).reason, "bad_client_hello");
  assert.equal(await upstream.read(new Uint8Array(1)), null);
  upstream.close();
  await rig.close();
});

Deno.test("it is known who ended a handshake that was watched", async () => {
  assert.ok(RETRY);
  const ends: [string, (rig: Rig, upstream: Conn) => void][] = [
    ["backend_reset", (_, upstream) => (upstream as unknown as { reset(): void }).reset()],
    ["drained", (rig) => rig.server.close()],
  ];
  for (const [reason, end] of ends) {
    const rig = await rigWith(RETRY.keys);
    const connected = backend(rig, PRIVATE_PORT);
    const client = await rig.client();
    await client.write(RETRY.first);
    const upstream = await connected;
    await settled();
    end(rig, upstream);
    assert.equal((await rig.record()).reason, reason);
    upstream.close();
    await rig.close(client);
  }
});

Deno.test("a backend that takes longer than the probe timeout is still heard", async () => {
  assert.ok(RETRY);
  const rig = await rigWith(RETRY.keys);
  const connected = backend(rig, PRIVATE_PORT);
  const client = await rig.client();
  await client.write(RETRY.first);
  const upstream = await connected;
  await rig.pass(5000);
  await upstream.write(APPLICATION_DATA);
  assert.deepEqual(await read(client, APPLICATION_DATA.length), APPLICATION_DATA);
  upstream.close();
  await rig.close(client);
});

Deno.test("a reload that takes the keys away leaves those alone who came with them", async () => {
  const rig = await rigWith(KEYS);
  const connected = backend(rig, PRIVATE_PORT);
  const client = await rig.client();
  await client.write(new EchClient().hello());
  const upstream = await connected;
  await rig.apply([listenerWith({ routes: [PUBLIC] })]);
  await settled();
  await upstream.write(APPLICATION_DATA);
  assert.deepEqual(await read(client, APPLICATION_DATA.length), APPLICATION_DATA);
  upstream.close();
  await rig.close(client);
});
