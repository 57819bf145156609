/** What the datagrams of the Linux plane do beyond the contract. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../../support/clock.ts";
import { bytesOf, code, textOf, Wire } from "../../../support/datagram_wire.ts";
import { linuxNet, loadLinux } from "../../../support/linux_net.ts";
import { netDatagramContract } from "../../../support/net_datagram_contract.ts";

const LOCALHOST = "127.0.0.1";
const linux = await loadLinux();

if (!("reason" in linux)) netDatagramContract("Linux", (clock) => linuxNet(linux, clock));

function test(sentence: string, body: (wire: Wire) => Promise<void>): void {
  const name = `Linux: ${sentence}`;
  if ("reason" in linux) return Deno.test.ignore(`${name}: ${linux.reason}`, () => {});
  Deno.test(name, async () => {
    const { net, close } = linuxNet(linux, new ManualClock());
    const wire = new Wire(net);
    try {
      await body(wire);
    } finally {
      await wire.close();
      close();
    }
  });
}

/** Enough for what has been sent to arrive, and for what the system says of it. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

/** This machine's addresses that can do without a zone, and two that no interface has. */
const addresses = Deno.networkInterfaces()
  .map(({ address }) => address)
  .filter((address) => !address.startsWith("fe80:"))
  .concat("127.0.0.2", "127.255.255.254");

for (const wildcard of ["0.0.0.0", "::"]) {
  test(`${wildcard} answers from each address of the machine`, async (wire) => {
    const port = wire.bind(wildcard, ({ at, from, bytes }) => at.send(bytes, from));
    const sockets = new Set<unknown>();
    for (let round = 0; round < 2; round++) {
      for (const address of addresses) {
        if (wildcard === "0.0.0.0" && address.includes(":")) continue;
        const to = { address, port: port.address.port };
        // It hears nobody else, so what it hears came from the address that it sent to.
        const client = wire.associate(to);
        client.send(address);
        assert.equal(await client.nextText(), address);
        const { at, from } = port.arrivals.at(-1)!;
        assert.deepEqual(at.local, to);
        assert.equal(from.hostname.includes(":"), address.includes(":"));
        sockets.add(at);
      }
    }
    assert.equal(sockets.size * 2, port.arrivals.length);
  });
}

for (
  const [wildcard, address] of [
    ["0.0.0.0", "127.0.0.2"],
    ["::", "127.0.0.2"],
    ["::", "::1"],
  ] as const
) {
  test(`a burst to ${address} is answered from there by ${wildcard}, whole and in order`, async (wire) => {
    const port = wire.bind(wildcard, ({ at, from, bytes }) => at.send(bytes, from));
    const client = wire.associate({ address, port: port.address.port });
    const sent = Array.from({ length: 50 }, (_, i) => `datagram ${i}`.padEnd(100 + (i & 16)));
    for (const text of sent) client.send(text);
    for (const text of sent) assert.equal(await client.nextText(), text);
  });
}

test("of a whole network behind a wildcard all addresses answer, and no more than 1,024 are kept", async (wire) => {
  const port = wire.bind("0.0.0.0", ({ at, from, bytes }) => at.send(bytes, from));
  const client = Deno.listenDatagram({ transport: "udp", hostname: LOCALHOST, port: 0 });
  const sockets = new Set<unknown>();
  for (let i = 0; i < 1100; i++) {
    const hostname = `127.1.${i >> 8}.${i & 255}`;
    await client.send(bytesOf("x"), { transport: "udp", hostname, port: port.address.port });
    const [, from] = await client.receive();
    sockets.add((await port.next()).at);
    const source = (from as Deno.NetAddr).hostname;
    assert.equal(source, i < 1024 ? hostname : LOCALHOST);
  }
  client.close();
  assert.equal(sockets.size, 1025);
  assert.deepEqual(port.arrivals.at(-1)?.at.local, port.address);
});

test("what is sent to nobody is refused, and again when it is tried again", async (wire) => {
  const gone = wire.bind();
  const client = wire.associate(gone.address);
  await gone.close();
  for (let i = 1; i <= 3; i++) {
    client.send("is there anybody");
    while (client.failures.length < i) await setImmediate();
    await turns();
    assert.equal(client.failures.length, i);
    assert.equal(client.failures.at(-1)?.code, "refused");
  }
  const back = wire.bind(LOCALHOST, undefined, gone.address.port);
  client.send("there you are");
  assert.deepEqual((await back.next()).bytes, bytesOf("there you are"));
  await turns();
  assert.equal(client.failures.length, 3);
});

test("a burst to nobody is told of, but never more than once a datagram, and who was closed hears nothing", async (wire) => {
  const gone = wire.bind();
  const [client, closed] = [wire.associate(gone.address), wire.associate(gone.address)];
  await gone.close();
  for (let i = 0; i < 10; i++) {
    client.send(`${i}`.repeat(i + 1));
    closed.send("equal");
  }
  closed.close();
  await turns();
  assert.ok(client.failures.length >= 1 && client.failures.length <= 10);
  assert.deepEqual(closed.failures, []);
});

test("replies that came before the end of a backend are delivered before the failure", async (wire) => {
  const backend = wire.bind();
  const heard: string[] = [];
  const client = wire.own(wire.net.associate(backend.address, {
    received: (reply) => void heard.push(textOf(reply)),
    failed: ({ code }) => heard.push(code),
  }));
  client.send(bytesOf("one"));
  client.send(bytesOf("two"));
  const { at, from } = await backend.next();
  await backend.next();
  at.send(bytesOf("reply"), from);
  // It leaves before the socket is closed.
  await backend.close();
  client.send(bytesOf("three"));
  while (heard.length < 2) await setImmediate();
  assert.deepEqual(heard, ["reply", "refused"]);
});

test("a datagram that is too long for the way fails, and only that one", async (wire) => {
  const port = wire.bind();
  const client = wire.associate(port.address);
  for (const length of [65_508, 65_535, 65_536, 1 << 20]) {
    client.socket.send(new Uint8Array(length));
    // Whoever sends does not hear of it meanwhile.
    assert.equal(client.failures.length, 0);
    await turns();
    assert.deepEqual(client.failures.splice(0).map(({ code }) => code), ["other"]);
  }
  client.send("shorter");
  const { at, from } = await port.next();
  at.send(new Uint8Array(65_508), from);
  at.send(bytesOf("reply"), from);
  assert.equal(await client.nextText(), "reply");
  assert.deepEqual(client.failures, []);
});

test("what is not on this machine, or nowhere at all, is told when it is asked for", async (wire) => {
  await Promise.resolve();
  assert.throws(() => wire.bind("192.0.2.77"), code("unavailable"));
  // No datagram is sent to a broadcast address without asking for that.
  assert.throws(() => wire.associate({ address: "255.255.255.255", port: 1 }), code("denied"));
});

test("an answer to who cannot be one does nothing", async (wire) => {
  const port = wire.bind();
  const client = wire.associate(port.address);
  client.send("hello");
  const { at, from } = await port.next();
  at.send(bytesOf("no address"), { hostname: "localhost", port: 1 });
  at.send(bytesOf("of IPv6"), { hostname: "::1", port: 1 });
  at.send(bytesOf("no port"), { hostname: LOCALHOST, port: 0 });
  at.send(bytesOf("reply"), from);
  assert.equal(await client.nextText(), "reply");
});

test("bursts of equal and of different lengths arrive as they were sent", async (wire) => {
  const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
  const client = wire.associate(port.address);
  // Together they fit into the buffer of a system that gives no more than Linux does by itself.
  const lengths = [
    ...Array<number>(30).fill(1200),
    ...[1200, 7, 7, 7, 0, 0, 7, 9000, 9000, 9000, 3],
    ...Array<number>(70).fill(64),
    63,
    64,
  ];
  const sent = lengths.map((length, i) => Uint8Array.from({ length }, (_, at) => at * 7 + i));
  for (const datagram of sent) client.socket.send(datagram);
  for (const datagram of sent) assert.deepEqual((await port.next()).bytes, datagram);
  for (const datagram of sent) assert.deepEqual(await client.next(), datagram);
});

test("what is sent may be altered at once, and what is received is whole while more comes", async (wire) => {
  const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
  const clients = Array.from({ length: 8 }, () => wire.associate(port.address));
  const buffer = new Uint8Array(512);
  for (let round = 0; round < 200; round++) {
    for (const [i, { socket }] of clients.entries()) {
      buffer.fill(round * 8 + i);
      socket.send(buffer.subarray(0, 1 + round));
      buffer.fill(0);
    }
    for (const [i, client] of clients.entries()) {
      const expected = new Uint8Array(1 + round).fill(round * 8 + i);
      assert.deepEqual(await client.next(), expected);
    }
  }
});

test("a port that is flooded leaves turns to everybody else", async (wire) => {
  let arrivals = 0;
  let isOver = false;
  // For each datagram it sends itself two more, so that there is always one at hand.
  const flooded = wire.own(wire.net.bind({ address: LOCALHOST, port: 0 }, {
    received(datagram, _, at) {
      arrivals++;
      if (isOver) return undefined;
      const itself = { hostname: LOCALHOST, port: at.local.port };
      at.send(datagram, itself);
      return at.send(datagram, itself);
    },
  }));
  wire.associate(flooded.address).send("flood");
  const quiet = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
  const client = wire.associate(quiet.address);
  while (arrivals < 1000) await setImmediate();
  for (let turn = 0; turn < 10; turn++) {
    const before = arrivals;
    client.send("is it my turn");
    await client.next();
    assert.ok(arrivals - before <= 256, `${arrivals - before} datagrams went before this one`);
  }
  isOver = true;
});

test("a receiver that throws costs its datagram and nothing else", async (wire) => {
  const { error } = console;
  console.error = () => {};
  try {
    const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => {
      if (bytes.length === 0) throw new Error("a fault");
      return at.send(bytes, from);
    });
    const replies: number[] = [];
    const client = wire.own(wire.net.associate(port.address, {
      received(bytes): undefined {
        replies.push(bytes.length);
        throw new Error("another fault");
      },
      failed() {
        throw new Error("a third fault");
      },
    }));
    for (const length of [0, 1, 65_508, 0, 2]) client.send(new Uint8Array(length));
    while (replies.length < 2) await setImmediate();
    assert.deepEqual(replies, [1, 2]);
  } finally {
    console.error = error;
  }
});

test("a port may be closed by what it received, in the middle of a batch", async (wire) => {
  const heard: string[] = [];
  const port = wire.net.bind({ address: LOCALHOST, port: 0 }, {
    received(bytes, from, at) {
      heard.push(textOf(bytes));
      at.send(bytes, from);
      void port.close();
      return undefined;
    },
  });
  const client = wire.associate(port.address);
  for (const text of ["one", "two", "three"]) client.send(text);
  assert.equal(await client.nextText(), "one");
  await turns();
  assert.deepEqual(heard, ["one"]);
  assert.equal(client.replies.length, 1);
});

test("while too many datagrams of a port are held the kernel keeps the others", async (wire) => {
  const held: Array<() => void> = [];
  let arrivals = 0;
  const port = wire.own(wire.net.bind({ address: LOCALHOST, port: 0 }, {
    received() {
      arrivals++;
      return new Promise((resolve) => held.push(resolve));
    },
  }));
  const client = wire.associate(port.address);
  for (let i = 0; i < 200; i++) client.send(`${i}`);
  await turns();
  const before = arrivals;
  assert.ok(before >= 64 && before <= 128, `${before} are held`);
  while (arrivals < 200) {
    for (const release of held.splice(0)) release();
    await setImmediate();
  }
});

test("what was opened is closed: no descriptor is left", async (wire) => {
  const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const port = wire.bind("::");
  const before = descriptors();
  for (let i = 0; i < 300; i++) {
    const client = wire.associate({ address: LOCALHOST, port: port.address.port });
    client.send("x");
    await port.next();
    client.close();
    assert.throws(() => wire.bind("::", undefined, port.address.port), code("in_use"));
    assert.throws(() => wire.associate({ address: "255.255.255.255", port: 1 }));
  }
  assert.equal(descriptors(), before);
});

test("who runs sluice is told of a port whose buffer is small", async (wire) => {
  await Promise.resolve();
  wire.bind();
  const { notices } = wire.net as unknown as { notices: Iterable<string> };
  for (const notice of notices) assert.match(notice, /receive buffer of \d+ kB, not 4096 kB/);
  assert.ok([...notices].length <= 1);
});
