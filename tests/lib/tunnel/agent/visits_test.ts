import assert from "node:assert/strict";
import { NetError } from "../../../../lib/runtime/runtime.ts";
import type { Channel } from "../../../../lib/tunnel/channel.ts";
import { encodeFrame } from "../../../../lib/tunnel/frames.ts";
import { AgentRig, endpoint, TOKEN } from "../../../support/agent_rig.ts";
import { bytesOf, echo, readAll, settled } from "../../../support/rig.ts";
import { type Control, hear } from "../../../support/scripted_edge.ts";

/** An agent that serves one endpoint. */
async function serving(changes: Parameters<typeof endpoint>[0] = {}, addresses = {}) {
  const rig = new AgentRig({ endpoints: [endpoint(changes)] }, { addresses });
  const control = await rig.edge.welcome(TOKEN);
  await control.opens(changes.kind === "http" ? { name: "blog" } : { port: 20_001 });
  await settled();
  rig.journal.take();
  return { rig, control };
}

/** A data channel that has joined. */
async function joined(rig: AgentRig, control: Control): Promise<Channel> {
  return await rig.edge.joined(await control.ticket());
}

/** Sends a visitor to the endpoint 1. */
async function visit(channel: Channel, ...data: readonly string[]): Promise<void> {
  await channel.say({
    type: "visit",
    endpoint: 1,
    visitor: "192.0.2.7:1234",
    destination: "[2001:db8::1]:20001",
  });
  for (const text of data) await channel.write(encodeFrame("data", bytesOf(text)));
}

/** What comes up to `end`, one character a byte. */
async function answerOn(channel: Channel): Promise<string> {
  let text = "";
  for (;;) {
    const frame = await channel.receive();
    if (frame?.type !== "data") {
      assert.equal(frame?.type, "end");
      return text;
    }
    text += new TextDecoder("latin1").decode(frame.payload);
  }
}

Deno.test("a visitor reaches the service, with his first bytes and half-closed", async () => {
  const { rig, control } = await serving();
  rig.service(3000, async (conn) => {
    const asked = await readAll(conn);
    await conn.write(bytesOf(`you said ${asked}`));
    await conn.closeWrite();
  });
  const channel = await joined(rig, control);
  await visit(channel, "one ", "two");
  await channel.say({ type: "end" });
  await hear(channel, "accept");
  assert.equal(await answerOn(channel), "you said one two");
  await settled();
  assert.deepEqual(rig.journal.take(), ["visited shell tcp 192.0.2.7:1234 7/16 ended"]);
  assert.deepEqual(rig.agent.visits.bytes, { up: 7, down: 16 });
  await rig.close();
});

Deno.test("a channel that is free takes the next ticket, and no other is opened", async () => {
  const { rig, control } = await serving();
  rig.service(3000, echo);
  const channel = await joined(rig, control);
  for (let i = 0; i < 3; i++) {
    await visit(channel, "hello");
    await channel.say({ type: "end" });
    await hear(channel, "accept");
    assert.equal(await answerOn(channel), "hello");
    await settled();
    const ticket = await control.ticket();
    assert.deepEqual((await hear(channel, "join")).ticket, ticket);
  }
  await rig.close();
});

Deno.test("a channel that is free for too long is closed", async () => {
  const { rig, control } = await serving();
  rig.service(3000, echo);
  const channel = await joined(rig, control);
  await visit(channel);
  await channel.say({ type: "end" });
  await hear(channel, "accept");
  await answerOn(channel);
  await rig.pass(8_000);
  assert.equal(await channel.receive(), null);
  await rig.close();
});

Deno.test("a service that is down is told once, and each visitor why", async () => {
  const { rig, control } = await serving();
  const channel = await joined(rig, control);
  const why = "127.0.0.1:3000: Connection refused";
  for (let i = 0; i < 2; i++) {
    await visit(channel, "GET / HTTP/1.1\r\n\r\n");
    await channel.say({ type: "end" });
    assert.equal((await hear(channel, "unreachable")).message, why);
    await settled();
    const ticket = await control.ticket();
    assert.deepEqual((await hear(channel, "join")).ticket, ticket);
  }
  rig.service(3000, echo);
  await visit(channel);
  await channel.say({ type: "end" });
  await hear(channel, "accept");
  await answerOn(channel);
  await settled();
  assert.deepEqual(rig.journal.take(), [
    `failed shell: ${why}`,
    "visited shell tcp 192.0.2.7:1234 0/0 unreachable",
    "visited shell tcp 192.0.2.7:1234 0/0 unreachable",
    "answers shell",
    "visited shell tcp 192.0.2.7:1234 0/0 ended",
  ]);
  await rig.close();
});

Deno.test("a service that never answers is given up after five seconds", async () => {
  const { rig, control } = await serving();
  rig.net.silent.add("127.0.0.1:3000");
  const channel = await joined(rig, control);
  await visit(channel);
  await rig.pass(5_000);
  assert.equal(
    (await hear(channel, "unreachable")).message,
    "127.0.0.1:3000: no answer within 5000 ms",
  );
  await rig.close();
});

Deno.test("localhost is whichever address of loopback the service has", async () => {
  const { rig, control } = await serving({ service: { host: "localhost", port: 3000 } });
  rig.service(3000, echo, "::1");
  const channel = await joined(rig, control);
  await visit(channel, "hello");
  await channel.say({ type: "end" });
  await hear(channel, "accept");
  assert.equal(await answerOn(channel), "hello");
  await rig.close();
});

Deno.test("a service is found by its name, and one without an address is told", async () => {
  const service = { host: "db.internal", port: 3000 };
  const { rig, control } = await serving({ service }, { "db.internal": ["127.0.0.1"] });
  rig.service(3000, echo);
  const channel = await joined(rig, control);
  await visit(channel);
  await hear(channel, "accept");
  await rig.close();

  const other = await serving({ service });
  const lost = await joined(other.rig, other.control);
  await visit(lost);
  assert.match((await hear(lost, "unreachable")).message, /^db\.internal:3000: db\.internal could/);
  await other.rig.close();
});

Deno.test("a service that asks for a PROXY header is told who came to which address", async () => {
  const { rig, control } = await serving({ proxyProtocol: "v1" });
  rig.service(3000, echo);
  const channel = await joined(rig, control);
  await visit(channel, "hello");
  await channel.say({ type: "end" });
  await hear(channel, "accept");
  assert.equal(
    await answerOn(channel),
    "PROXY TCP6 ::ffff:c000:207 2001:db8::1 1234 20001\r\nhello",
  );
  await rig.close();
});

Deno.test("a visitor of an endpoint that is gone is told so", async () => {
  const { rig, control } = await serving();
  const channel = await joined(rig, control);
  await channel.say({ type: "visit", endpoint: 7, visitor: "192.0.2.7:1", destination: "[::1]:1" });
  assert.equal(
    (await hear(channel, "unreachable")).message,
    "this endpoint is no longer exposed",
  );
  await rig.close();
});

Deno.test("a service that breaks off breaks the visit off, and a visitor the service", async () => {
  const { rig, control } = await serving();
  const seen: string[] = [];
  rig.service(3000, async (conn) => {
    const text = await readAll(conn).catch((error) => `broken: ${error.code}`);
    seen.push(text);
  });
  const channel = await joined(rig, control);
  await visit(channel, "hello");
  await hear(channel, "accept");
  channel.close();
  await settled();
  assert.deepEqual(seen, ["hello"]);
  assert.deepEqual(rig.journal.take(), ["visited shell tcp 192.0.2.7:1234 5/0 channel_reset"]);
  await rig.close();
});

Deno.test("visitors go on when the control channel is lost", async () => {
  const { rig, control } = await serving();
  rig.service(3000, echo);
  const channel = await joined(rig, control);
  await visit(channel, "before");
  await hear(channel, "accept");
  await channel.receive();
  const idle = await joined(rig, control);
  control.channel.close();
  await settled();
  assert.equal(await idle.receive(), null);
  await rig.pass(500);
  await (await rig.edge.welcome(TOKEN)).opens();
  await channel.write(encodeFrame("data", bytesOf("after")));
  await channel.say({ type: "end" });
  assert.equal(await answerOn(channel), "after");
  await rig.close();
});

Deno.test("a channel that cannot be opened is tried for as long as its ticket is good", async () => {
  const { rig, control } = await serving();
  rig.net.broken.set("127.0.0.1:7835", new NetError("unreachable", "No route to host"));
  const ticket = await control.ticket();
  await rig.pass(500);
  rig.net.broken.clear();
  await rig.pass(500);
  await rig.edge.joined(ticket);
  rig.net.broken.set("127.0.0.1:7835", new NetError("unreachable", "No route to host"));
  await control.ticket();
  for (let i = 0; i < 7; i++) {
    await rig.pass(4_000);
    await control.say({ type: "pong" });
  }
  rig.net.broken.clear();
  // Nobody comes with a ticket that is too old.
  const late = control.ticket();
  await rig.edge.joined(await late);
  await rig.close();
});

Deno.test("of many tickets some are spent at once, and no more are kept than there is use for", async () => {
  const { rig, control } = await serving();
  rig.net.silent.add("127.0.0.1:7835");
  const before = rig.net.open;
  for (let i = 0; i < 20; i++) {
    const tickets = Array.from({ length: 128 }, () => new Uint8Array(32));
    await control.say({ type: "tickets", tickets, lifetime: 30_000 });
  }
  await settled();
  assert.equal(rig.net.open, before);
  // 64 attempts, a silence, a heartbeat and a few more.
  assert.ok(rig.clock.pending < 80, `${rig.clock.pending} timers`);
  rig.net.silent.clear();
  await rig.pass(5_500);
  await rig.close();
});

Deno.test("datagrams of a visitor come from a socket of his own, and back", async () => {
  const { rig, control } = await serving({ kind: "udp" });
  const service = rig.net.peer({ address: "127.0.0.1", port: 3000 });
  service.onDatagram = (datagram, from) => {
    service.send(Uint8Array.of(...bytesOf("re: "), ...datagram), from);
  };
  const channel = await joined(rig, control);
  await visit(channel);
  await hear(channel, "accept");
  await channel.sendDatagram(bytesOf("ping"));
  const reply = await channel.receive();
  assert.equal(reply?.type, "datagram");
  assert.equal(new TextDecoder().decode(reply?.payload), "re: ping");
  await channel.say({ type: "end" });
  await hear(channel, "end");
  await settled();
  assert.deepEqual(rig.journal.take(), ["visited shell udp 192.0.2.7:1234 4/8 ended"]);
  const ticket = await control.ticket();
  assert.deepEqual((await hear(channel, "join")).ticket, ticket);
  await rig.close();
});
