import assert from "node:assert/strict";
import { createToken } from "../../../../lib/tunnel/auth.ts";
import { encodeFrame } from "../../../../lib/tunnel/frames.ts";
import type { Channel } from "../../../../lib/tunnel/channel.ts";
import {
  ALICE,
  BOB,
  EDGE,
  edgeFile,
  EdgeRig,
  hashOf,
  LISTENER,
} from "../../../support/edge_rig.ts";
import { bytesOf, readAll, settled } from "../../../support/rig.ts";
import { ScriptedAgent } from "../../../support/scripted_agent.ts";

const FILE = edgeFile();
const PORT = { address: "127.0.0.1", port: 20_001 };

/** An edge with alice, who serves `blog` and a port, and has a visitor. */
async function busy() {
  const rig = new EdgeRig();
  await rig.apply(FILE);
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  await agent.open({ endpoint: 2, kind: "tcp", port: 20_001 });
  const channel = await agent.join();
  await settled();
  const visitor = await rig.ask("blog.t.example");
  assert.equal((await channel.hear())?.type, "visit");
  await settled();
  return { rig, agent, channel, visitor };
}

async function answer(channel: Channel): Promise<void> {
  await channel.say({ type: "accept" });
  await channel.write(encodeFrame("data", bytesOf("hello")));
  await channel.say({ type: "end" });
}

Deno.test("a reload that changes nothing of an agent leaves it, its names and its visitors alone", async () => {
  const { rig, agent, channel, visitor } = await busy();
  await rig.apply(edgeFile({ bob: 'names = ["other"]', edge: 'grace_period = "5s"' }));
  await rig.apply(edgeFile({ alice: 'names = ["blog"]\nports = "20001"\nmax_connections = 7' }));
  await agent.control.say({ type: "ping" });
  await agent.hear("pong");
  await answer(channel);
  assert.equal(await readAll(visitor), "hello");
  await rig.close(agent, channel, visitor);
});

Deno.test("a token that is gone or changed cuts off its agent, and his visitors, at once", async () => {
  const changed = FILE.replace(hashOf(ALICE), hashOf(createToken("alice")));
  const gone = FILE.replace("[edge.agents.alice]", "[edge.agents.eve]");
  for (const file of [changed, gone]) {
    const { rig, agent, channel, visitor } = await busy();
    await rig.apply(file);
    assert.deepEqual(await agent.hear("goodbye"), {
      type: "goodbye",
      code: "revoked",
      message: "the agent's token is no longer good",
    });
    assert.equal(await readAll(visitor).catch(() => ""), "");
    assert.equal((await rig.record()).reason, "revoked");
    assert.equal(await channel.receive().then(() => null, () => null), null);
    await assert.rejects(rig.agent(), /edge's proof/);
    await rig.close(agent, channel, visitor);
  }
});

Deno.test("a token that is gone cuts off visitors, too, who have outlived the control channel", async () => {
  const { rig, agent, channel, visitor } = await busy();
  agent.close();
  await settled();
  assert.equal(rig.slot.gauges?.agents, 0);
  await rig.apply(FILE.replace("[edge.agents.alice]", "[edge.agents.eve]"));
  assert.equal((await rig.record()).reason, "revoked");
  await rig.close(channel, visitor);
});

Deno.test("while one token takes the place of another both are good, and then the old one is not", async () => {
  const next = createToken("alice");
  const rig = new EdgeRig();
  await rig.apply(FILE);
  const old = await rig.agent(ALICE);
  const both = `["${hashOf(next)}", "${hashOf(ALICE)}"]`;
  await rig.apply(FILE.replace(`"${hashOf(ALICE)}"`, both));
  const other = await rig.agent(next);
  const third = await rig.agent(ALICE);
  await rig.apply(FILE.replace(hashOf(ALICE), hashOf(next)));
  assert.equal((await old.hear("goodbye")).code, "revoked");
  assert.equal((await third.hear("goodbye")).code, "revoked");
  await other.control.say({ type: "ping" });
  await other.hear("pong");
  await rig.close(old, other, third);
});

Deno.test("an agent that has what it may no longer have is told to come back, and keeps the rest", async () => {
  const { rig, agent, channel, visitor } = await busy();
  await rig.apply(edgeFile({ alice: 'names = ["blog"]\nports = "20002"' }));
  assert.equal((await agent.hear("goodbye")).code, "draining");
  await answer(channel);
  assert.equal(await readAll(visitor), "hello");
  await assert.rejects(rig.visitor(PORT), /refused/);
  const again = await rig.agent();
  assert.equal((await again.open({ endpoint: 1, kind: "http", name: "blog" }))?.type, "opened");
  const port = await again.open({ endpoint: 2, kind: "tcp", port: 20_001 });
  assert.ok(port?.type === "rejected" && port.code === "port_not_allowed");
  await rig.close(agent, again, channel, visitor);
});

Deno.test("another domain sends all agents away, to hear their new addresses", async () => {
  const { rig, agent, channel, visitor } = await busy();
  await rig.apply(FILE.replace("t.example", "u.example"));
  assert.equal((await agent.hear("goodbye")).code, "draining");
  const again = await rig.agent();
  const opened = await again.open({ endpoint: 1, kind: "http", name: "blog" });
  assert.ok(opened?.type === "opened" && opened.address === "http://blog.u.example");
  const other = await rig.ask("blog.t.example");
  assert.equal(await readAll(other).catch(() => ""), "");
  await rig.close(agent, again, channel, visitor, other);
});

Deno.test("agents may come to another port; those who are there stay", async () => {
  const { rig, agent, channel, visitor } = await busy();
  await rig.apply(FILE.replace(`listen_port = ${EDGE.port}`, "listen_port = 7836"));
  await assert.rejects(ScriptedAgent.logIn(rig.tls, EDGE, BOB), /refused/);
  const bob = await ScriptedAgent.logIn(rig.tls, { ...EDGE, port: 7836 }, BOB);
  await agent.control.say({ type: "ping" });
  await agent.hear("pong");
  await rig.close(agent, bob, channel, visitor);
});

Deno.test("a reload that fails changes nothing: not the edge where the proxy cannot, nor the proxy where the edge cannot", async () => {
  const { rig, agent, channel, visitor } = await busy();
  const taken = rig.net.listen({ address: "127.0.0.1", port: 81, backlog: 1 });
  const noProxy = FILE.replace(`listen_port = ${LISTENER.port}\n`, "listen_port = 81\n")
    .replace(`listen_port = ${EDGE.port}`, "listen_port = 7836");
  await assert.rejects(rig.apply(noProxy), /cannot listen on 127\.0\.0\.1:81/);
  const noEdge = FILE.replace(`listen_port = ${LISTENER.port}\n`, "listen_port = 82\n")
    .replace(`listen_port = ${EDGE.port}`, "listen_port = 81");
  await assert.rejects(rig.apply(noEdge), /cannot listen on 127\.0\.0\.1:81/);
  assert.deepEqual(
    rig.net.listening.map(({ port }) => port).filter((port) => port < 10_000).sort(),
    [LISTENER.port, EDGE.port, 81].sort(),
  );
  const bob = await rig.agent(BOB);
  await answer(channel);
  assert.equal(await readAll(visitor), "hello");
  await taken.close();
  await rig.close(agent, bob, channel, visitor);
});

Deno.test("an edge that is no longer configured sends everybody away, and may come back", async () => {
  const { rig, agent, channel, visitor } = await busy();
  await rig.apply(
    `listen_port = ${LISTENER.port}\nlisten_address_v4 = "127.0.0.1"\ntcp_target = ["127.0.0.1:1"]\n`,
  );
  assert.equal((await agent.hear("goodbye")).code, "revoked");
  assert.equal((await rig.record()).reason, "revoked");
  assert.deepEqual(rig.net.listening.map(({ port }) => port), [LISTENER.port]);
  await rig.apply(FILE);
  const again = await rig.agent();
  await rig.close(agent, again, channel, visitor);
});

Deno.test("to drain is to send agents away and wait for the visitors", async () => {
  const { rig, agent, channel, visitor } = await busy();
  let isDrained = false;
  const drained = rig.slot.drain(10_000).then(() => isDrained = true);
  assert.equal((await agent.hear("goodbye")).code, "draining");
  await assert.rejects(rig.agent(), /refused/);
  await assert.rejects(rig.visitor(PORT), /refused/);
  await settled();
  assert.ok(!isDrained);
  await answer(channel);
  assert.equal(await readAll(visitor), "hello");
  await visitor.closeWrite();
  await drained;
  assert.equal((await rig.record()).reason, "ended");
  await rig.close(agent, channel, visitor);
});

Deno.test("to drain takes no longer than it may", async () => {
  const { rig, agent, channel, visitor } = await busy();
  const drained = rig.slot.drain(10_000);
  await rig.pass(10_000);
  await drained;
  rig.slot.close();
  assert.equal((await rig.record()).reason, "drained");
  await rig.close(agent, channel, visitor);
});
