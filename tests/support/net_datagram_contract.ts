import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { NetError, type UpstreamSocket } from "../../lib/runtime/runtime.ts";
import { ManualClock } from "./clock.ts";
import { bytesOf, code, textOf, Wire } from "./datagram_wire.ts";
import type { NetUnderTest } from "./net_contract.ts";

const LOCALHOST = "127.0.0.1";
/** The payload of the longest datagram of IPv4: 65,535 less the headers of IP and UDP. */
const LONGEST = 65_507;

/** Registers the tests that the datagrams of every Net pass. */
export function netDatagramContract(
  name: string,
  make: (clock: ManualClock) => NetUnderTest,
): void {
  const test = (sentence: string, body: (wire: Wire) => Promise<void>) =>
    Deno.test(`${name}: ${sentence}`, async () => {
      const { net, close } = make(new ManualClock());
      const wire = new Wire(net);
      try {
        await body(wire);
      } finally {
        await wire.close();
        close();
      }
    });

  test("a datagram arrives whole and with its sender, who can be answered", async (wire) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    client.send("hello");
    const { bytes, from, at } = await port.next();
    assert.equal(textOf(bytes), "hello");
    assert.deepEqual(at.local, port.address);
    assert.equal(from.hostname, LOCALHOST);
    await at.send(bytesOf("and to you"), from);
    assert.equal(await client.nextText(), "and to you");
  });

  test("senders are told apart", async (wire) => {
    const port = wire.bind();
    const [a, b] = [wire.associate(port.address), wire.associate(port.address)];
    for (const [client, text] of [[a, "a"], [b, "b"], [a, "a"]] as const) {
      client.send(text);
      const { at, from } = await port.next();
      at.send(bytesOf(text), from);
      assert.equal(await client.nextText(), text);
    }
    const ports = port.arrivals.map(({ from }) => from.port);
    assert.equal(ports[0], ports[2]);
    assert.notEqual(ports[0], ports[1]);
  });

  for (const length of [0, 1, 1500, LONGEST]) {
    test(`${length} bytes arrive whole in both directions`, async (wire) => {
      const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
      const client = wire.associate(port.address);
      const sent = Uint8Array.from({ length }, (_, i) => i * 31 ^ i >> 8);
      client.socket.send(sent);
      assert.deepEqual(await client.next(), sent);
      assert.deepEqual((await port.next()).bytes, sent);
    });
  }

  test("order is kept, of a new socket's first datagrams too", async (wire) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    const sent = Array.from({ length: 60 }, (_, i) => `${i}`);
    for (const text of sent) client.send(text);
    for (const text of sent) assert.equal(textOf((await port.next()).bytes), text);
  });

  test("order is kept both ways through somebody between", async (wire) => {
    const backend = wire.bind();
    let upstream: UpstreamSocket | undefined;
    const port = wire.bind(LOCALHOST, ({ bytes, from, at }) => {
      upstream ??= wire.own(wire.net.associate(backend.address, {
        received: (reply) => at.send(reply, from),
        failed: (error) => assert.fail(error),
      }));
      return upstream.send(bytes);
    });
    const client = wire.associate(port.address);
    const sent = Array.from({ length: 60 }, (_, i) => `${i}`);
    for (const text of sent) client.send(text);
    for (const text of sent) {
      const { bytes, from, at } = await backend.next();
      assert.equal(textOf(bytes), text);
      await at.send(bytes, from);
    }
    for (const text of sent) assert.equal(await client.nextText(), text);
  });

  for (
    const [wildcard, addresses] of [["0.0.0.0", [LOCALHOST]], ["::", [LOCALHOST, "::1"]]] as const
  ) {
    for (const address of addresses) {
      test(`who sends to ${address} is answered from there by ${wildcard}`, async (wire) => {
        const port = wire.bind(wildcard, ({ at, from, bytes }) => at.send(bytes, from));
        assert.equal(port.address.address, wildcard);
        const to = { address, port: port.address.port };
        // It hears nobody else, so what it hears came from the address that it sent to.
        const client = wire.associate(to);
        for (const text of ["one", "two"]) {
          client.send(text);
          assert.equal(await client.nextText(), text);
        }
        const [first, second] = port.arrivals;
        assert.deepEqual(first?.at.local, to);
        assert.equal(first?.at, second?.at);
      });
    }
  }

  test("an associated socket hears nobody but the other end", async (wire) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    client.send("hello");
    const { from, at } = await port.next();
    // A stranger whose bound port is driven by a datagram of its own to it.
    const stranger = wire.bind();
    wire.associate(stranger.address).send("go");
    await (await stranger.next()).at.send(bytesOf("from a stranger"), from);
    await at.send(bytesOf("from the other end"), from);
    assert.equal(await client.nextText(), "from the other end");
    assert.equal(client.replies.length, 1);
  });

  test("a datagram that is not done with stops no other, and its bytes stay what they are", async (wire) => {
    const held: Array<{ bytes: Uint8Array; release: () => void }> = [];
    const port = wire.net.bind({ address: LOCALHOST, port: 0 }, {
      received(bytes) {
        const { promise, resolve } = Promise.withResolvers<void>();
        held.push({ bytes, release: resolve });
        return promise;
      },
    });
    wire.own(port);
    const client = wire.associate(port.address);
    const sent = Array.from({ length: 40 }, (_, i) => `datagram ${i}`);
    for (const text of sent) client.send(text);
    while (held.length < sent.length) await setImmediate();
    assert.deepEqual(held.map(({ bytes }) => textOf(bytes)), sent);
    // In some other order than that in which they came.
    for (const { release } of held.toReversed()) release();
    client.send("again");
    while (held.length === sent.length) await setImmediate();
    assert.equal(textOf(held.at(-1)!.bytes), "again");
    held.at(-1)!.release();
  });

  test("replies wait for the one before, each at its own socket", async (wire) => {
    const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
    const heard: string[] = [];
    const first = Promise.withResolvers<void>();
    const slow = wire.net.associate(port.address, {
      received(bytes) {
        heard.push(textOf(bytes));
        return heard.length === 1 ? first.promise : undefined;
      },
      failed: () => {},
    });
    wire.own(slow);
    for (const text of ["one", "two"]) slow.send(bytesOf(text));
    const other = wire.associate(port.address);
    for (const text of ["a", "b", "c"]) {
      other.send(text);
      assert.equal(await other.nextText(), text);
    }
    assert.deepEqual(heard, ["one"]);
    first.resolve();
    while (heard.length === 1) await setImmediate();
    assert.deepEqual(heard, ["one", "two"]);
  });

  test("an address that is taken cannot be bound, and can as soon as it was closed", async (wire) => {
    for (const address of [LOCALHOST, "0.0.0.0", "::"]) {
      const port = wire.bind(address);
      assert.throws(() => wire.bind(address, undefined, port.address.port), code("in_use"));
      const client = wire.associate({ address: LOCALHOST, port: port.address.port });
      client.send("hello");
      await port.next();
      await port.close();
      const again = wire.bind(address, undefined, port.address.port);
      assert.deepEqual(again.address, port.address);
      client.send("hello again");
      assert.equal(textOf((await again.next()).bytes), "hello again");
    }
  });

  test("ports of datagrams are not those of connections", async (wire) => {
    // Some other program may have the port of datagrams.
    for (let attempts = 1;; attempts++) {
      const listener = wire.net.listen({ address: LOCALHOST, port: 0, backlog: 1 });
      try {
        const port = wire.bind(LOCALHOST, undefined, listener.address.port);
        assert.deepEqual(port.address, listener.address);
        return;
      } catch (error) {
        assert.ok(error instanceof NetError && error.code === "in_use" && attempts < 5, `${error}`);
      } finally {
        await listener.close();
      }
    }
  });

  test("what is closed neither sends nor receives, and may be closed twice", async (wire) => {
    const port = wire.bind();
    const [client, other] = [wire.associate(port.address), wire.associate(port.address)];
    client.send("hello");
    other.send("hello");
    const [{ at, from }] = [await port.next(), await port.next()];
    client.socket.close();
    client.socket.close();
    assert.equal(client.socket.send(bytesOf("from a closed socket")), undefined);
    await at.send(bytesOf("to a closed socket"), from);
    other.send("last");
    assert.equal(textOf((await port.next()).bytes), "last");
    await Promise.all([port.close(), port.close()]);
    assert.equal(at.send(bytesOf("from a closed port"), from), undefined);
    other.send("to a closed port");
    for (let i = 0; i < 50; i++) await setImmediate();
    assert.equal(port.arrivals.length, 3);
    assert.deepEqual([...client.replies, ...other.replies], []);
  });

  test("a socket may be closed by what it received", async (wire) => {
    const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = wire.net.associate(port.address, {
      received(bytes) {
        resolve(textOf(bytes));
        socket.close();
        return undefined;
      },
      failed: () => {},
    });
    socket.send(bytesOf("once"));
    assert.equal(await promise, "once");
    assert.equal(socket.send(bytesOf("twice")), undefined);
  });

  test("many sockets each hear their own", async (wire) => {
    const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
    const clients = Array.from({ length: 300 }, () => wire.associate(port.address));
    for (let round = 0; round < 3; round++) {
      for (const [i, client] of clients.entries()) {
        client.send(`${round}/${i}`);
        // No more at once than the kernel keeps for a port.
        if (i % 50 === 49) assert.equal(await client.nextText(), `${round}/${i}`);
      }
      for (const [i, client] of clients.entries()) {
        if (i % 50 !== 49) assert.equal(await client.nextText(), `${round}/${i}`);
      }
    }
    assert.equal(new Set(port.arrivals.map(({ from }) => from.port)).size, clients.length);
  });
}
