import assert from "node:assert/strict";
import { encodeFrame } from "../../../../lib/tunnel/frames.ts";
import type { Channel } from "../../../../lib/tunnel/channel.ts";
import type { MessageOf } from "../../../../lib/tunnel/messages.ts";
import { hello as clientHello } from "../../../support/client_hello.ts";
import { ALICE, BOB, EDGE, edgeFile, EdgeRig } from "../../../support/edge_rig.ts";
import { bytesOf, CLIENT, readAll, settled } from "../../../support/rig.ts";
import type { MemoryConn } from "../../../support/memory_net.ts";
import { ScriptedAgent, withoutTls } from "../../../support/scripted_agent.ts";

/** A running edge. */
async function edge(file = edgeFile()): Promise<EdgeRig> {
  const rig = new EdgeRig();
  await rig.apply(file);
  return rig;
}

/** The visit that a data channel is given. */
async function visitOn(channel: Channel): Promise<MessageOf<"visit">> {
  const visit = await channel.hear();
  assert.equal(visit?.type, "visit");
  return visit as MessageOf<"visit">;
}

/** What comes on a data channel up to `end`, one character a byte. */
async function bytesOn(channel: Channel): Promise<string> {
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

/** What comes on a data channel until it has been `expected`. */
async function expectOn(channel: Channel, expected: string): Promise<void> {
  let text = "";
  while (text.length < expected.length) {
    const frame = await channel.receive();
    assert.equal(frame?.type, "data");
    text += new TextDecoder("latin1").decode(frame!.payload);
  }
  assert.equal(text, expected);
}

/** Answers a visit and ends it. */
async function answer(channel: Channel, text: string): Promise<void> {
  await channel.say({ type: "accept" });
  await channel.write(encodeFrame("data", bytesOf(text)));
  await channel.say({ type: "end" });
}

async function statusOf(conn: MemoryConn): Promise<string> {
  const text = await readAll(conn);
  return text.slice(9, 12);
}

Deno.test("a visitor of a name gets what the agent's service says, and leaves one line", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  assert.deepEqual(await agent.open({ endpoint: 7, kind: "http", name: "blog" }), {
    type: "opened",
    endpoint: 7,
    address: "http://blog.t.example",
    name: "blog",
  });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  assert.deepEqual(await visitOn(channel), {
    type: "visit",
    endpoint: 7,
    visitor: "192.0.2.1:50000",
    destination: "127.0.0.1:80",
    serverName: "blog.t.example",
  });
  await expectOn(channel, "GET / HTTP/1.1\r\nHost: blog.t.example\r\n\r\n");
  await answer(channel, "HTTP/1.1 204 No Content\r\n\r\n");
  assert.equal(await readAll(visitor), "HTTP/1.1 204 No Content\r\n\r\n");
  await visitor.closeWrite();
  assert.equal(await bytesOn(channel), "");
  const record = await rig.record();
  const { reason, listener, client, protocol, host, route, up, down } = record;
  assert.deepEqual(
    { reason, listener, client, protocol, host, route, up, down },
    {
      reason: "ended",
      listener: "default",
      client: CLIENT,
      protocol: "http",
      host: "blog.t.example",
      route: "edge",
      up: 40,
      down: 27,
    },
  );
  assert.deepEqual([record.agent, record.endpoint], ["alice", "blog"]);
  await rig.close(agent, visitor, channel);
});

Deno.test("a data channel whose visitor has left joins again with another ticket", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "tcp", port: 20_001 });
  const at = { address: "127.0.0.1", port: 20_001 };
  const channel = await agent.join();
  for (const word of ["one", "two", "three"]) {
    await settled();
    const visitor = await rig.visitor(at);
    await visitOn(channel);
    await visitor.write(bytesOf(word));
    await visitor.closeWrite();
    await channel.say({ type: "accept" });
    assert.equal(await bytesOn(channel), word);
    await channel.say({ type: "end" });
    assert.equal(await readAll(visitor), "");
    visitor.close();
    const { reason, listener, up, endpoint } = await rig.record();
    assert.deepEqual([reason, listener, up, endpoint], ["ended", "edge", word.length, "20001"]);
    await channel.say({ type: "join", ticket: agent.tickets.shift()! });
  }
  await rig.close(agent, channel);
});

Deno.test("a visitor for whom no channel is ready waits for one, and the agent is asked for it at once", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const visitor = await rig.ask("blog.t.example");
  await settled();
  const channel = await agent.join();
  await visitOn(channel);
  await answer(channel, "hello");
  assert.equal(await readAll(visitor), "hello");
  await rig.close(agent, visitor, channel);
});

Deno.test("a visitor who waits too long for a channel is told that the agent is away", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const visitor = await rig.ask("blog.t.example");
  await rig.pass(9_999);
  await rig.pass(1);
  assert.equal(await statusOf(visitor), "503");
  visitor.close();
  const { reason, detail } = await rig.record();
  assert.deepEqual([reason, detail], [
    "agent_away",
    "the agent has opened no data channel in time",
  ]);
  await rig.close(agent);
});

Deno.test("a name that nobody has, and one whose agent is away, are told by a page", async () => {
  const rig = await edge();
  const nobody = await rig.ask("blog.t.example", "Accept: text/html\r\n");
  const page = await readAll(nobody);
  assert.match(page, /^HTTP\/1\.1 404 Not Found\r\n/);
  assert.match(page, /<h1>Nobody is here<\/h1>\n<p class="host">blog\.t\.example<\/p>/);
  nobody.close();
  assert.equal((await rig.record()).reason, "no_route");

  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  agent.close();
  await settled();
  const away = await rig.ask("blog.t.example");
  const text = await readAll(away);
  assert.match(text, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
  assert.match(text, /\r\nRetry-After: 5\r\n/);
  assert.ok(!text.includes("<"));
  away.close();
  const { reason, agent: id, endpoint } = await rig.record();
  assert.deepEqual([reason, id, endpoint], ["agent_away", "alice", "blog"]);
  await rig.pass(60_000);
  const gone = await rig.ask("blog.t.example");
  assert.equal(await statusOf(gone), "404");
  await rig.close(gone);
});

Deno.test("a service that cannot be reached is told in the agent's words, and the channel goes on", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example", "Accept: text/html\r\n");
  await visitOn(channel);
  await channel.say({ type: "unreachable", message: "127.0.0.1:3000: <refused>" });
  const page = await readAll(visitor);
  assert.match(page, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
  assert.match(page, /<pre>127\.0\.0\.1:3000: &#60;refused&#62;<\/pre>/);
  visitor.close();
  const { reason, detail } = await rig.record();
  assert.deepEqual([reason, detail], ["connect_failed", "127.0.0.1:3000: <refused>"]);
  assert.match(await bytesOn(channel), /^GET /);
  await channel.say({ type: "join", ticket: agent.tickets.shift()! });
  await settled();
  const next = await rig.ask("blog.t.example");
  await visitOn(channel);
  await answer(channel, "hello");
  assert.equal(await readAll(next), "hello");
  await rig.close(agent, next, channel);
});

Deno.test("visitors from elsewhere than an endpoint allows are turned away", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog", allow: ["192.0.2.2"] });
  const stranger = await rig.ask("blog.t.example");
  assert.equal(await statusOf(stranger), "403");
  stranger.close();
  assert.equal((await rig.record()).reason, "acl_denied");
  assert.deepEqual(await agent.open({ endpoint: 2, kind: "http", allow: ["everybody"] }), {
    type: "rejected",
    endpoint: 2,
    code: "malformed",
    message: '"everybody" is neither an address nor a network',
  });
  await rig.close(agent);
});

Deno.test("an agent has no more visitors at once than it may have", async () => {
  const rig = await edge(edgeFile({ alice: 'names = ["blog"]\nmax_connections = 1' }));
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await settled();
  const first = await rig.ask("blog.t.example");
  await visitOn(channel);
  const second = await rig.ask("blog.t.example");
  assert.equal(await statusOf(second), "503");
  second.close();
  assert.equal((await rig.record()).reason, "limit_agent");
  await answer(channel, "hello");
  assert.equal(await readAll(first), "hello");
  await rig.close(agent, first, channel);
});

Deno.test("processes of an agent share its visitors: the next one goes to who has the fewest", async () => {
  const rig = await edge();
  const one = await rig.agent();
  const other = await rig.agent();
  await one.open({ endpoint: 1, kind: "http", name: "blog" });
  await other.open({ endpoint: 2, kind: "http", name: "blog" });
  const channels = [await one.join(), await other.join()];
  await settled();
  const visitors = [await rig.ask("blog.t.example"), await rig.ask("blog.t.example")];
  const numbers = [];
  for (const channel of channels) numbers.push((await visitOn(channel)).endpoint);
  assert.deepEqual(numbers.sort(), [1, 2]);
  await rig.close(one, other, ...visitors, ...channels);
});

Deno.test("where one process of an agent is gone while a visitor waits, another one serves him", async () => {
  const rig = await edge();
  const one = await rig.agent();
  const other = await rig.agent();
  await one.open({ endpoint: 1, kind: "http", name: "blog" });
  await other.open({ endpoint: 2, kind: "http", name: "blog" });
  const channel = await other.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  await settled();
  one.close();
  assert.equal((await visitOn(channel)).endpoint, 2);
  await rig.close(other, visitor, channel);
});

Deno.test("another agent's name is not to be had", async () => {
  const rig = await edge();
  const [alice, bob] = [await rig.agent(ALICE), await rig.agent(BOB)];
  await bob.open({ endpoint: 1, kind: "http", name: "blog" });
  assert.deepEqual(await alice.open({ endpoint: 1, kind: "http", name: "blog" }), {
    type: "rejected",
    endpoint: 1,
    code: "name_taken",
    message: 'the name "blog" is taken by another agent',
  });
  await rig.close(alice, bob);
});

Deno.test("what an agent shuts is free at once", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "tcp", port: 20_001 });
  await agent.control.say({ type: "shut", endpoint: 1 });
  await settled();
  await assert.rejects(rig.visitor({ address: "127.0.0.1", port: 20_001 }), /refused/);
  await rig.close(agent);
});

Deno.test("a process that logs in again takes its own place", async () => {
  const rig = await edge();
  const first = await rig.agent();
  await first.open({ endpoint: 1, kind: "http", name: "blog" });
  const again = await rig.agent(ALICE, first.instance);
  assert.equal((await first.hear("goodbye")).code, "replaced");
  assert.equal((await again.open({ endpoint: 1, kind: "http", name: "blog" }))?.type, "opened");
  await rig.close(first, again);
});

Deno.test("an agent that is silent for too long is gone, and its visitors with it", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  await visitOn(channel);
  await rig.pass(14_999);
  assert.equal(rig.slot.gauges?.agents, 1);
  await rig.pass(1);
  assert.equal(rig.slot.gauges?.agents, 0);
  assert.equal((await rig.record()).reason, "backend_reset");
  assert.ok(rig.lines.includes("agent alice is gone: it was silent for 15 s"));
  await rig.close(agent, visitor, channel);
});

Deno.test("who leaves lets his visitors end, and gets no new ones", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  await visitOn(channel);
  await agent.control.say({ type: "goodbye", code: "leaving", message: "the agent has ended" });
  await settled();
  assert.equal(rig.slot.gauges?.agents, 0);
  const late = await rig.ask("blog.t.example");
  assert.equal(await statusOf(late), "503");
  late.close();
  assert.equal((await rig.record()).reason, "agent_away");
  channel.close();
  assert.equal((await rig.record()).reason, "backend_reset");
  await rig.close(agent, visitor, channel);
});

Deno.test("an agent that gives signs of life stays", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  for (let i = 0; i < 5; i++) {
    await agent.control.say({ type: "ping" });
    await rig.pass(10_000);
  }
  assert.equal(rig.slot.gauges?.agents, 1);
  await agent.hear("pong");
  await rig.close(agent);
});

Deno.test("visitors stay with their data channels when the control channel alone is gone", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  await visitOn(channel);
  agent.close();
  await settled();
  await answer(channel, "hello");
  assert.equal(await readAll(visitor), "hello");
  await rig.close(visitor, channel);
});

Deno.test("gauges count agents, what they serve, and visitors of ports; those of names are the proxy's", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  await agent.open({ endpoint: 2, kind: "tcp", port: 20_001 });
  await agent.open({ endpoint: 3, kind: "udp", port: 20_001 });
  const visitor = await rig.visitor({ address: "127.0.0.1", port: 20_001 });
  const other = await rig.ask("blog.t.example");
  await settled();
  const { agents, endpoints, activeConnections, activeFlows } = rig.slot.gauges!;
  assert.deepEqual({ agents, endpoints, activeConnections, activeFlows }, {
    agents: 1,
    endpoints: { http: 1, tls: 0, tcp: 1, udp: 1 },
    activeConnections: 1,
    activeFlows: 0,
  });
  await rig.close(agent, visitor, other);
});

Deno.test("datagrams of a visitor go to the agent and back, and his silence ends the visit", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "udp", port: 20_001 });
  const at = { address: "127.0.0.1", port: 20_001 };
  const channel = await agent.join();
  await settled();
  const peer = rig.net.peer({ address: "192.0.2.7", port: 4000 });
  peer.send(bytesOf("one"), at);
  peer.send(bytesOf("two"), at);
  assert.equal((await visitOn(channel)).visitor, "192.0.2.7:4000");
  await channel.say({ type: "accept" });
  for (const word of ["one", "two"]) {
    const frame = await channel.receive();
    assert.deepEqual([frame?.type, new TextDecoder().decode(frame?.payload)], ["datagram", word]);
  }
  const back = Promise.withResolvers<string>();
  peer.onDatagram = (datagram) => back.resolve(new TextDecoder().decode(datagram));
  await channel.sendDatagram(bytesOf("three"));
  assert.equal(await back.promise, "three");
  assert.equal(rig.slot.gauges?.activeFlows, 1);
  for (let i = 0; i < 8; i++) {
    await agent.control.say({ type: "ping" });
    await rig.pass(9_000);
  }
  const { reason, transport, up, down, datagramsUp, datagramsDown, endpoint } = await rig.record();
  assert.deepEqual(
    { reason, transport, up, down, datagramsUp, datagramsDown, endpoint },
    {
      reason: "ended",
      transport: "udp",
      up: 6,
      down: 5,
      datagramsUp: 2,
      datagramsDown: 1,
      endpoint: "20001",
    },
  );
  await rig.close(agent, channel);
});

Deno.test("a visitor of a name by TLS gets to the endpoint of tls, unseen, and a page is nothing for him", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "tls", name: "dev-git" });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.visitor();
  const hello = clientHello({ serverName: "dev-git.t.example", alpns: ["h2"] });
  await visitor.write(hello);
  assert.equal((await visitOn(channel)).serverName, "dev-git.t.example");
  await expectOn(channel, String.fromCharCode(...hello));
  await answer(channel, "hello");
  assert.equal(await readAll(visitor), "hello");
  await visitor.closeWrite();
  await settled();
  const { protocol, serverName, alpns } = await rig.record();
  assert.deepEqual([protocol, serverName, alpns], ["tls", "dev-git.t.example", ["h2"]]);
  const other = await rig.visitor();
  await other.write(clientHello({ serverName: "blog.t.example" }));
  assert.equal(await readAll(other).catch(() => ""), "");
  assert.equal((await rig.record()).reason, "no_route");
  await rig.close(agent, visitor, channel, other);
});

Deno.test("visitors of an agent share its bandwidth", async () => {
  const rig = await edge(edgeFile({ alice: 'names = ["blog"]\nmax_bandwidth = "1kB"' }));
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channels = [await agent.join(), await agent.join()];
  await settled();
  const visitors = [await rig.ask("blog.t.example"), await rig.ask("blog.t.example")];
  for (const channel of channels) {
    await visitOn(channel);
    await channel.say({ type: "accept" });
    await channel.write(encodeFrame("data", new Uint8Array(1000)));
  }
  const got = [0, 0];
  visitors.forEach(async (visitor, i) => {
    const into = new Uint8Array(4096);
    for (let length; (length = await visitor.read(into).catch(() => null)) != null;) {
      got[i]! += length;
    }
  });
  await settled();
  assert.deepEqual(got.toSorted((a, b) => a - b), [0, 1000]);
  await rig.pass(999);
  assert.deepEqual(got.toSorted((a, b) => a - b), [0, 1000]);
  await rig.pass(1);
  assert.deepEqual(got, [1000, 1000]);
  await rig.close(agent, ...visitors, ...channels);
});

Deno.test("where it is said so, agents come without TLS, and it is warned of", async () => {
  const file = edgeFile().replace(/certificate = .*\nprivate_key = .*/, "insecure = true");
  const rig = await edge(file);
  assert.ok(rig.lines.includes("edge: insecure = true, agents come without TLS"));
  const agent = await ScriptedAgent.logIn(withoutTls(rig.net), EDGE, ALICE);
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  await visitOn(channel);
  await answer(channel, "hello");
  assert.equal(await readAll(visitor), "hello");
  await rig.close(agent, channel, visitor);
});
