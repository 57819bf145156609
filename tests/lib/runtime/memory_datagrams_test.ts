/** What the Net in memory does with datagrams beyond the contract, because tests of others build on it. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { NetError } from "../../../lib/runtime/runtime.ts";
import { ManualClock } from "../../support/clock.ts";
import { MemoryNet } from "../../support/memory_net.ts";
import { bytesOf, code, Wire } from "../../support/datagram_wire.ts";

const NOBODY = { address: "192.0.2.1", port: 53 };

function make() {
  const net = new MemoryNet(new ManualClock());
  return { net, wire: new Wire(net) };
}

Deno.test("what is sent to nobody is refused, each datagram once", async () => {
  const { net, wire } = make();
  const client = wire.associate(NOBODY);
  client.send("one");
  assert.deepEqual(client.failures, []);
  await setImmediate();
  client.send("two");
  await setImmediate();
  assert.deepEqual(client.failures.map(({ code }) => code), ["refused", "refused"]);
  client.send("three");
  client.close();
  await setImmediate();
  assert.equal(client.failures.length, 2);
  assert.equal(net.open, 0);
});

Deno.test("silent addresses swallow, and broken ones cannot be associated with", async () => {
  const { net, wire } = make();
  net.silent.add("192.0.2.1:53");
  const client = wire.associate(NOBODY);
  client.send("is there anybody");
  await setImmediate();
  assert.deepEqual(client.failures, []);
  net.broken.set("192.0.2.1:53", new NetError("exhausted", "no port is free"));
  assert.throws(() => wire.associate(NOBODY), code("exhausted"));
  assert.equal(net.open, 1);
});

Deno.test("a peer is a client or a backend: it knows whom it heard and answers", async () => {
  const { net, wire } = make();
  const backend = net.peer(NOBODY);
  backend.onDatagram = (datagram) => backend.reply(datagram);
  const client = wire.associate(NOBODY);
  client.send("echo");
  assert.equal(await client.nextText(), "echo");
  assert.deepEqual(await backend.next(), bytesOf("echo"));
  const peer = net.peer({ address: "2001:db8::7", port: 7 });
  peer.send(bytesOf("hello"), NOBODY);
  assert.deepEqual(await peer.next(), bytesOf("hello"));
  assert.deepEqual(backend.sources.at(-1), peer.address);
  backend.close();
  peer.send(bytesOf("hello"), NOBODY);
  await setImmediate();
  assert.equal(peer.refused, 1);
});

Deno.test("sends that are held fill their socket, and leave in their order", async () => {
  const { net, wire } = make();
  const backend = net.peer(NOBODY);
  const client = wire.associate(NOBODY);
  net.datagrams.hold();
  let sent = 0;
  for (; !client.socket.isFull; sent++) client.send(`${sent}`);
  await setImmediate();
  assert.ok(sent > 1);
  assert.equal(backend.received.length, 0);
  net.datagrams.release();
  for (let i = 0; i < sent; i++) assert.deepEqual(await backend.next(), bytesOf(`${i}`));
  await setImmediate();
  assert.equal(client.socket.isFull, false);
  net.datagrams.full.add("192.0.2.1:53");
  assert.equal(client.socket.isFull, true);
});

Deno.test("bytes that are used too long or altered too early are seen to be", async () => {
  const { net, wire } = make();
  const backend = net.peer(NOBODY);
  const client = wire.associate(NOBODY);
  const bytes = bytesOf("early");
  client.socket.send(bytes);
  bytes.fill(0);
  assert.deepEqual(await backend.next(), new Uint8Array(5));
  const kept: Uint8Array[] = [];
  const port = net.bind({ address: "127.0.0.1", port: 0 }, {
    received: (datagram) => void kept.push(datagram),
  });
  backend.send(bytesOf("late"), port.address);
  await setImmediate();
  assert.notDeepEqual(kept, [bytesOf("late")]);
});

Deno.test("50,000 flows are no matter", async () => {
  const { net, wire } = make();
  const backend = net.peer(NOBODY);
  backend.onDatagram = (datagram) => backend.reply(datagram);
  const clients = Array.from({ length: 50_000 }, () => wire.associate(NOBODY));
  for (const client of clients) client.send("hello");
  await setImmediate();
  assert.ok(clients.every(({ replies }) => replies.length === 1));
  for (const client of clients) client.close();
  assert.equal(net.open, 0);
});
