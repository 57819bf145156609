import assert from "node:assert/strict";
import { encodeProxyHeader } from "../../../../lib/proxy_protocol.ts";
import type { Conn } from "../../../../lib/runtime/runtime.ts";
import { createToken } from "../../../../lib/tunnel/auth.ts";
import { Channel } from "../../../../lib/tunnel/channel.ts";
import { MOST_PROCESSES, MOST_STRANGERS_OF_ONE } from "../../../../lib/tunnel/edge/gate.ts";
import { encodeFrame } from "../../../../lib/tunnel/frames.ts";
import { ALPN, encodeMessage, type Message } from "../../../../lib/tunnel/messages.ts";
import { ALICE, EDGE, edgeFile, EdgeRig } from "../../../support/edge_rig.ts";
import { bytesOf, CLIENT, readAll, settled } from "../../../support/rig.ts";
import { ScriptedAgent } from "../../../support/scripted_agent.ts";

async function edge(file = edgeFile()): Promise<EdgeRig> {
  const rig = new EdgeRig();
  await rig.apply(file);
  return rig;
}

/** A secured connection that has said nothing yet. */
function dial(rig: EdgeRig): Promise<Conn> {
  return rig.tls.connect(EDGE, { alpn: ALPN, trust: { kind: "system" }, timeout: 1000 });
}

/** What the edge says to whoever has sent `bytes`; `null` if it closes without a word. */
async function answerTo(rig: EdgeRig, ...bytes: readonly Uint8Array[]): Promise<Message | null> {
  const conn = await dial(rig);
  for (const each of bytes) await conn.write(each);
  const message = await new Channel(conn, "edge").hear();
  conn.close();
  await settled();
  return message ?? null;
}

function refusals(rig: EdgeRig): readonly string[] {
  return rig.lines.filter((line) => line.startsWith("edge: refused: "));
}

Deno.test("garbage is answered by a goodbye, and told", async () => {
  const rig = await edge();
  assert.deepEqual(await answerTo(rig, bytesOf("GET / HTTP/1.1\r\n\r\n")), {
    type: "goodbye",
    code: "malformed",
    message: "there is no frame of type 71",
  });
  assert.deepEqual(refusals(rig), ["edge: refused: there is no frame of type 71"]);
  await rig.close();
});

Deno.test("whoever does not even shake hands is closed, and told", async () => {
  const rig = await edge();
  const conn = await rig.net.connect(EDGE, { timeout: 1000 });
  await conn.write(bytesOf("SSH-2.0-x\r\n".repeat(10)));
  await assert.rejects(readAll(conn), /reset/);
  assert.deepEqual(refusals(rig), [`edge: refused: the client does not speak ${ALPN}`]);
  await rig.close(conn);
});

Deno.test("frames that are no greeting, and those that are too long for one, are not waited for", async () => {
  const rig = await edge();
  const said = async (...bytes: Uint8Array[]) => {
    const message = await answerTo(rig, ...bytes);
    assert.ok(message?.type === "goodbye" && message.code === "malformed");
    return message.message;
  };
  assert.equal(await said(encodeFrame("ping")), "expected hello or join, got ping");
  assert.equal(
    await said(Uint8Array.of(1, 0xff, 0xff, 0xff)),
    "hello: 16777215 bytes are announced, and 16384 are allowed",
  );
  assert.equal(await said(encodeFrame("hello", bytesOf("{}"))), "malformed hello");
  assert.equal(
    await said(Uint8Array.of(6, 0, 0, 0)),
    "opened does not come from the agent",
  );
  await rig.close();
});

Deno.test("whoever says nothing, or only half of it, has five seconds", async () => {
  const rig = await edge();
  for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 0, 16, 0, 0x7b)]) {
    const conn = await dial(rig);
    await conn.write(bytes);
    await rig.pass(4_999);
    assert.equal(refusals(rig).length, 0);
    await rig.pass(1);
    const message = await new Channel(conn, "edge").hear();
    assert.deepEqual(message, {
      type: "goodbye",
      code: "timeout",
      message: "said nothing in time",
    });
    conn.close();
    await rig.pass(10_000);
    rig.lines.length = 0;
  }
  await rig.close();
});

Deno.test("a wrong id and a wrong secret get the same answer, in the same way", async () => {
  const rig = await edge();
  const answers = [];
  for (const id of ["alice", "nobody"]) {
    const agent = await ScriptedAgent.connect(rig.tls, EDGE);
    await agent.sayProof(createToken(id), "any");
    answers.push(await agent.next());
    agent.close();
    await rig.pass(60_000);
  }
  assert.deepEqual(answers[0], {
    type: "goodbye",
    code: "unauthorized",
    message: "the agent's id or its token is wrong",
  });
  assert.deepEqual(answers[1], answers[0]);
  await rig.close();
});

Deno.test("who fails has to wait, even with the right token, and others have not", async () => {
  const rig = await edge();
  const failing = await ScriptedAgent.connect(rig.tls, EDGE);
  await failing.sayProof(createToken("alice"), "any");
  await failing.hear("goodbye");
  failing.close();
  const early = await ScriptedAgent.connect(rig.tls, EDGE);
  await early.control.say(helloOf("alice"));
  assert.equal((await early.hear("goodbye")).code, "too_many_attempts");
  early.close();
  await rig.pass(250);
  const agent = await rig.agent();
  await rig.close(agent);
});

function helloOf(agent: string, version = 1): Message {
  return {
    type: "hello",
    version,
    agent,
    instance: new Uint8Array(16),
    nonce: new Uint8Array(32),
  };
}

Deno.test("a login that was recorded is worth nothing the second time", async () => {
  const rig = await edge();
  const recorded: Uint8Array[] = [];
  const recording = {
    listen: rig.tls.listen.bind(rig.tls),
    accept: rig.tls.accept.bind(rig.tls),
    connect: async (...how: Parameters<typeof rig.tls.connect>) => {
      const conn = await rig.tls.connect(...how);
      const write = conn.write.bind(conn);
      conn.write = (bytes) => {
        recorded.push(bytes.slice());
        return write(bytes);
      };
      return conn;
    },
  };
  const agent = await ScriptedAgent.logIn(recording, EDGE, ALICE);
  const [hello, login] = recorded;
  agent.close();
  await settled();
  const conn = await dial(rig);
  const channel = new Channel(conn, "edge");
  await conn.write(hello!);
  assert.equal((await channel.hear())?.type, "challenge");
  await conn.write(login!);
  const answer = await channel.hear();
  assert.ok(answer?.type === "goodbye" && answer.code === "unauthorized");
  await rig.close(conn);
});

Deno.test("a login by way of somebody with another certificate fails at both ends", async () => {
  const rig = await edge();
  // What the agent sees is not what the edge has: each side's proof is about its own.
  const agent = await ScriptedAgent.connect(rig.tls, EDGE);
  await agent.sayProof(ALICE, "any", new Uint8Array(32).fill(7));
  assert.equal((await agent.hear("goodbye")).code, "unauthorized");
  await rig.pass(60_000);
  const honest = await ScriptedAgent.connect(rig.tls, EDGE);
  await assert.rejects(honest.sayProof(ALICE, "right", new Uint8Array(32).fill(7)), /edge's proof/);
  await rig.close(agent, honest);
});

Deno.test("an agent of another version is told which one is spoken", async () => {
  const rig = await edge();
  assert.deepEqual(await answerTo(rig, encodeMessage(helloOf("alice", 2))), {
    type: "goodbye",
    code: "version",
    message: "this edge speaks version 1 of the protocol, the agent version 2",
  });
  await rig.close();
});

Deno.test("a ticket that is used a second time, made up, or of somebody who is gone, opens nothing", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const [ticket, other] = agent.tickets;
  const channel = await agent.join(ticket);
  await settled();
  const isRefused = async (ticket: Uint8Array) => {
    const again = await agent.join(ticket);
    assert.equal(await again.receive(), null);
    again.close();
    await settled();
    assert.deepEqual(refusals(rig), ["edge: refused: a ticket that is unknown, used or too old"]);
    rig.lines.length = 0;
  };
  await isRefused(ticket!);
  await isRefused(new Uint8Array(32));
  const visitor = await rig.ask("blog.t.example");
  assert.equal((await channel.hear())?.type, "visit");
  agent.close();
  await settled();
  // Whoever has lost his control channel is no stranger, and need not wait before he logs in again.
  rig.lines.length = 0;
  const late = await agent.join(other!);
  assert.equal(await late.receive(), null);
  assert.deepEqual(refusals(rig), []);
  await rig.close(channel, visitor, late);
});

Deno.test("a bad ticket is a failed login", async () => {
  const rig = await edge();
  const conn = await dial(rig);
  await conn.write(encodeFrame("join", new Uint8Array(32)));
  await readAll(conn);
  conn.close();
  const answer = await answerTo(rig, encodeMessage(helloOf("alice")));
  assert.ok(answer?.type === "goodbye" && answer.code === "too_many_attempts");
  await rig.close();
});

Deno.test("an agent that sends frames without end is sent away", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  const reading = (async () => {
    for (;;) {
      const message = await agent.next();
      if (message === null || message.type === "goodbye") return message;
    }
  })();
  const flood = async () => {
    for (let i = 0; i < 2000; i++) await agent.control.say({ type: "shut", endpoint: 9 });
  };
  await flood().catch(() => {});
  assert.deepEqual(await reading, {
    type: "goodbye",
    code: "malformed",
    message: "more than 1000 messages in 10 s",
  });
  assert.ok(rig.lines.includes("agent alice is gone: more than 1000 messages in 10 s"));
  await rig.close(agent);
});

Deno.test("an agent that asks and does not read the answers is not heard any further, and cut off", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  let said = 0;
  const flood = async () => {
    const name = "x".repeat(250);
    for (; said < 900; said++) {
      await agent.control.say({ type: "open", endpoint: 1, kind: "http", name });
    }
  };
  const flooding = flood().catch(() => {});
  await rig.pass(14_000);
  assert.equal(rig.slot.gauges?.agents, 1);
  assert.ok(said < 900, "the edge has heard everything");
  await rig.pass(1_000);
  assert.equal(rig.slot.gauges?.agents, 0);
  assert.ok(rig.lines.includes("agent alice is gone: it does not read"));
  await flooding;
  await rig.close(agent);
});

Deno.test("a data channel that speaks before it has a visitor is closed", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const channel = await agent.join();
  await channel.write(encodeFrame("data", bytesOf("hello")));
  assert.equal(await channel.receive().catch(() => null), null);
  await rig.close(agent, channel);
});

Deno.test("an agent that answers a visit with nonsense, or breaks off, costs its visitor alone", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  for (const nonsense of [encodeFrame("data", bytesOf("early")), bytesOf("????"), undefined]) {
    const channel = await agent.join();
    await settled();
    const visitor = await rig.ask("blog.t.example");
    assert.equal((await channel.hear())?.type, "visit");
    if (nonsense === undefined) channel.close();
    else await channel.write(nonsense);
    assert.equal(await readAll(visitor).catch(() => ""), "");
    assert.equal((await rig.record()).reason, "backend_reset");
    visitor.close();
    channel.close();
  }
  assert.equal(rig.slot.gauges?.agents, 1);
  await rig.close(agent);
});

Deno.test("whoever comes to a door without the key is nobody's visitor, whatever he says", async () => {
  const rig = await edge();
  const agent = await rig.agent();
  await agent.open({ endpoint: 1, kind: "http", name: "blog" });
  const header = encodeProxyHeader("v2", CLIENT, EDGE, [{ type: 0xe0, value: new Uint8Array(39) }]);
  const request = bytesOf("GET / HTTP/1.1\r\nHost: blog.t.example\r\n\r\n");
  let doors = 0;
  for (const address of rig.net.listening) {
    if (address.port < 40_000) continue;
    doors++;
    for (const bytes of [request, Uint8Array.of(...header, ...request)]) {
      const conn = await rig.net.connect(address, { timeout: 1000 });
      await conn.write(bytes);
      assert.equal(await readAll(conn).catch(() => ""), "");
      conn.close();
    }
  }
  assert.equal(doors, 2);
  await rig.close(agent);
});

Deno.test("connections of one address that have not said who they are, are few", async () => {
  const rig = await edge();
  const conns = await Promise.all(
    Array.from({ length: MOST_STRANGERS_OF_ONE }, () => rig.net.connect(EDGE, { timeout: 1000 })),
  );
  await settled();
  const one = await rig.net.connect(EDGE, { timeout: 1000 });
  assert.equal(await readAll(one).catch(() => ""), "");
  assert.deepEqual(refusals(rig), [
    "edge: refused: too many connections of one address have not logged in",
  ]);
  const other = await rig.net.connectFrom(CLIENT, EDGE);
  await settled();
  assert.equal(refusals(rig).length, 1);
  for (const conn of [...conns, one, other]) conn.close();
  await rig.close();
});

Deno.test("of many refusals some are told, and the rest are counted", async () => {
  const rig = await edge();
  for (let i = 0; i < 25; i++) await answerTo(rig, encodeFrame("ping"));
  assert.equal(refusals(rig).length, 10);
  await rig.pass(10_000);
  assert.equal(rig.lines.at(-1), "edge: refused: 15 more connections");
  await rig.close();
});

Deno.test("processes of one agent are few, and so are the endpoints that one has under several numbers", async () => {
  const rig = await edge(edgeFile({ alice: 'names = ["blog"]\nmax_names = 2' }));
  const agents = [];
  for (let i = 0; i < MOST_PROCESSES; i++) agents.push(await rig.agent());
  const late = await ScriptedAgent.connect(rig.tls, EDGE);
  await late.sayProof(ALICE);
  assert.equal((await late.hear("goodbye")).code, "limit");
  const [first] = agents;
  const again = await rig.agent(ALICE, first!.instance);
  const answers = [];
  for (const endpoint of [1, 2, 3]) {
    answers.push((await again.open({ endpoint, kind: "http", name: "blog" }))?.type);
  }
  assert.deepEqual(answers, ["opened", "opened", "rejected"]);
  await rig.close(...agents, late, again);
});
