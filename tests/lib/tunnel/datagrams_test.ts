import assert from "node:assert/strict";
import { DatagramRelay, type DatagramRelayOptions } from "../../../lib/tunnel/datagrams.ts";
import { encodeFrame } from "../../../lib/tunnel/frames.ts";
import { decline } from "../../../lib/tunnel/decline.ts";
import { Channels, settle } from "../../support/channels.ts";
import { bytesOf } from "../../support/stream_contract.ts";

const IDLE = 60_000;
const ACCEPT = 10_000;

/** A visitor over UDP: both ends, and what each was told to deliver. */
class Visit extends Channels {
  readonly toVisitor: string[] = [];
  readonly toService: string[] = [];
  readonly edgeCounts = { up: 0, down: 0 };

  async begin(edgeOptions: Partial<DatagramRelayOptions> = {}, accepts = true) {
    const channel = await this.channel();
    const text = (datagram: Uint8Array) => new TextDecoder().decode(datagram);
    const common = { idleTimeout: 0, timeouts: this.timeouts };
    const edge = new DatagramRelay(channel.edge, {
      ...common,
      end: "edge",
      counts: this.edgeCounts,
      acceptTimeout: ACCEPT,
      deliver: (datagram) => void this.toVisitor.push(text(datagram)),
      ...edgeOptions,
    });
    if (accepts) await channel.agent.say({ type: "accept" });
    const agent = accepts
      ? new DatagramRelay(channel.agent, {
        ...common,
        end: "agent",
        counts: { up: 0, down: 0 },
        deliver: (datagram) => void this.toService.push(text(datagram)),
      })
      : undefined;
    return { channel, edge, agent };
  }
}

const ENDED = { reason: "ended", isFree: true };

Deno.test("datagrams go both ways, each as it was sent, empty ones too", async () => {
  const visit = new Visit();
  const { edge, agent } = await visit.begin();
  for (const text of ["one", "", "three"]) edge.send(bytesOf(text));
  agent!.send(bytesOf("answer"));
  await settle();
  assert.deepEqual(visit.toService, ["one", "", "three"]);
  assert.deepEqual(visit.toVisitor, ["answer"]);
  assert.deepEqual(visit.edgeCounts, { up: 8, down: 6 });
});

Deno.test("the longest datagram that there is arrives, and what is longer is not sent", async () => {
  const visit = new Visit();
  const { edge } = await visit.begin();
  edge.send(new Uint8Array(65_508));
  edge.send(new Uint8Array(65_507).fill(0x61));
  await settle();
  assert.deepEqual(visit.toService, ["a".repeat(65_507)]);
});

Deno.test("either end ends a visit, behind what it has sent, and the channel is free", async () => {
  for (const who of ["edge", "agent"] as const) {
    const visit = new Visit();
    const { channel, ...relays } = await visit.begin();
    relays[who]!.send(bytesOf("last"));
    relays[who]!.end();
    relays[who]!.end();
    relays[who]!.send(bytesOf("too late"));
    const ends = await Promise.all([relays.edge.over, relays.agent!.over]);
    assert.deepEqual(ends, [ENDED, ENDED]);
    assert.deepEqual([...visit.toService, ...visit.toVisitor], ["last"]);
    await channel.agent.say({ type: "join", ticket: new Uint8Array(32) });
    assert.equal((await channel.edge.hear())?.type, "join");
  }
});

Deno.test("where the other side is slow, sixty-four wait and the oldest give way", async () => {
  const visit = new Visit();
  const { edge, channel } = await visit.begin({}, false);
  const datagram = (i: number) => new Uint8Array(10_000).fill(i);
  for (let i = 0; i < 200; i++) {
    edge.send(datagram(i));
    await settle();
  }
  assert.ok(edge.dropped > 100 && edge.dropped <= 136, `${edge.dropped} gave way`);
  const seen: number[] = [];
  for (let i = 0; i < 200 - edge.dropped; i++) {
    const frame = await channel.agent.receive();
    assert.equal(frame?.payload.length, 10_000);
    seen.push(frame?.payload[0] ?? -1);
  }
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  assert.deepEqual(seen.slice(-64), Array.from({ length: 64 }, (_, i) => 136 + i));
  edge.end();
});

Deno.test("a datagram is copied: its sender may use the bytes again at once", async () => {
  const visit = new Visit();
  const { edge } = await visit.begin();
  const bytes = bytesOf("mine");
  edge.send(bytes);
  bytes.fill(0);
  await settle();
  assert.deepEqual(visit.toService, ["mine"]);
});

Deno.test("a datagram holds until it is delivered", async () => {
  const visit = new Visit();
  const gate = Promise.withResolvers<void>();
  const held: Uint8Array[] = [];
  const { agent } = await visit.begin({
    deliver: (datagram) => {
      held.push(datagram);
      return gate.promise;
    },
  });
  agent!.send(bytesOf("first"));
  await settle();
  agent!.send(bytesOf("other"));
  await settle();
  assert.deepEqual(held, [bytesOf("first")]);
  gate.resolve();
  await settle();
  assert.equal(held.length, 2);
});

Deno.test("a visit over UDP ends when nothing has moved for the idle timeout", async () => {
  const visit = new Visit();
  const { edge } = await visit.begin({ idleTimeout: IDLE });
  visit.clock.advance(IDLE - 1);
  edge.send(bytesOf("still here"));
  await settle();
  visit.clock.advance(IDLE - 1);
  await settle();
  visit.clock.advance(1 + IDLE / 8);
  assert.deepEqual(await edge.over, { reason: "idle_timeout", isFree: false });
});

Deno.test("a service that cannot be reached is told of, and the channel is free", async () => {
  const visit = new Visit();
  const { edge, channel } = await visit.begin({}, false);
  edge.send(bytesOf("hello"));
  assert.ok(await decline(channel.agent, "no route", visit.timeouts));
  assert.deepEqual(await edge.over, { reason: "unreachable", isFree: true, message: "no route" });
});

Deno.test("an agent that says nothing is not waited for over UDP either", async () => {
  const visit = new Visit();
  const { edge } = await visit.begin({}, false);
  visit.clock.advance(ACCEPT);
  assert.deepEqual(await edge.over, { reason: "accept_timeout", isFree: false });
});

Deno.test("a channel that is cut ends a visit over UDP", async () => {
  const { edge, channel } = await new Visit().begin();
  channel.agentConn.reset();
  assert.deepEqual(await edge.over, { reason: "channel_reset", isFree: false });
  edge.send(bytesOf("nobody"));
  edge.end();
});

for (
  const [what, bytes] of Object.entries({
    "data": encodeFrame("data", bytesOf("x")),
    "a datagram before it has accepted": encodeFrame("datagram", bytesOf("x")),
    "garbage": new Uint8Array(100).fill(0xff),
  })
) {
  Deno.test(`an agent that sends ${what} to a visitor over UDP is cut off`, async () => {
    const { edge, channel } = await new Visit().begin({}, false);
    await channel.agentConn.write(bytes);
    assert.deepEqual(await edge.over, { reason: "malformed", isFree: false });
  });
}
