/** What the datagrams of the Linux plane do where the system does not do as it should: its calls are altered. */
import assert from "node:assert/strict";
import { clearImmediate, setImmediate as immediately } from "node:timers";
import { setImmediate } from "node:timers/promises";
import type { PollHandler } from "../../../../lib/runtime/linux/poller.ts";
import { EPOLLOUT, ERRNO } from "../../../../lib/runtime/linux/layout.ts";
import type { Net } from "../../../../lib/runtime/runtime.ts";
import { bytesOf, textOf, Wire } from "../../../support/datagram_wire.ts";
import { loadLinux } from "../../../support/linux_net.ts";

const LOCALHOST = "127.0.0.1";
const linux = await loadLinux();

interface Altered {
  /** What sends answer, one a call, before they do as they should: an error, or how many messages they take. */
  readonly sends: number[];
  /** Likewise receives, errors alone. */
  readonly receives: number[];
  /** How many datagrams were asked for by each receive. */
  readonly asked: number[];
  /** While this is so nothing can be sent. */
  isStuck: boolean;
}

function test(sentence: string, body: (wire: Wire, altered: Altered) => Promise<void>): void {
  const name = `Linux: ${sentence}`;
  if ("reason" in linux) return Deno.test.ignore(`${name}: ${linux.reason}`, () => {});
  Deno.test(name, async () => {
    const [libc, { Poller }, { Transit }, listeners, upstreams] = await Promise.all([
      import("../../../../lib/runtime/linux/libc.ts"),
      import("../../../../lib/runtime/linux/poller.ts"),
      import("../../../../lib/runtime/linux/transit.ts"),
      import("../../../../lib/runtime/linux/datagram_listener.ts"),
      import("../../../../lib/runtime/linux/datagram_upstream.ts"),
    ]);
    const altered: Altered = { sends: [], receives: [], asked: [], isStuck: false };
    const poller = new Poller();
    const transit = new Transit(poller, {
      recvMessages(fd, messages, count, flags) {
        altered.asked.push(count);
        return altered.receives.shift() ?? libc.recvMessages(fd, messages, count, flags);
      },
      sendMessages(fd, messages, count, flags) {
        const answer = altered.isStuck ? -ERRNO.EAGAIN : altered.sends.shift() ?? count;
        return answer < 0 ? answer : libc.sendMessages(fd, messages, answer, flags);
      },
    });
    const net: Pick<Net, "bind" | "associate"> = {
      bind: (at, receiver) => new listeners.LinuxDatagramListener(at, receiver, false, transit),
      associate: (to, receiver) => new upstreams.LinuxUpstreamSocket(to, receiver, transit),
    };
    const wire = new Wire(net as Net);
    let next = immediately(turn);
    function turn() {
      poller.turn(0);
      next = immediately(turn);
    }
    try {
      await body(wire, altered);
    } finally {
      await wire.close();
      clearImmediate(next);
      poller.end();
    }
  });
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

test(
  "what the system does not take leaves later, in its order, and is what it was",
  async (wire, altered) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    const buffer = new Uint8Array(2);
    altered.sends.push(-ERRNO.EAGAIN);
    altered.isStuck = true;
    for (let i = 0; i < 150; i++) {
      buffer.set([i, i]);
      client.socket.send(buffer.subarray(i % 2));
      buffer.fill(0xff);
      if (i % 40 === 0) await turns();
    }
    await turns();
    assert.equal(port.arrivals.length, 0);
    altered.isStuck = false;
    // In the middle of what waits it gets stuck once more.
    altered.sends.push(1, -ERRNO.EAGAIN);
    for (let i = 0; i < 150; i++) {
      const { bytes } = await port.next();
      assert.deepEqual(bytes, new Uint8Array(2 - i % 2).fill(i));
    }
    client.send("and this one at once");
    assert.equal(textOf((await port.next()).bytes), "and this one at once");
    assert.deepEqual(client.failures, []);
  },
);

test(
  "what is sent before a socket learns that it can send again goes behind what waits",
  async (wire, altered) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    altered.isStuck = true;
    client.send("first");
    await turns();
    altered.isStuck = false;
    client.send("second");
    (client.socket as unknown as PollHandler).onEvents(EPOLLOUT);
    const texts = [await port.next(), await port.next()].map(({ bytes }) => textOf(bytes));
    assert.deepEqual(texts, ["first", "second"]);
  },
);

test(
  "answers wait likewise, each for its own client, while the port hears everybody",
  async (wire, altered) => {
    const port = wire.bind("0.0.0.0", ({ at, from, bytes }) => at.send(bytes, from));
    const clients = ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map((address) =>
      wire.associate({ address, port: port.address.port })
    );
    for (const [i, client] of clients.entries()) client.send(`hello ${i}`);
    // They have been sent.
    await setImmediate();
    altered.isStuck = true;
    await turns();
    altered.isStuck = false;
    for (const [i, client] of clients.entries()) {
      assert.equal(
        await client.nextText(),
        `hello ${i}`,
      );
    }
    assert.equal(port.arrivals.length, 3);
  },
);

test("a socket is full at its bound, and room again when it could send", async (wire, altered) => {
  const port = wire.bind();
  const [many, large] = [wire.associate(port.address), wire.associate(port.address)];
  altered.isStuck = true;
  let count = 0;
  for (; !many.socket.isFull; count++) {
    many.socket.send(bytesOf("x"));
    if (count % 64 === 63) await turns();
  }
  assert.ok(count >= 1024 && count <= 1024 + 64, `full after ${count}`);
  const long = new Uint8Array(60_000);
  for (count = 0; !large.socket.isFull; count++) {
    large.socket.send(long);
    await turns();
  }
  assert.equal(count, 18);
  assert.equal(wire.associate(port.address).socket.isFull, false);
  altered.isStuck = false;
  await turns();
  assert.deepEqual([many.socket.isFull, large.socket.isFull], [false, false]);
});

test("who is closed while it waits sends nothing any more", async (wire, altered) => {
  const port = wire.bind();
  const [client, other] = [wire.associate(port.address), wire.associate(port.address)];
  altered.isStuck = true;
  client.send("one");
  other.send("two");
  await turns();
  client.close();
  altered.isStuck = false;
  assert.equal(textOf((await port.next()).bytes), "two");
  await turns();
  assert.equal(port.arrivals.length, 1);
});

test(
  "what cannot be sent upstream is told of once, and what comes next is sent",
  async (wire, altered) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    altered.sends.push(-ERRNO.ENOBUFS);
    client.send("lost");
    await turns();
    assert.deepEqual(client.failures.map(({ code }) => code), ["exhausted"]);
    client.send("sent");
    assert.equal(textOf((await port.next()).bytes), "sent");
    assert.equal(client.failures.length, 1);
  },
);

test("what cannot be sent to a client is nobody's business", async (wire, altered) => {
  const port = wire.bind();
  const client = wire.associate(port.address);
  client.send("hello");
  const { at, from } = await port.next();
  altered.sends.push(-ERRNO.EPERM);
  at.send(bytesOf("lost"), from);
  await turns();
  at.send(bytesOf("sent"), from);
  assert.equal(await client.nextText(), "sent");
});

test("a receive that fails is told upstream, and costs nothing", async (wire, altered) => {
  const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
  const client = wire.associate(port.address);
  client.send("one");
  // That of the port, which tells nobody, and then that of the client.
  altered.receives.push(-ERRNO.ENOBUFS);
  await port.next();
  altered.receives.push(-ERRNO.ENOBUFS);
  assert.equal(await client.nextText(), "one");
  assert.deepEqual(client.failures.map(({ code }) => code), ["exhausted"]);
});

test(
  "a socket receives a few datagrams at a time, more while there are more, and few again",
  async (wire, altered) => {
    const port = wire.bind();
    const client = wire.associate(port.address);
    for (let i = 0; i < 100; i++) client.send(`${i}`);
    for (let i = 0; i < 100; i++) assert.equal(textOf((await port.next()).bytes), `${i}`);
    assert.deepEqual(altered.asked.splice(0), [4, 8, 16, 32, 64]);
    for (let i = 0; i < 5; i++) {
      client.send("one more");
      await port.next();
    }
    assert.deepEqual(altered.asked, [32, 16, 8, 4, 4]);
  },
);
