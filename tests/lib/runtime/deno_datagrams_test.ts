import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { DenoNet } from "../../../lib/runtime/deno.ts";
import type { Sending } from "../../../lib/runtime/runtime.ts";
import { ManualClock } from "../../support/clock.ts";
import { bytesOf, code, Wire } from "../../support/datagram_wire.ts";

const LOCALHOST = "127.0.0.1";

function test(sentence: string, body: (wire: Wire) => Promise<void>): void {
  Deno.test(`Deno: ${sentence}`, async () => {
    const net = new DenoNet(new ManualClock());
    const wire = new Wire(net);
    try {
      await body(wire);
    } finally {
      await wire.close();
      net.close();
    }
  });
}

/** This machine's addresses that can do without a zone. */
const addresses = Deno.networkInterfaces()
  .map(({ address }) => address)
  .filter((address) => !address.startsWith("fe80:"));

for (const wildcard of ["0.0.0.0", "::"]) {
  test(`${wildcard} answers from each address of the machine`, async (wire) => {
    const port = wire.bind(wildcard, ({ at, from, bytes }) => at.send(bytes, from));
    for (const address of addresses) {
      if (wildcard === "0.0.0.0" && address.includes(":")) continue;
      const to = { address, port: port.address.port };
      const client = wire.associate(to);
      client.send(address);
      assert.equal(await client.nextText(), address);
      assert.deepEqual(port.arrivals.at(-1)?.at.local, to);
    }
  });
}

test("an address that no interface has is answered from where the system likes", async (wire) => {
  const port = wire.bind("0.0.0.0", ({ at, from, bytes }) => at.send(bytes, from));
  const client = Deno.listenDatagram({ transport: "udp", hostname: LOCALHOST, port: 0 });
  // All of 127.0.0.0/8 is this machine, though its interface has one address of it: as an address that comes later.
  const to = { transport: "udp", hostname: "127.0.0.2", port: port.address.port } as const;
  await client.send(bytesOf("hello"), to);
  const [reply, from] = await client.receive();
  client.close();
  assert.deepEqual(reply, bytesOf("hello"));
  assert.deepEqual({ ...from }, { ...to, hostname: LOCALHOST });
  assert.deepEqual(port.arrivals[0]?.at.local, port.address);
});

test("all addresses cannot be bound when somebody has one of them, nor one when somebody has all", async (wire) => {
  for (
    const [taken, wanted] of [[LOCALHOST, "0.0.0.0"], [LOCALHOST, "::"], ["::1", "::"]] as const
  ) {
    for (const [first, second] of [[taken, wanted], [wanted, taken]] as const) {
      const { address: { port } } = wire.bind(first);
      assert.throws(() => wire.bind(second, undefined, port), code("in_use"));
      // Beside that one the others of the port are as free as they were.
      await wire.close();
      await wire.bind(second, undefined, port).close();
    }
  }
});

test("an address that the machine does not have cannot be bound", async (wire) => {
  await Promise.resolve();
  assert.throws(() => wire.bind("192.0.2.77"), code("unavailable"));
});

test("a datagram that is too long for the way fails, and only that one", async (wire) => {
  const port = wire.bind();
  const client = wire.associate(port.address);
  await client.socket.send(new Uint8Array(65_508));
  assert.deepEqual(client.failures.map(({ code }) => code), ["other"]);
  client.send("shorter");
  const { at, from } = await port.next();
  await at.send(new Uint8Array(65_508), from);
  await at.send(bytesOf("reply"), from);
  assert.equal(await client.nextText(), "reply");
  assert.equal(client.failures.length, 1);
});

test("what was sent to nobody is no error of the next", async (wire) => {
  const gone = wire.bind();
  const client = wire.associate(gone.address);
  await gone.close();
  for (let i = 0; i < 3; i++) await client.socket.send(bytesOf("is there anybody"));
  const back = wire.bind(LOCALHOST, undefined, gone.address.port);
  client.send("there you are");
  assert.deepEqual((await back.next()).bytes, bytesOf("there you are"));
  assert.deepEqual(client.failures, []);
});

test("a port that is flooded leaves turns to everybody else", async (wire) => {
  // By itself Deno would look at the other sockets after 2,500 of them.
  const arrivals = await arrivalsBetween(wire, (sending) => sending);
  assert.ok(arrivals < 1500, `${arrivals} datagrams went before one of somebody else`);
});

test("a port that is flooded with what is not sent on leaves turns sooner", async (wire) => {
  const arrivals = await arrivalsBetween(wire, () => undefined);
  assert.ok(arrivals < 250, `${arrivals} datagrams went before one of somebody else`);
});

/**
 * Floods a port while somebody else uses another one.
 * @param answer What the receiver of the flood returns, of what it has sent.
 * @returns The most datagrams of the flood that came between two of the other port.
 */
async function arrivalsBetween(
  wire: Wire,
  answer: (sending: Sending) => Sending,
): Promise<number> {
  let arrivals = 0;
  let isOver = false;
  // For each datagram it sends itself two more, so that there is always one at hand.
  const flooded = wire.own(wire.net.bind({ address: LOCALHOST, port: 0 }, {
    received(datagram, _, at) {
      arrivals++;
      if (isOver) return undefined;
      const itself = { hostname: LOCALHOST, port: at.local.port };
      void at.send(datagram, itself);
      return answer(at.send(datagram, itself));
    },
  }));
  wire.associate(flooded.address).send("flood");
  const quiet = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
  const client = wire.associate(quiet.address);
  let most = 0;
  for (let turn = 0; turn < 10; turn++) {
    const before = arrivals;
    client.send("is it my turn");
    await client.next();
    most = Math.max(most, arrivals - before);
  }
  assert.ok(arrivals > 10, `a flood of ${arrivals}`);
  isOver = true;
  return most;
}

test("a receiver that throws costs its datagram and nothing else", async (wire) => {
  const written: unknown[][] = [];
  const { error } = console;
  console.error = (...args) => written.push(args);
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
    for (const length of [0, 1, 65_508, 0, 2]) await client.send(new Uint8Array(length));
    while (replies.length < 2) await setImmediate();
    assert.deepEqual(replies, [1, 2]);
  } finally {
    console.error = error;
  }
  // One is enough to know of: a flood would fill the disk.
  assert.equal(written.length, 1);
});
