import assert from "node:assert/strict";
import { type Listener, NetError } from "../../lib/runtime/runtime.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { ask, CLIENT, named, readAll, Rig, settled } from "../support/rig.ts";
import { defaultTo, listenerWith, poolOf, routeTo } from "../support/routes.ts";

const to = (port: number) => ({ defaultRoute: defaultTo(poolOf("127.0.0.1", port)) });

function rigOfTwo(): Rig {
  const rig = new Rig();
  rig.backend(1, named("one"));
  rig.backend(2, named("two"));
  return rig;
}

Deno.test("a reload moves new connections, and those under way stay where they are", async () => {
  const rig = rigOfTwo();
  await rig.apply([listenerWith(to(1))]);
  const before = await rig.client();
  await settled();
  await rig.apply([listenerWith(to(2))]);
  const after = await rig.client();
  assert.equal(await ask(after, "x"), "two:x");
  assert.equal(await ask(before, "x"), "one:x");
  await rig.close(before, after);
});

Deno.test("a reload leaves the sockets alone whose address is still wanted", async () => {
  const rig = rigOfTwo();
  let listens = 0;
  const listen = rig.net.listen.bind(rig.net);
  rig.net.listen = (options) => {
    listens++;
    return listen(options);
  };
  await rig.apply([listenerWith({ ...to(1), port: 1001 })]);
  const waiting = await rig.client();
  await rig.apply([
    listenerWith({ ...to(2), port: 1001 }),
    listenerWith({ name: "b", port: 1002, ...to(1) }),
  ]);
  assert.equal(listens, 2);
  assert.deepEqual(rig.server.addresses.map(({ listener, address }) => [listener, address.port]), [
    ["default", 1001],
    ["b", 1002],
  ]);
  await rig.apply([listenerWith({ name: "b", port: 1002, ...to(1) })]);
  assert.deepEqual(rig.server.addresses.map(({ listener }) => listener), ["b"]);
  await rig.close(waiting);
});

Deno.test("a configuration that cannot be listened on changes nothing, and says which address", async () => {
  const rig = rigOfTwo();
  await rig.apply([listenerWith({ ...to(1), port: 1001 })]);
  rig.net.listen({ address: "127.0.0.1", port: 1003, backlog: 1 });
  const wanted = [
    listenerWith({ name: "a", port: 1002, ...to(2) }),
    listenerWith({ name: "b", port: 1003, ...to(2) }),
  ];
  await assert.rejects(
    rig.apply(wanted),
    /^NetError: cannot listen on 127\.0\.0\.1:1003: another process listens there$/,
  );
  assert.deepEqual(rig.server.addresses.map(({ address }) => address.port), [1001]);
  const client = await rig.client();
  assert.equal(await ask(client, "x"), "one:x");
  // The one that could be bound was let go of.
  rig.net.listen({ address: "127.0.0.1", port: 1002, backlog: 1 }).close();
  await rig.close(client);
});

Deno.test("limits go on counting across a reload", async () => {
  const rig = rigOfTwo();
  const limited = listenerWith({ ...to(1), maxConnectionsPerIp: 1 });
  await rig.apply([limited]);
  const first = await rig.client();
  await settled();
  await rig.apply([{ ...limited, ...to(2) }]);
  const second = await rig.client();
  assert.equal((await rig.record()).reason, "limit_client");
  await rig.close(first, second);
});

Deno.test("a drain accepts nothing new and lets live connections end", async () => {
  const rig = rigOfTwo();
  await rig.apply([listenerWith({ ...to(1), port: 1001 })]);
  const client = await rig.client();
  await settled();
  let drained = false;
  const draining = rig.server.drain().then(() => drained = true);
  await assert.rejects(
    rig.net.connectFrom(CLIENT, { address: "127.0.0.1", port: 1001 }),
    (error) => error instanceof NetError && error.code === "refused",
  );
  await rig.pass(29_999);
  assert.equal(drained, false);
  assert.equal(await ask(client, "x"), "one:x");
  await draining;
  assert.equal((await rig.record()).reason, "ended");
  await rig.close(client);
});

Deno.test("what a drain has waited for long enough is closed, and the record says so", async () => {
  const rig = rigOfTwo();
  await rig.apply([listenerWith(to(1))]);
  const client = await rig.client();
  await settled();
  const draining = rig.server.drain();
  await rig.pass(30_000);
  await draining;
  assert.equal((await rig.record()).reason, "drained");
  assert.equal(await readAll(client), "");
  await rig.close(client);
});

Deno.test("a connection that no backend has answered yet when the drain is over leaves its record too", async () => {
  const rig = new Rig();
  rig.backend(1, async (conn) => {
    await readAll(conn);
    conn.close();
  });
  const answer = Promise.withResolvers<void>();
  const connect = rig.net.connect.bind(rig.net);
  rig.net.connect = async (...args) => {
    await answer.promise;
    return await connect(...args);
  };
  await rig.apply([listenerWith(to(1))]);
  const client = await rig.client();
  await settled();
  const draining = rig.server.drain();
  await rig.pass(30_000);
  await draining;
  assert.equal((await rig.record()).reason, "drained");
  assert.equal(await readAll(client), "");
  client.close();

  // An answer that comes later is hung up on.
  answer.resolve();
  await settled();
  assert.equal(rig.net.open, 0);
  await rig.close();
});

/** A Net whose listeners have no descriptors now and then. */
class ExhaustedNet extends MemoryNet {
  attempts = 0;
  fails: (attempt: number) => boolean = () => false;

  override listen(options: Parameters<MemoryNet["listen"]>[0]): Listener {
    const listener = super.listen(options);
    const isBackend = options.port === 1;
    if (isBackend) return listener;
    const accept = listener.accept.bind(listener);
    listener.accept = () => {
      this.attempts++;
      return this.fails(this.attempts)
        ? Promise.reject(new NetError("exhausted", "Too many open files"))
        : accept();
    };
    return listener;
  }
}

Deno.test("an accept that fails for want of descriptors is tried again, at growing intervals, and reported once", async () => {
  const rig = new Rig((clock) => new ExhaustedNet(clock));
  const net = rig.net as ExhaustedNet;
  rig.backend(1, named("one"));
  await settled();
  net.attempts = 0;
  net.fails = (attempt) => attempt <= 12;
  await rig.apply([listenerWith(to(1))]);
  await settled();
  assert.equal(net.attempts, 1, "no attempt without a pause");
  for (let i = 0; i < 5; i++) await rig.pass(1000);
  assert.ok(net.attempts > 4 && net.attempts < 13, `${net.attempts} attempts in 5 s`);
  for (let i = 0; i < 8; i++) await rig.pass(1000);
  const client = await rig.client();
  assert.equal(await ask(client, "x"), "one:x");
  assert.deepEqual(rig.lines.filter((line) => line.includes("cannot accept")), [
    "cannot accept connections on 127.0.0.1:8443: Too many open files; trying again",
  ]);
  await rig.close(client);
});

Deno.test("a connection that got the last descriptor does not end the shortage: it is the same one, and reported once", async () => {
  const rig = new Rig((clock) => new ExhaustedNet(clock));
  const net = rig.net as ExhaustedNet;
  const complaints = () => rig.lines.filter((line) => line.includes("cannot accept")).length;
  rig.backend(1, named("one"));
  await rig.apply([listenerWith(to(1))]);
  await settled();
  net.attempts = 0;
  net.fails = (attempt) => attempt % 2 === 1;
  for (let i = 0; i < 20; i++) await rig.client();
  for (let i = 0; i < 100; i++) await rig.pass(50);
  assert.ok(net.attempts < 30, `${net.attempts} attempts in 5 s`);
  assert.equal(complaints(), 1);

  net.fails = () => false;
  for (let i = 0; i < 10; i++) await rig.pass(1000);
  net.fails = (attempt) => attempt === net.attempts;
  await rig.client();
  await rig.pass(1000);
  assert.equal(complaints(), 2, "a later shortage is news");
  await rig.close();
});

Deno.test("`::` is bound once and takes IPv4 only where it is configured", async () => {
  const rig = rigOfTwo();
  await rig.apply([listenerWith({ ...to(1), addresses: ["0.0.0.0", "::"], port: 1001 })]);
  assert.deepEqual(rig.server.addresses.map(({ address }) => address.address), ["::"]);
  await rig.apply([listenerWith({ ...to(1), addresses: ["::"], port: 1001 })]);
  const client = await rig.client();
  assert.equal(await ask(client, "x"), "one:x");
  await rig.close(client);
});

Deno.test("a move between one address of a port and all of them needs no restart", async () => {
  const rig = rigOfTwo();
  const listen = rig.net.listen.bind(rig.net);
  const bound = new Set<number>();
  // As the system does it: all addresses of a port and one of them exclude each other.
  rig.net.listen = (options) => {
    if (bound.has(options.port)) throw new NetError("in_use", "Address already in use");
    bound.add(options.port);
    const listener = listen(options);
    const close = listener.close.bind(listener);
    listener.close = () => {
      bound.delete(options.port);
      return close();
    };
    return listener;
  };
  await rig.apply([listenerWith({ ...to(1), port: 1001 })]);
  await rig.apply([listenerWith({ ...to(2), port: 1001, addresses: ["0.0.0.0"] })]);
  const client = await rig.client();
  assert.equal(await ask(client, "x"), "two:x");
  await rig.close(client);
});

Deno.test("routes of different protocols may share a backend", async () => {
  const rig = rigOfTwo();
  const pool = poolOf("127.0.0.1", 1);
  await rig.apply([listenerWith({ routes: [routeTo("a", { protocol: "ssh" }, pool)], ...to(1) })]);
  const client = await rig.client();
  assert.equal(await ask(client, "x"), "one:x");
  await rig.close(client);
});
