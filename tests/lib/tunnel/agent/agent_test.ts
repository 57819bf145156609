import assert from "node:assert/strict";
import { createToken } from "../../../../lib/tunnel/auth.ts";
import { AgentRig, endpoint, TOKEN } from "../../../support/agent_rig.ts";
import { bytesOf, readAll, settled } from "../../../support/rig.ts";

Deno.test("an agent logs in, asks for its endpoints, and tells where they are", async () => {
  const rig = new AgentRig({
    endpoints: [
      endpoint({ label: "a", kind: "http", name: "blog", allow: ["192.0.2.0/24"] }),
      endpoint({ label: "b", port: 20_001 }),
    ],
  });
  const control = await rig.edge.welcome(TOKEN);
  assert.deepEqual(await control.opens({ name: "blog" }), {
    type: "open",
    endpoint: 1,
    kind: "http",
    name: "blog",
    allow: ["192.0.2.0/24"],
  });
  await settled();
  assert.deepEqual(rig.journal.take(), []);
  assert.deepEqual(await control.opens({ port: 20_001 }), {
    type: "open",
    endpoint: 2,
    kind: "tcp",
    port: 20_001,
  });
  await settled();
  assert.deepEqual(rig.journal.take(), ["serving http://blog.t.example tcp://t.example:20001"]);
  assert.equal(rig.agent.state.state, "connected");
  await rig.close();
});

Deno.test("an edge with another certificate is told nothing", async () => {
  const rig = new AgentRig();
  rig.edge.certificate = "another";
  await rig.edge.refusedByAgent();
  const ended = await rig.ended;
  assert.ok(ended.kind === "refused");
  assert.match(ended.why, /^the edge is not to be trusted: 127\.0\.0\.1:7835: .* is another one/);
  await rig.close();
});

Deno.test("an agent that was let in once is not ended by another certificate on the way", async () => {
  const rig = new AgentRig();
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  rig.edge.certificate = "that of a hotel";
  control.channel.close();
  await rig.pass(500);
  await rig.edge.refusedByAgent();
  await settled();
  assert.equal(rig.agent.state.state, "waiting");
  assert.match(rig.agent.state.problem ?? "", /not to be trusted/);
  rig.edge.certificate = "c";
  await rig.pass(1000);
  await (await rig.edge.welcome(TOKEN)).opens();
  await settled();
  assert.equal(rig.journal.take().at(-1), "back");
  await rig.close();
});

Deno.test("an edge that does not know the token gets no proof of it", async () => {
  const rig = new AgentRig();
  const impostor = rig.edge.login(TOKEN, createToken("alice"));
  await assert.rejects(impostor, /null|reset/);
  assert.deepEqual(await rig.ended, {
    kind: "refused",
    why: 'the edge does not know the token of agent "alice"',
  });
  assert.equal(rig.agent.state.state, "stopped");
  await rig.close();
});

for (const code of ["version", "unauthorized"] as const) {
  Deno.test(`an agent that is sent away as ${code} does not come back`, async () => {
    const rig = new AgentRig();
    const { channel } = await rig.edge.hello();
    await channel.say({ type: "goodbye", code, message: "that is why" });
    assert.deepEqual(await rig.ended, { kind: "refused", why: "that is why" });
    await rig.close();
  });
}

Deno.test("an agent whose token is revoked ends, and its visitors with it", async () => {
  const rig = new AgentRig();
  rig.service(3000, async (conn) => void await readAll(conn));
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  const channel = await rig.edge.joined(await control.ticket());
  await channel.say({ type: "visit", endpoint: 1, visitor: "192.0.2.7:1", destination: "[::1]:2" });
  await settled();
  assert.equal(rig.agent.visits.size, 1);
  await control.say({ type: "goodbye", code: "revoked", message: "no longer good" });
  assert.deepEqual(await rig.ended, { kind: "refused", why: "no longer good" });
  await settled();
  assert.equal(rig.agent.visits.size, 0);
  await rig.close();
});

for (const code of ["too_many_attempts", "draining", "replaced", "limit"] as const) {
  Deno.test(`an agent that is sent away as ${code} comes back, the same as before`, async () => {
    const rig = new AgentRig({ endpoints: [endpoint({ kind: "http" })] });
    const control = await rig.edge.welcome(TOKEN);
    await control.opens({ name: "brave-otter" });
    await control.say({ type: "goodbye", code, message: "for a while" });
    await settled();
    assert.deepEqual(rig.journal.take().slice(1), ["away 500: for a while"]);
    await rig.pass(499);
    assert.equal(rig.agent.state.state, "waiting");
    await rig.pass(1);
    const again = await rig.edge.welcome(TOKEN);
    assert.deepEqual(again.instance, control.instance);
    assert.deepEqual(await again.opens({ name: "brave-otter" }), {
      type: "open",
      endpoint: 1,
      kind: "http",
      name: "brave-otter",
      generated: true,
    });
    await settled();
    assert.deepEqual(rig.journal.take(), ["back"]);
    await rig.close();
  });
}

Deno.test("an edge that is gone is tried again with pauses that grow", async () => {
  const rig = new AgentRig({}, { isEdgeThere: false });
  await settled();
  const pauses = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
  for (const pause of pauses) await rig.pass(pause);
  const why = "127.0.0.1:7835: Connection refused";
  assert.deepEqual(
    rig.journal.take(),
    [...pauses, 30_000].map((pause) => `away ${pause}: ${why}`),
  );
  rig.edge.open();
  await rig.pass(30_000);
  await (await rig.edge.welcome(TOKEN)).opens();
  await rig.close();
});

Deno.test("all addresses of the edge's name are tried", async () => {
  const rig = new AgentRig(
    { edge: { host: "edge.example", port: 7835 } },
    { addresses: { "edge.example": ["127.0.0.9", "::9", "127.0.0.1"] } },
  );
  // The canonical order is IPv4 first.
  await (await rig.edge.welcome(TOKEN)).opens();
  await rig.close();
});

Deno.test("an edge whose name has no address is tried again", async () => {
  const rig = new AgentRig({ edge: { host: "nowhere.example", port: 7835 } });
  await settled();
  assert.deepEqual(rig.journal.take(), [
    "away 500: nowhere.example could not be resolved: no such name",
  ]);
  await rig.close();
});

Deno.test("signs of life are given and answered", async () => {
  const rig = new AgentRig();
  const control = await rig.edge.welcome(TOKEN, 4_000);
  await control.opens();
  await control.say({ type: "ping" });
  assert.equal((await control.channel.hear())?.type, "pong");
  await rig.pass(4_000);
  assert.equal((await control.channel.hear())?.type, "ping");
  await control.say({ type: "pong" });
  await rig.pass(4_000);
  assert.equal((await control.channel.hear())?.type, "ping");
  await rig.close();
});

Deno.test("an edge that falls silent is taken for gone, and its visitors with it", async () => {
  const rig = new AgentRig();
  rig.service(3000, async (conn) => void await readAll(conn));
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  const channel = await rig.edge.joined(await control.ticket());
  await channel.say({ type: "visit", endpoint: 1, visitor: "192.0.2.7:1", destination: "[::1]:2" });
  rig.journal.take();
  await rig.pass(14_999);
  assert.equal(rig.agent.state.state, "connected");
  await rig.pass(1);
  assert.deepEqual(rig.journal.take(), [
    "away 500: the edge was silent for 15 s",
    "visited shell tcp 192.0.2.7:1 0/0 closed",
  ]);
  await rig.close();
});

for (
  const [what, garbage] of [
    ["bytes that are no frame", Uint8Array.of(99, 0, 0, 0)],
    ["a frame that is too long", Uint8Array.of(4, 1, 0, 0)],
    ["a message of the agent's own", Uint8Array.of(8, 0, 0, 2, 123, 125)],
    ["a message that may not come there", bytesOf("\x21\0\0\0")],
  ] as const
) {
  Deno.test(`an edge that says ${what} is told so, and tried again`, async () => {
    const rig = new AgentRig();
    const control = await rig.edge.welcome(TOKEN);
    await control.opens();
    await control.channel.write(garbage);
    assert.equal((await control.goodbye()).code, "malformed");
    await settled();
    assert.match(rig.agent.state.problem ?? "", /^the edge does not speak the protocol: /);
    await rig.pass(500);
    await rig.edge.welcome(TOKEN);
    await rig.close();
  });
}

Deno.test("garbage in place of a challenge is no reason to end", async () => {
  const rig = new AgentRig();
  const { channel } = await rig.edge.hello();
  await channel.write(bytesOf("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await settled();
  assert.equal(rig.agent.state.state, "waiting");
  assert.match(rig.agent.state.problem ?? "", /does not speak the protocol/);
  await rig.close();
});

Deno.test("an edge that does not answer a login is given five seconds", async () => {
  const rig = new AgentRig();
  await rig.edge.hello();
  await rig.pass(4_999);
  assert.equal(rig.agent.state.state, "connecting");
  await rig.pass(1);
  assert.equal(rig.agent.state.problem, "the edge did not answer the login in time");
  await rig.close();
});

Deno.test("an endpoint that is refused is told once, and asked for again", async () => {
  const rig = new AgentRig({ endpoints: [endpoint({ kind: "http", name: "blog" })] });
  const control = await rig.edge.welcome(TOKEN);
  const refuse = async () => {
    const { endpoint } = await control.hear("open");
    await control.say({ type: "rejected", endpoint, code: "name_taken", message: "is bob's" });
  };
  await refuse();
  for (let i = 0; i < 6; i++) {
    await rig.pass(10_000);
    await control.say({ type: "pong" });
  }
  await refuse();
  for (let i = 0; i < 6; i++) {
    await rig.pass(10_000);
    await control.say({ type: "pong" });
  }
  await control.opens({ name: "blog" });
  await settled();
  assert.deepEqual(rig.journal.take(), [
    "rejected shell name_taken: is bob's",
    "serving http://blog.t.example",
  ]);
  await rig.close();
});

Deno.test("who leaves says goodbye, and gives visitors ten seconds", async () => {
  const rig = new AgentRig();
  rig.service(3000, async (conn) => void await readAll(conn));
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  const channel = await rig.edge.joined(await control.ticket());
  await channel.say({ type: "visit", endpoint: 1, visitor: "192.0.2.7:1", destination: "[::1]:2" });
  await settled();
  let hasLeft = false;
  const left = rig.agent.leave().then(() => hasLeft = true);
  assert.equal((await control.goodbye()).code, "leaving");
  assert.deepEqual(await rig.ended, { kind: "left" });
  await rig.pass(9_999);
  assert.ok(!hasLeft);
  await rig.pass(1);
  await left;
  await rig.close();
});

Deno.test("who leaves while the edge is away is gone at once", async () => {
  const rig = new AgentRig({}, { isEdgeThere: false });
  await settled();
  await rig.agent.leave();
  assert.deepEqual(await rig.ended, { kind: "left" });
  await rig.close();
});

Deno.test("an edge that asks and never reads is let go of, and little is kept for it", async () => {
  const rig = new AgentRig();
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  const ping = new Uint8Array(4 * 4096);
  for (let at = 0; at < ping.length; at += 4) ping[at] = 10;
  const flood = (async () => {
    for (;;) await control.channel.write(ping);
  })();
  await assert.rejects(flood);
  await settled();
  assert.equal(
    rig.agent.state.problem,
    "the connection to the edge is lost: the other end does not read",
  );
  await rig.close();
});

Deno.test("an edge that is lost again and again leaves nothing behind", async () => {
  const rig = new AgentRig();
  rig.service(3000, async (conn) => void await readAll(conn));
  for (let i = 0; i < 30; i++) {
    const control = await rig.edge.welcome(TOKEN);
    await control.opens();
    const channel = await rig.edge.joined(await control.ticket());
    const idle = await rig.edge.joined(await control.ticket());
    await channel.say({
      type: "visit",
      endpoint: 1,
      visitor: "192.0.2.7:1",
      destination: "[::1]:2",
    });
    await settled();
    control.channel.close();
    channel.close();
    assert.equal(await idle.receive(), null);
    idle.close();
    await rig.pass(30_000);
    // The agent's next attempt, which waits for the edge.
    assert.equal(rig.net.open, 2);
    assert.ok(rig.clock.pending < 5, `${rig.clock.pending} timers`);
  }
  await rig.edge.welcome(TOKEN);
  await rig.close();
});
