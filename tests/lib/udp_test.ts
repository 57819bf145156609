import assert from "node:assert/strict";
import type { Config, UdpListenerConfig } from "../../lib/config/config.ts";
import { AddressSet } from "../../lib/acl.ts";
import { parseCidr, type SocketAddress } from "../../lib/addr.ts";
import type { Answer } from "../../lib/resolver.ts";
import type { DatagramReceiver, NetError } from "../../lib/runtime/runtime.ts";
import type { MemoryPeer } from "../support/memory_datagrams.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { bytesOf, Rig, settled } from "../support/rig.ts";
import { poolOf, udpDefaultTo, udpListenerWith, udpRouteTo } from "../support/routes.ts";
import { datagramSamples } from "../support/samples.ts";

const PORT = 8443;
const SLUICE = { address: "127.0.0.1", port: PORT };
const CLIENT = { address: "192.0.2.1", port: 50_000 };

const text = (datagram: Uint8Array) => new TextDecoder("latin1").decode(datagram);
const pools = (...ports: number[]) => ({
  targets: ports.map((port) => ({ host: "127.0.0.1", port, weight: 1 })),
  algorithm: "none" as const,
});

/** A rig with one listener of datagrams; without changes all goes to port 1. */
async function rigWith(
  changes: Partial<UdpListenerConfig> = { defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)) },
  config: Partial<Config> = {},
): Promise<Rig> {
  const rig = new Rig();
  await rig.applyUdp([udpListenerWith({ port: PORT, ...changes })], config);
  return rig;
}

/** Sends each text and gives what came back so far, one after the other. */
async function ask(peer: MemoryPeer, ...texts: string[]): Promise<string[]> {
  for (const each of texts) peer.send(bytesOf(each), SLUICE);
  await settled();
  return peer.received.splice(0).map(text);
}

/** A client whose first datagram does not tell where it goes. */
const firstOfTwo = () =>
  datagramSamples().find(({ protocol, datagrams, facts }) =>
    protocol === "quic" && facts?.serverName !== undefined && datagrams.length > 1
  )!;

Deno.test("a client's datagrams go to its backend and the replies come back", async () => {
  const rig = await rigWith();
  rig.responder(1, "a");
  const client = rig.net.peer(CLIENT);
  assert.deepEqual(await ask(client, "one", "two", ""), ["a:one", "a:two", "a:"]);
  assert.deepEqual(client.sources[0], SLUICE);
  await rig.close();
});

Deno.test("every client port is a flow of its own", async () => {
  const rig = await rigWith();
  const backend = rig.responder(1, "a");
  for (let port = 1; port <= 5; port++) {
    const client = rig.net.peer({ ...CLIENT, port });
    assert.deepEqual(await ask(client, "x", "y"), ["a:x", "a:y"]);
  }
  assert.equal(new Set(backend.sources.map(({ port }) => port)).size, 5);
  assert.equal(rig.server.activeFlows, 5);
  await rig.close();
});

Deno.test("a flow leaves its record when both sides were silent for its lifetime", async () => {
  const rig = await rigWith();
  rig.responder(1, "a");
  const client = rig.net.peer(CLIENT);
  await ask(client, "hello");
  for (let i = 0; i < 200; i++) await rig.pass(250);
  const record = await rig.record();
  assert.deepEqual({ ...record, time: 0, duration: 0 }, {
    time: 0,
    id: 1,
    transport: "udp",
    listener: "default",
    client: CLIENT,
    route: "default",
    backend: record.backend,
    up: 5,
    down: 7,
    datagramsUp: 1,
    datagramsDown: 1,
    duration: 0,
    timeToRoute: 0,
    reason: "idle_timeout",
  });
  assert.deepEqual({ ...record.backend }.port, 1);
  assert.ok(record.duration >= 30_000 && record.duration <= 31_000, `${record.duration}`);
  assert.equal(rig.server.activeFlows, 0);
  assert.equal(rig.net.datagrams.open, 0);
  await rig.close();
});

Deno.test("either side keeps a flow alive", async () => {
  const rig = await rigWith();
  const backend = rig.responder(1);
  const client = rig.net.peer(CLIENT);
  await ask(client, "hello");
  for (let i = 0; i < 10; i++) {
    for (let j = 0; j < 100; j++) await rig.pass(250);
    if (i % 2 === 0) backend.reply(bytesOf("still here"));
    else client.send(bytesOf("so am I"), SLUICE);
    await settled();
  }
  assert.equal(rig.server.activeFlows, 1);
  assert.equal(new Set(backend.sources.map(({ port }) => port)).size, 1);
  await rig.close();
});

Deno.test("a lifetime of 0 never ends", async () => {
  const route = { ...udpDefaultTo(poolOf("127.0.0.1", 1)), idleLifetime: 0 };
  const rig = await rigWith({ defaultRoute: route });
  rig.responder(1, "a");
  await ask(rig.net.peer(CLIENT), "x");
  for (let i = 0; i < 20; i++) await rig.pass(3_600_000);
  assert.equal(rig.server.activeFlows, 1);
  await rig.close();
});

Deno.test("what came while the process stood still is read before a flow is forgotten", async () => {
  const rig = await rigWith();
  const backend = rig.responder(1, "a");
  const client = rig.net.peer(CLIENT);
  await ask(client, "x");
  rig.clock.stall(60_000);
  client.send(bytesOf("y"), SLUICE);
  for (let i = 0; i < 8; i++) await rig.pass(250);
  assert.equal(rig.server.activeFlows, 1);
  assert.equal(new Set(backend.sources.map(({ port }) => port)).size, 1);
  await rig.close();
});

Deno.test("a backend that refuses is passed over at once, and gets the next flow last", async () => {
  const rig = await rigWith({ defaultRoute: udpDefaultTo(pools(1, 2)) });
  rig.responder(2, "b");
  assert.deepEqual(await ask(rig.net.peer(CLIENT), "x"), ["b:x"]);
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: 2 }), "y"), ["b:y"]);
  assert.deepEqual(rig.lines.filter((line) => line.includes("cannot reach")).length, 1);
  rig.server.close();
  assert.match((await rig.record()).detail!, /^passed over 127\.0\.0\.1:1: Connection refused$/);
  await rig.close();
});

Deno.test("a flow whose only backend refuses ends, and is tried anew with the next datagram", async () => {
  const rig = await rigWith();
  const client = rig.net.peer(CLIENT);
  assert.deepEqual(await ask(client, "x"), []);
  assert.equal((await rig.record()).reason, "connect_failed");
  assert.equal(rig.server.activeFlows, 0);
  rig.responder(1, "a");
  assert.deepEqual(await ask(client, "y"), ["a:y"]);
  await rig.close();
});

Deno.test("of a flood to a backend that refuses few become flows, and who comes when it is back is served soon", async () => {
  const named = udpRouteTo("named", { protocol: "dns" }, poolOf("127.0.0.1", 2));
  const rig = await rigWith({
    routes: [named],
    defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)),
  });
  const healthy = rig.responder(2, "b");
  let port = 0;
  let dropped = 0;
  /** How many of 40 clients got a flow, which leaves a record. */
  const flood = async () => {
    for (let i = 0; i < 40; i++) {
      assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: ++port }), "x"), []);
    }
    const before = dropped;
    dropped = rig.server.drops.get("no_backend") ?? 0;
    return 40 - (dropped - before);
  };

  assert.equal(await flood(), 16);
  // Other entries are served all the while.
  const query = datagramSamples().find(({ protocol }) => protocol === "dns")!.datagrams[0]!;
  rig.net.peer({ ...CLIENT, port: ++port }).send(query, SLUICE);
  await settled();
  assert.equal(healthy.received.length, 1);
  await rig.pass(250);
  assert.equal(await flood(), 16);
  for (let i = 0; i < 32; i++) assert.equal((await rig.record()).reason, "connect_failed");

  rig.responder(1, "a");
  await rig.pass(250);
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: ++port }), "y"), ["a:y"]);
  await rig.close();
});

Deno.test("where another backend does not refuse, every newcomer gets its flow", async () => {
  const rig = await rigWith({ defaultRoute: udpDefaultTo(pools(1, 2)) });
  rig.responder(2, "b");
  for (let port = 1; port <= 40; port++) {
    assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port }), "x"), ["b:x"]);
  }
  await rig.close();
});

Deno.test("a backend that dies in the middle is left for the next one", async () => {
  const rig = await rigWith({ defaultRoute: udpDefaultTo(pools(1, 2)) });
  const first = rig.responder(1, "a");
  rig.responder(2, "b");
  const client = rig.net.peer(CLIENT);
  assert.deepEqual(await ask(client, "x"), ["a:x"]);
  first.close();
  await ask(client, "y");
  assert.deepEqual(await ask(client, "z"), ["b:z"]);
  await rig.close();
});

Deno.test("a backend that is silent is left after the reply timeout, with all that was not answered", async () => {
  const route = udpRouteTo("dns", { protocol: "any" }, pools(1, 2));
  const rig = await rigWith({ routes: [route] });
  rig.net.silent.add("127.0.0.1:1");
  rig.responder(2, "b");
  const client = rig.net.peer(CLIENT);
  assert.deepEqual(await ask(client, "one"), []);
  for (let i = 0; i < 4; i++) await rig.pass(250);
  assert.deepEqual(await ask(client, "two"), []);
  for (let i = 0; i < 6; i++) await rig.pass(250);
  assert.deepEqual(await ask(client, "three"), ["b:one", "b:two", "b:three"]);
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: 2 }), "x"), ["b:x"]);
  await rig.close();
});

Deno.test("replicas agree on the backend that comes after one that fails, too", async () => {
  const { datagrams: [initial] } = datagramSamples().find(({ name }) => name.includes("rfc9001"))!;
  const ports = [1, 2, 3, 4, 5];
  /** Which backend gets the datagram of a client at `address`, where that at port `down` is gone. */
  const choice = async (address: string, down?: number) => {
    const pool = { ...pools(...ports), algorithm: "quic_cid" as const };
    const rig = await rigWith({ routes: [udpRouteTo("quic", { protocol: "quic" }, pool)] });
    const backends = ports.map((port) => rig.responder(port));
    backends.find(({ address: { port } }) => port === down)?.close();
    rig.net.peer({ address, port: 1 }).send(initial!, SLUICE);
    await settled();
    await rig.close();
    return backends.find(({ received }) => received.length > 0)!.address.port;
  };
  const addresses = ports.map((i) => `192.0.2.${i}`);
  const first = new Set(await Promise.all(addresses.map((address) => choice(address))));
  assert.equal(first.size, 1);
  const next = await Promise.all(addresses.map((address) => choice(address, [...first][0])));
  assert.equal(new Set(next).size, 1);
});

Deno.test("of what is sent to a backend that never replies no more is copied than the next one would be sent", async () => {
  let copies = 0;
  class CountingNet extends MemoryNet {
    override bind(at: SocketAddress, receiver: DatagramReceiver) {
      return super.bind(at, {
        received(datagram, from, to) {
          datagram.slice = (start, end) => {
            copies++;
            return new Uint8Array(datagram.subarray(start, end));
          };
          const sending = receiver.received(datagram, from, to);
          Reflect.deleteProperty(datagram, "slice");
          return sending;
        },
      });
    }
  }
  const rig = new Rig((clock) => new CountingNet(clock));
  await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute: udpDefaultTo(pools(1)) })]);
  const backend = rig.responder(1);
  const client = rig.net.peer(CLIENT);
  for (let i = 0; i < 20; i++) await ask(client, `${i}`);
  assert.equal(backend.received.length, 20);
  assert.equal(copies, 4);
  await rig.close();
});

Deno.test("a backend that answers others is not silent", async () => {
  const route = udpRouteTo("dns", { protocol: "any" }, pools(1, 2));
  const rig = await rigWith({ routes: [route] });
  const backend = rig.net.peer({ address: "127.0.0.1", port: 1 });
  backend.onDatagram = (datagram, from) => {
    if (text(datagram) !== "hard") backend.send(datagram, from);
  };
  rig.responder(2, "b");
  const client = rig.net.peer(CLIENT);
  const other = rig.net.peer({ ...CLIENT, port: 2 });
  for (let i = 0; i < 40; i++) {
    assert.deepEqual(await ask(client, "hard"), []);
    assert.deepEqual(await ask(other, "easy"), ["easy"]);
    await rig.pass(250);
  }
  await rig.close();
});

Deno.test("a slow backend delays nobody else", async () => {
  const routes = [udpRouteTo("dns", { protocol: "dns" }, poolOf("127.0.0.1", 2))];
  const rig = await rigWith({ routes, defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)) });
  rig.responder(1, "a");
  rig.responder(2, "b");
  const slow = rig.net.peer(CLIENT);
  const query = datagramSamples().find(({ protocol }) => protocol === "dns")!.datagrams[0]!;
  slow.send(query, SLUICE);
  await settled();
  rig.net.datagrams.full.add("127.0.0.1:2");
  for (let i = 0; i < 10; i++) slow.send(query, SLUICE);
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: 2 }), "x"), ["a:x"]);
  assert.equal(slow.received.length, 1);
  await rig.close();
});

Deno.test("replies that the port has no room for are dropped and counted", async () => {
  const rig = await rigWith();
  const backend = rig.responder(1, "a");
  const client = rig.net.peer(CLIENT);
  rig.net.datagrams.full.add("127.0.0.1:8443");
  assert.deepEqual(await ask(client, "one", "two"), []);
  assert.equal(backend.received.length, 2);
  assert.equal(rig.server.drops.get("queue_full"), 2);
  rig.net.datagrams.full.clear();
  assert.deepEqual(await ask(client, "three"), ["a:three"]);
  await rig.close();
});

Deno.test("who is not allowed gets no flow", async () => {
  const cidr = parseCidr("198.51.100.0/24");
  const acl = { allow: new AddressSet([cidr!]) };
  const rig = await rigWith({ acl, defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)) });
  rig.responder(1, "a");
  assert.deepEqual(await ask(rig.net.peer(CLIENT), "x"), []);
  const friend = rig.net.peer({ address: "198.51.100.9", port: 1 });
  assert.deepEqual(await ask(friend, "x"), ["a:x"]);
  assert.equal(rig.server.activeFlows, 1);
  await rig.close();
});

Deno.test("a client has so many flows and no more, and an IPv6 /64 is one client", async () => {
  const rig = await rigWith({
    maxFlowsPerIp: 2,
    defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)),
  });
  rig.responder(1, "a");
  const replies = async (address: string, port: number) =>
    (await ask(rig.net.peer({ address, port }), "x")).length;
  assert.deepEqual(
    [await replies("192.0.2.1", 1), await replies("192.0.2.1", 2), await replies("192.0.2.1", 3)],
    [1, 1, 0],
  );
  assert.equal(await replies("192.0.2.2", 1), 1);
  assert.equal(await replies("2001:db8::1", 1), 1);
  assert.equal(await replies("2001:db8::ffff:2", 1), 1);
  assert.equal(await replies("2001:db8:0:0:1::", 1), 0);
  assert.equal(await replies("2001:db8:0:1::1", 1), 1);
  await rig.close();
});

Deno.test("where all places are taken, clients that are there keep theirs and made-up ones give way", async () => {
  const rig = await rigWith(undefined, { maxFlows: 3 });
  rig.responder(1, "a");
  const real = rig.net.peer(CLIENT);
  await ask(real, "x");
  await ask(real, "y");
  for (let port = 1; port <= 20; port++) {
    assert.equal((await ask(rig.net.peer({ address: "203.0.113.1", port }), "x")).length, 1);
    assert.ok(rig.server.activeFlows <= 3);
  }
  assert.deepEqual(await ask(real, "z"), ["a:z"]);
  assert.equal((await rig.record()).reason, "evicted");
  await rig.close();
});

Deno.test("where all places are taken by clients that are there, a new one gets none", async () => {
  const rig = await rigWith(undefined, { maxFlows: 2 });
  rig.responder(1, "a");
  for (const port of [1, 2]) {
    const client = rig.net.peer({ ...CLIENT, port });
    await ask(client, "x");
    await ask(client, "y");
  }
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: 3 }), "x"), []);
  await rig.close();
});

Deno.test("a reload keeps flows, and gives new ones what it says", async () => {
  const rig = await rigWith();
  rig.responder(1, "a");
  rig.responder(2, "b");
  const client = rig.net.peer(CLIENT);
  assert.deepEqual(await ask(client, "x"), ["a:x"]);
  const defaultRoute = udpDefaultTo(poolOf("127.0.0.1", 2));
  await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute })]);
  assert.deepEqual(await ask(client, "y"), ["a:y"]);
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: 2 }), "z"), ["b:z"]);
  await rig.close();
});

Deno.test("a reload that cannot bind an address of UDP leaves TCP as it was, too", async () => {
  const rig = await rigWith();
  rig.responder(1, "a");
  rig.net.peer({ address: "127.0.0.1", port: 9 });
  const taken = udpListenerWith({ name: "taken", port: 9 });
  await assert.rejects(rig.applyUdp([taken]), (error: NetError) => error.code === "in_use");
  assert.deepEqual(await ask(rig.net.peer(CLIENT), "x"), ["a:x"]);
  await rig.close();
});

Deno.test("flows of a port that a reload closes end", async () => {
  const rig = await rigWith();
  rig.responder(1, "a");
  await ask(rig.net.peer(CLIENT), "x");
  const defaultRoute = udpDefaultTo(poolOf("127.0.0.1", 1));
  await rig.applyUdp([udpListenerWith({ port: 9000, defaultRoute })]);
  assert.equal((await rig.record()).reason, "drained");
  assert.equal(rig.server.activeFlows, 0);
  await rig.close();
});

Deno.test("who waits at a port that a reload closes gets no flow there", async () => {
  const routes = [udpRouteTo("quic", { protocol: "quic" }, pools(1))];
  const listener = { routes, defaultRoute: udpDefaultTo(pools(1)) };
  const rig = await rigWith(listener);
  const backend = rig.responder(1, "a");
  rig.net.peer(CLIENT).send(firstOfTwo().datagrams[0]!, SLUICE);
  await settled();
  await rig.applyUdp([udpListenerWith({ port: 9000, ...listener })]);
  await rig.pass(1000);
  assert.equal(rig.server.activeFlows, 0);
  assert.equal(backend.received.length, 0);
  await rig.pass(10_000);
  assert.match(rig.lines.join("\n"), /datagrams dropped in 10 s: 1 draining/);
  await rig.close();
});

Deno.test("a backend whose name is found when the port is closed already gets nothing", async () => {
  const found = Promise.withResolvers<Answer>();
  const rig = new Rig(undefined, () => found.promise);
  const defaultRoute = udpDefaultTo(poolOf("backend.test", 1));
  await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute })]);
  const backend = rig.responder(1, "a");
  await ask(rig.net.peer(CLIENT), "one", "two");
  await rig.applyUdp([udpListenerWith({ port: 9000, defaultRoute })]);
  found.resolve({ addresses: ["127.0.0.1"], ttl: Promise.resolve(60_000) });
  await settled();
  assert.equal(rig.server.activeFlows, 0);
  assert.equal(backend.received.length, 0);
  await rig.close();
});

Deno.test("a fault that comes when the backend's name is found costs one client, and nobody else", async () => {
  const found = Promise.withResolvers<Answer>();
  class FaultyNet extends MemoryNet {
    override associate(): never {
      throw new TypeError("not meant to happen");
    }
  }
  const rig = new Rig((clock) => new FaultyNet(clock), () => found.promise);
  const defaultRoute = udpDefaultTo(poolOf("backend.test", 1));
  await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute })]);
  await ask(rig.net.peer(CLIENT), "one");
  found.resolve({ addresses: ["127.0.0.1"], ttl: Promise.resolve(60_000) });
  await settled();
  await rig.pass(10_000);
  assert.match(rig.lines.join("\n"), /could not be taken.*not meant to happen/);
  assert.match(rig.lines.join("\n"), /datagrams dropped in 10 s: 1 internal_error/);
  await rig.close();
});

Deno.test("draining takes nobody new and lets flows go on until they are silent", async () => {
  const rig = await rigWith();
  rig.responder(1, "a");
  const client = rig.net.peer(CLIENT);
  await ask(client, "x");
  const drained = rig.server.drain();
  assert.deepEqual(await ask(client, "y"), ["a:y"]);
  assert.deepEqual(await ask(rig.net.peer({ ...CLIENT, port: 2 }), "z"), []);
  for (let i = 0; i < 24; i++) await rig.pass(250);
  await drained;
  assert.equal((await rig.record()).reason, "idle_timeout");
  await rig.close();
});

Deno.test("two clients that ask for two servers by QUIC get them on one port, whatever the post-quantum hello takes", async () => {
  const quic = datagramSamples().filter(({ protocol, datagrams, facts }) =>
    protocol === "quic" && facts?.serverName !== undefined && datagrams.length > 1
  );
  assert.ok(quic.length > 0, "no sample has a hello in two datagrams");
  for (const { datagrams, facts } of quic) {
    const routes = [
      udpRouteTo("named", { protocol: "quic", serverNames: [facts!.serverName!] }, pools(1)),
      udpRouteTo("rest", { protocol: "quic" }, pools(2)),
    ];
    const rig = await rigWith({ routes });
    const named = rig.responder(1);
    const client = rig.net.peer(CLIENT);
    for (const datagram of datagrams) client.send(datagram, SLUICE);
    await settled();
    assert.deepEqual(named.received.map(text), datagrams.map(text));
    await rig.close();
  }
});

Deno.test("a client that is not decided on in time goes to the default target, in order, or nowhere", async () => {
  const first = firstOfTwo().datagrams[0]!;
  const routes = [udpRouteTo("quic", { protocol: "quic" }, pools(2))];
  const rig = await rigWith({ routes, defaultRoute: udpDefaultTo(pools(1)) });
  const fallback = rig.responder(1);
  const client = rig.net.peer(CLIENT);
  client.send(first, SLUICE);
  await settled();
  assert.equal(fallback.received.length, 0);
  await rig.pass(1000);
  assert.deepEqual(fallback.received.map(text), [text(first)]);
  await rig.close();

  const strict = await rigWith({ routes });
  const lost = strict.net.peer(CLIENT);
  lost.send(first, SLUICE);
  await strict.pass(1000);
  assert.equal(strict.server.activeFlows, 0);
  await strict.pass(10_000);
  assert.match(
    strict.lines.join("\n"),
    /datagrams dropped in 10 s: 1 no_route \(192\.0\.2\.1:50000 first\)/,
  );
  await strict.close();
});

Deno.test("what waits is bounded, and what waited longest goes on first", async () => {
  const first = firstOfTwo().datagrams[0]!;
  const routes = [udpRouteTo("quic", { protocol: "quic" }, pools(2))];
  const rig = await rigWith(
    { routes, defaultRoute: udpDefaultTo(pools(1)) },
    { maxFlows: 100_000 },
  );
  const fallback = rig.responder(1);
  const clients = 5000;
  for (let i = 0; i < clients; i++) {
    const client = rig.net.peer({ address: `10.0.${i >> 8}.${i & 255}`, port: 1 });
    client.send(first, SLUICE);
  }
  await settled();
  const { length } = fallback.received;
  assert.ok(length > 0 && length < clients, `${length}`);
  await rig.pass(1000);
  assert.equal(fallback.received.length, clients);
  await rig.close();
});

Deno.test("where the backend's name has no address, all that waited for it is dropped and counted", async () => {
  const found = Promise.withResolvers<Answer>();
  const rig = new Rig(undefined, () => found.promise);
  const defaultRoute = udpDefaultTo(poolOf("backend.test", 1));
  await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute })]);
  await ask(rig.net.peer(CLIENT), "one", "two", "three");
  found.reject(new Error("no such name"));
  await settled();
  assert.equal(rig.server.activeFlows, 0);
  assert.equal(rig.server.drops.get("no_backend"), 3);
  await rig.close();
});

Deno.test("what waits of one port and of one client is bounded, in datagrams and in bytes, and others have theirs", async () => {
  for (
    const { length, ofPort, ofClient } of [
      { length: 1, ofPort: 8, ofClient: 64 },
      { length: 6000, ofPort: 2, ofClient: 21 },
    ]
  ) {
    const found = Promise.withResolvers<Answer>();
    const rig = new Rig(undefined, () => found.promise);
    const defaultRoute = udpDefaultTo(poolOf("backend.test", 1));
    await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute })]);
    const backend = rig.responder(1);
    const send = async (address: string, port: number, count: number) => {
      const client = rig.net.peer({ address, port });
      for (let i = 0; i < count; i++) client.send(new Uint8Array(length), SLUICE);
      await settled();
    };
    const dropped = () => rig.server.drops.get("waiting_full") ?? 0;
    await send("192.0.2.1", 1, 10);
    assert.equal(dropped(), 10 - ofPort);
    for (let port = 2; port <= 20; port++) await send("192.0.2.1", port, ofPort);
    assert.equal(dropped(), 10 - ofPort + 19 * ofPort - (ofClient - ofPort));
    await send("192.0.2.2", 1, ofPort);
    found.resolve({ addresses: ["127.0.0.1"], ttl: Promise.resolve(60_000) });
    await settled();
    assert.equal(backend.received.length, ofClient + ofPort);
    await rig.close();
  }
});

Deno.test("what comes while the backend's name is looked up waits for the flow, in order, and does not replace it", async () => {
  const found = Promise.withResolvers<Answer>();
  const rig = new Rig(undefined, () => found.promise);
  const defaultRoute = udpDefaultTo(poolOf("backend.test", 1));
  await rig.applyUdp([udpListenerWith({ port: PORT, defaultRoute })]);
  const backend = rig.responder(1, "a");
  const client = rig.net.peer(CLIENT);
  assert.deepEqual(await ask(client, "one", "two", "three"), []);
  found.resolve({ addresses: ["127.0.0.1"], ttl: Promise.resolve(60_000) });
  await settled();
  assert.deepEqual(await ask(client, "four"), ["a:one", "a:two", "a:three", "a:four"]);
  assert.equal(new Set(backend.sources.map(({ port }) => port)).size, 1);
  assert.equal(rig.server.activeFlows, 1);
  await rig.close();
});

Deno.test("nine bytes that look like QUIC, and any others, end nothing", async () => {
  const routes = [
    ...["quic", "dtls", "wireguard", "stun", "openvpn", "dns", "sip", "ntp", "tftp", "rtp"],
    ...["teamspeak", "syslog"],
  ].map((protocol) => udpRouteTo(protocol, { protocol }, poolOf("127.0.0.1", 2)));
  const rig = await rigWith({ routes, defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)) });
  rig.responder(1, "a");
  rig.responder(2);
  const nine = Uint8Array.fromHex("c00000000100000000");
  let port = 1;
  const send = (datagram: Uint8Array) =>
    rig.net.peer({ address: "203.0.113.1", port: port++ }).send(datagram, SLUICE);
  send(nine);
  for (const { datagrams: [datagram = nine] } of datagramSamples()) {
    for (let length = 0; length < Math.min(datagram.length, 64); length++) {
      send(datagram.subarray(0, length));
    }
    send(datagram.with(0, datagram[0]! ^ 0x40));
  }
  await settled();
  assert.deepEqual(await ask(rig.net.peer(CLIENT), "still here?"), ["a:still here?"]);
  await rig.close();
});

Deno.test("clients that wait together do not get more flows together than they may have", async () => {
  const sample = datagramSamples().find(({ protocol, datagrams, facts }) =>
    protocol === "quic" && facts?.serverName !== undefined && datagrams.length > 1
  )!;
  const routes = [udpRouteTo("quic", { protocol: "quic" }, pools(2))];
  const defaultRoute = udpDefaultTo(pools(1));
  const rig = await rigWith({ routes, defaultRoute, maxFlowsPerIp: 1 });
  rig.responder(1);
  for (const port of [1, 2, 3]) {
    rig.net.peer({ ...CLIENT, port }).send(sample.datagrams[0]!, SLUICE);
  }
  await rig.pass(1000);
  assert.equal(rig.server.activeFlows, 1);
  await rig.close();
});
