import assert from "node:assert/strict";
import { encodeFrame, ProtocolError } from "../../../lib/tunnel/frames.ts";
import { Channels, settle } from "../../support/channels.ts";
import { bytesOf, code } from "../../support/stream_contract.ts";

const TICKET = new Uint8Array(32).fill(7);

Deno.test("what one end says the other hears, in order", async () => {
  const { agent, edge } = await new Channels().channel();
  await agent.say({ type: "join", ticket: TICKET });
  void agent.say({ type: "accept" });
  void agent.say({ type: "end" });
  assert.deepEqual(await edge.hear(), { type: "join", ticket: TICKET });
  assert.deepEqual(await edge.hear(), { type: "accept" });
  assert.deepEqual(await edge.hear(), { type: "end" });
  agent.close();
  assert.equal(await edge.hear(), null);
});

Deno.test("a deadline loses nothing of a frame that is half here", async () => {
  const channels = new Channels();
  const { agentConn, edge } = await channels.channel();
  const frame = encodeFrame("unreachable", bytesOf('{"message":"no"}'));
  await agentConn.write(frame.subarray(0, 7));
  const deadline = channels.timeouts.start(5000);
  const hearing = edge.hear(deadline);
  await settle();
  channels.clock.advance(5000);
  assert.equal(await hearing, undefined);
  await agentConn.write(frame.subarray(7));
  assert.deepEqual(await edge.hear(), { type: "unreachable", message: "no" });
});

Deno.test("a stream that ends within a frame breaks the protocol", async () => {
  for (const bytes of [[36], [36, 0, 0, 5, 1], [1, 0, 0, 2, 0x7b]]) {
    const { agentConn, edge } = await new Channels().channel();
    await agentConn.write(Uint8Array.from(bytes));
    agentConn.close();
    await assert.rejects(async () => {
      while (await edge.receive() !== null);
    }, ProtocolError);
  }
});

Deno.test("what is malformed is not heard", async () => {
  const { agentConn, edge } = await new Channels().channel();
  await agentConn.write(encodeFrame("hello", bytesOf("{}")));
  await assert.rejects(edge.hear(), /malformed hello/);
});

Deno.test("bytes of a visitor are no message", async () => {
  const { agentConn, edge } = await new Channels().channel();
  await agentConn.write(encodeFrame("data", bytesOf("GET /")));
  await assert.rejects(edge.hear(), ProtocolError);
});

Deno.test("who does not read is not written to without end", async () => {
  const { agent } = await new Channels().channel();
  const waiting: Promise<void>[] = [];
  // The connection itself takes some of them.
  await assert.rejects(async () => {
    for (let i = 0; i < 100_000; i++) {
      const said = agent.say({ type: "unreachable", message: "x".repeat(1000) });
      waiting.push(said);
      said.catch(() => {});
      if (i % 100 === 0) await settle();
      if (waiting.length > 257) await Promise.race([said, settle()]);
    }
  }, code("timeout"));
  assert.ok(waiting.length < 1000, `${waiting.length} were taken`);
  agent.close();
  await Promise.allSettled(waiting);
});

Deno.test("closing a channel ends what it waits for", async () => {
  const { agent, edge } = await new Channels().channel();
  const hearing = assert.rejects(edge.hear(), code("closed"));
  edge.close();
  edge.close();
  await hearing;
  await assert.rejects(async () => {
    for (;;) await agent.say({ type: "end" });
  }, code("reset"));
});
