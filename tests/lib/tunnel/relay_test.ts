import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Bandwidth } from "../../../lib/tunnel/bandwidth.ts";
import { encodeFrame } from "../../../lib/tunnel/frames.ts";
import { decline } from "../../../lib/tunnel/decline.ts";
import { relay, type RelayOptions } from "../../../lib/tunnel/relay.ts";
import { type Conn, NetError } from "../../../lib/runtime/runtime.ts";
import type { Tap } from "../../../lib/tunnel/tap.ts";
import type { VisitEnd } from "../../../lib/tunnel/visit_end.ts";
import { Channels, settle } from "../../support/channels.ts";
import { bytesOf, readAll, readBytes } from "../../support/stream_contract.ts";

const NOTHING = new Uint8Array(0);
const IDLE = 60_000;
const ACCEPT = 10_000;

/** A visitor and a service, and a tunnel between them whose both ends relay. */
class Visit extends Channels {
  readonly edgeCounts = { up: 0, down: 0 };
  readonly agentCounts = { up: 0, down: 0 };

  /** Each end is closed behind its relay, as its caller does it. */
  async begin(
    { edge = {}, agent = {}, accepts = true }: {
      edge?: Partial<RelayOptions>;
      agent?: Partial<RelayOptions>;
      accepts?: boolean;
    } = {},
  ) {
    const [visitor, edgeConn] = await this.pair();
    const [agentConn, service] = await this.pair();
    const channel = await this.channel();
    const common = { first: NOTHING, idleTimeout: 0, timeouts: this.timeouts };
    const edgeEnd = relay(edgeConn, channel.edge, {
      ...common,
      end: "edge",
      counts: this.edgeCounts,
      acceptTimeout: ACCEPT,
      ...edge,
    }).then((end) => {
      edgeConn.close();
      if (!end.isFree) channel.edge.close();
      return end;
    });
    if (accepts) await channel.agent.say({ type: "accept" });
    const agentEnd = !accepts ? undefined : relay(agentConn, channel.agent, {
      ...common,
      end: "agent",
      counts: this.agentCounts,
      ...agent,
    }).then((end) => {
      agentConn.close();
      if (!end.isFree) channel.agent.close();
      return end;
    });
    return { visitor, service, edgeConn, agentConn, channel, edgeEnd, agentEnd };
  }
}

const ENDED: VisitEnd = { reason: "ended", isFree: true };

Deno.test("a visit carries both ways, first the head, and counts at both ends", async () => {
  const visit = new Visit();
  const { visitor, service, edgeEnd, agentEnd } = await visit.begin({
    edge: { first: bytesOf("head ") },
  });
  await visitor.write(bytesOf("and body"));
  await visitor.closeWrite();
  assert.equal(await readAll(service), "head and body");
  await service.write(bytesOf("answer"));
  await service.closeWrite();
  assert.equal(await readAll(visitor), "answer");
  assert.deepEqual(await Promise.all([edgeEnd, agentEnd]), [ENDED, ENDED]);
  assert.deepEqual(visit.edgeCounts, { up: 13, down: 6 });
  assert.deepEqual(visit.agentCounts, { up: 13, down: 6 });
  assert.equal(visit.clock.pending, 1, "the queue of the accept timeout alone");
});

Deno.test("a half-close is passed on in either direction, and the other goes on", async () => {
  for (const first of ["visitor", "service"] as const) {
    const visit = new Visit();
    const { edgeEnd, agentEnd, ...ends } = await visit.begin();
    const [early, late] = first === "visitor"
      ? [ends.visitor, ends.service]
      : [ends.service, ends.visitor];
    await early.closeWrite();
    assert.equal(await readAll(late), "");
    for (let i = 0; i < 100; i++) await late.write(bytesOf("a long reply "));
    await late.closeWrite();
    assert.equal(await readAll(early), "a long reply ".repeat(100));
    assert.deepEqual(await Promise.all([edgeEnd, agentEnd]), [ENDED, ENDED]);
  }
});

Deno.test("every byte of a large transfer arrives, in both directions at once", async () => {
  const visit = new Visit();
  const { visitor, service, edgeEnd, agentEnd } = await visit.begin();
  const pattern = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 31 ^ i >> 8);
  const send = async (conn: typeof visitor) => {
    await conn.write(pattern);
    await conn.closeWrite();
  };
  const [up, down] = await Promise.all([
    readBytes(service),
    readBytes(visitor),
    send(visitor),
    send(service),
  ]);
  assert.ok(Buffer.compare(up, pattern) === 0 && Buffer.compare(down, pattern) === 0);
  assert.deepEqual(await Promise.all([edgeEnd, agentEnd]), [ENDED, ENDED]);
});

Deno.test("a channel carries one visit after the other", async () => {
  const visit = new Visit();
  const { channel } = await visit.begin().then(async (first) => {
    await first.visitor.closeWrite();
    await first.service.closeWrite();
    await Promise.all([first.edgeEnd, first.agentEnd]);
    return first;
  });
  await channel.agent.say({ type: "join", ticket: new Uint8Array(32) });
  assert.equal((await channel.edge.hear())?.type, "join");
});

Deno.test("a visitor that breaks off is broken off at the service, and the other way round", async () => {
  for (const who of ["visitor", "service"] as const) {
    const { edgeEnd, agentEnd, ...ends } = await new Visit().begin();
    ends[who].reset();
    const [atEdge, atAgent] = await Promise.all([edgeEnd, agentEnd]);
    const [here, there] = who === "visitor" ? [atEdge, atAgent] : [atAgent, atEdge];
    assert.deepEqual(here, { reason: "conn_reset", isFree: false });
    assert.deepEqual(there, { reason: "channel_reset", isFree: false });
  }
});

Deno.test("a channel that is cut breaks off both ends", async () => {
  const { channel, edgeEnd, agentEnd } = await new Visit().begin();
  channel.edgeConn.reset();
  channel.agentConn.reset();
  assert.equal((await edgeEnd).isFree, false);
  assert.equal((await agentEnd)?.isFree, false);
});

Deno.test("a channel that is cut behind the end of one direction breaks off the other", async () => {
  const { visitor, service, channel, edgeEnd, agentEnd } = await new Visit().begin();
  await service.closeWrite();
  assert.equal(await visitor.read(new Uint8Array(1)), null);
  channel.agent.close();
  assert.deepEqual(await edgeEnd, { reason: "channel_reset", isFree: false });
  assert.deepEqual(await agentEnd, { reason: "closed", isFree: false });
});

Deno.test("a visit that is closed from outside says so", async () => {
  const { edgeConn, edgeEnd, agentEnd } = await new Visit().begin();
  edgeConn.close();
  assert.deepEqual(await edgeEnd, { reason: "closed", isFree: false });
  assert.equal((await agentEnd)?.reason, "channel_reset");
});

Deno.test("a service that does not read stops the visitor, not the memory", async () => {
  const visit = new Visit();
  const { visitor, service, edgeConn, edgeEnd, agentEnd } = await visit.begin();
  let sent = 0;
  const flood = (async () => {
    for (; sent < 1 << 30; sent += 65_536) await visitor.write(new Uint8Array(65_536));
  })().catch(() => {});
  for (let before = -1; before !== sent;) {
    before = sent;
    for (let i = 0; i < 20; i++) await settle();
  }
  assert.ok(sent < 2 << 20, `${sent} bytes were taken`);
  edgeConn.close();
  service.close();
  await Promise.all([flood, edgeEnd, agentEnd]);
});

Deno.test("a visit ends when nothing has moved for the idle timeout", async () => {
  const visit = new Visit();
  const { visitor, service, edgeEnd, agentEnd } = await visit.begin({
    edge: { idleTimeout: IDLE },
  });
  let end: VisitEnd | undefined;
  edgeEnd.then((how) => end = how);
  for (const [from, to] of [[visitor, service], [service, visitor]] as const) {
    visit.clock.advance(IDLE - 1);
    await from.write(bytesOf("still here"));
    assert.equal(await to.read(new Uint8Array(16)), 10);
    await settle();
  }
  visit.clock.advance(IDLE - 1);
  await settle();
  assert.equal(end, undefined);
  visit.clock.advance(1 + IDLE / 8);
  assert.deepEqual(await edgeEnd, { reason: "idle_timeout", isFree: false });
  assert.equal((await agentEnd)?.reason, "channel_reset");
});

Deno.test("a service that refuses an upload is still heard, and the channel is kept", async () => {
  const { visitor, service, agentEnd, edgeEnd } = await new Visit().begin();
  await visitor.write(bytesOf("POST / with a long body"));
  assert.ok(await service.read(new Uint8Array(64)));
  await service.write(bytesOf("413 no"));
  await service.closeWrite();
  const into = new Uint8Array(16);
  assert.equal(await visitor.read(into), 6);
  assert.equal(await visitor.read(into), null);
  service.close();
  // What is still sent goes nowhere.
  for (let i = 0; i < 50; i++) {
    await visitor.write(bytesOf("more of it "));
    await settle();
  }
  visitor.close();
  assert.deepEqual(await agentEnd, { reason: "conn_reset", isFree: true });
  assert.deepEqual(await edgeEnd, ENDED);
});

Deno.test("a visitor that is gone from under a download that it waited for is given up at once", async () => {
  const { visitor, service, edgeEnd, agentEnd } = await new Visit().begin();
  await visitor.closeWrite();
  await settle();
  visitor.close();
  let over = false;
  edgeEnd.then(() => over = true);
  while (!over) {
    await service.write(new Uint8Array(1000));
    await settle();
  }
  assert.deepEqual(await edgeEnd, { reason: "conn_reset", isFree: false });
  service.close();
  await agentEnd;
});

Deno.test("a visitor that was reset is gone, though his stream seems to end behind that", async () => {
  const visit = new Visit();
  const [, conn] = await visit.pair();
  const { agent, edge } = await visit.channel();
  const written = Promise.withResolvers<void>();
  // As Linux does it: the first call is told of the reset, and the next one of the end of the stream.
  const gone: Conn = {
    local: conn.local,
    remote: conn.remote,
    read: () => written.promise.then(() => null),
    write: () => {
      written.resolve();
      return Promise.reject(new NetError("reset", "Connection reset by peer"));
    },
    closeWrite: () => Promise.resolve(),
    setNoDelay() {},
    setKeepAlive() {},
    close() {},
  };
  const end = relay(gone, edge, {
    end: "edge",
    first: NOTHING,
    counts: { up: 0, down: 0 },
    idleTimeout: 0,
    acceptTimeout: ACCEPT,
    timeouts: visit.timeouts,
  });
  await agent.say({ type: "accept" });
  await agent.write(encodeFrame("data", bytesOf("a download")));
  assert.deepEqual(await end, { reason: "conn_reset", isFree: false });
});

Deno.test("what the visitor sends goes on its way before the agent accepts", async () => {
  const { visitor, channel, edgeEnd } = await new Visit().begin({ accepts: false });
  await visitor.write(bytesOf("hello"));
  const frame = await channel.agent.receive();
  assert.equal(frame?.type, "data");
  assert.deepEqual(frame?.payload, bytesOf("hello"));
  channel.agent.close();
  assert.equal((await edgeEnd).reason, "channel_reset");
});

Deno.test("a service that cannot be reached leaves the visitor to the edge, and the channel free", async () => {
  const visit = new Visit();
  const [visitor, edgeConn] = await visit.pair();
  const channel = await visit.channel();
  const edgeEnd = relay(edgeConn, channel.edge, {
    end: "edge",
    first: bytesOf("GET / HTTP/1.1\r\n\r\n"),
    counts: { up: 0, down: 0 },
    idleTimeout: 0,
    acceptTimeout: ACCEPT,
    timeouts: visit.timeouts,
  });
  assert.ok(await decline(channel.agent, "Connection refused", visit.timeouts));
  assert.deepEqual(await edgeEnd, {
    reason: "unreachable",
    isFree: true,
    message: "Connection refused",
  });
  await edgeConn.write(bytesOf("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  edgeConn.close();
  assert.equal(await readAll(visitor), "HTTP/1.1 502 Bad Gateway\r\n\r\n");
  await channel.agent.say({ type: "join", ticket: new Uint8Array(32) });
  assert.equal((await channel.edge.hear())?.type, "join");
});

Deno.test("what the visitor sends behind a refusal is left for the edge", async () => {
  const visit = new Visit();
  const [visitor, edgeConn] = await visit.pair();
  const channel = await visit.channel();
  const edgeEnd = relay(edgeConn, channel.edge, {
    end: "edge",
    first: NOTHING,
    counts: { up: 0, down: 0 },
    idleTimeout: 0,
    acceptTimeout: ACCEPT,
    timeouts: visit.timeouts,
  });
  assert.ok(await decline(channel.agent, "no", visit.timeouts));
  await edgeEnd;
  await visitor.write(bytesOf("late"));
  assert.equal(await edgeConn.read(new Uint8Array(16)), 4);
});

Deno.test("an edge that does not say where the visit ends is not waited for after a refusal", async () => {
  const visit = new Visit();
  const { agent, edge } = await visit.channel();
  const freed = decline(agent, "no", visit.timeouts);
  await edge.hear();
  await settle();
  visit.clock.advance(5000);
  assert.equal(await freed, false);
});

Deno.test("an agent that says nothing is not waited for", async () => {
  const visit = new Visit();
  const { edgeEnd } = await visit.begin({ accepts: false });
  visit.clock.advance(ACCEPT);
  assert.deepEqual(await edgeEnd, { reason: "accept_timeout", isFree: false });
});

const HOSTILE: Readonly<Record<string, Uint8Array>> = {
  "data before it has accepted": encodeFrame("data", bytesOf("x")),
  "an end before it has accepted": encodeFrame("end"),
  "a message of a control channel": encodeFrame("ping"),
  "a frame of no known type": Uint8Array.of(99, 0, 0, 0),
  "a reason that is malformed": encodeFrame("unreachable", bytesOf("no")),
  "a datagram": encodeFrame("datagram", bytesOf("x")),
};
for (const [what, bytes] of Object.entries(HOSTILE)) {
  Deno.test(`an agent that sends ${what} is cut off`, async () => {
    const { channel, edgeEnd } = await new Visit().begin({ accepts: false });
    await channel.agentConn.write(bytes);
    assert.deepEqual(await edgeEnd, { reason: "malformed", isFree: false });
  });
}

Deno.test("an agent that accepts twice is cut off", async () => {
  const { channel, edgeEnd } = await new Visit().begin({ accepts: false });
  await channel.agentConn.write(encodeFrame("accept"));
  await channel.agentConn.write(encodeFrame("accept"));
  assert.deepEqual(await edgeEnd, { reason: "malformed", isFree: false });
});

Deno.test("bandwidth holds up both directions", async () => {
  const visit = new Visit();
  const bandwidth = new Bandwidth(visit.clock, 1000);
  const { visitor, service, edgeEnd, agentEnd } = await visit.begin({ edge: { bandwidth } });
  await visitor.write(new Uint8Array(3000));
  const received = readBytes(service);
  await settle();
  assert.equal(visit.agentCounts.up, 0);
  visit.clock.advance(2000);
  await settle();
  assert.equal(visit.agentCounts.up, 3000);
  await visitor.closeWrite();
  assert.equal((await received).length, 3000);
  await service.closeWrite();
  assert.deepEqual(await Promise.all([edgeEnd, agentEnd]), [ENDED, ENDED]);
  bandwidth.close();
});

/** Writes down what it sees, and makes upper case of it. */
class Shouting implements Tap {
  readonly seen: string[] = [];
  answer: Uint8Array | undefined;
  /** Answers when this has come. */
  answersAt: string | undefined;

  up(bytes: Uint8Array): Uint8Array {
    return this.#see("up", bytes);
  }

  down(bytes: Uint8Array): Uint8Array {
    return this.#see("down", bytes);
  }

  #see(direction: string, bytes: Uint8Array): Uint8Array {
    const text = new TextDecoder().decode(bytes);
    this.seen.push(`${direction} ${text}`);
    if (text === this.answersAt) this.answer = bytesOf("421 Misdirected");
    return bytesOf(`${text.toUpperCase()}!`);
  }

  upEnded(): void {
    this.seen.push("up ended");
  }

  downEnded(): void {
    this.seen.push("down ended");
  }

  closed(): void {
    this.seen.push("closed");
  }
}

Deno.test("a tap sees every byte, and what it returns goes on", async () => {
  const tap = new Shouting();
  const { visitor, service, edgeEnd, agentEnd } = await new Visit().begin({ agent: { tap } });
  await visitor.write(bytesOf("hello"));
  const into = new Uint8Array(16);
  assert.equal(await service.read(into), 6);
  assert.deepEqual(into.subarray(0, 6), bytesOf("HELLO!"));
  await visitor.closeWrite();
  assert.equal(await readAll(service), "");
  await service.write(bytesOf("bye"));
  await service.closeWrite();
  assert.equal(await readAll(visitor), "BYE!");
  assert.deepEqual(await Promise.all([edgeEnd, agentEnd]), [ENDED, ENDED]);
  assert.deepEqual(tap.seen, ["up hello", "up ended", "down bye", "down ended", "closed"]);
});

Deno.test("a tap answers in place of the service, and the channel is free again", async () => {
  for (const who of ["visitor", "service"] as const) {
    const tap = new Shouting();
    tap.answersAt = "wrong";
    const { edgeEnd, agentEnd, ...ends } = await new Visit().begin({ agent: { tap } });
    await ends[who].write(bytesOf("wrong"));
    assert.equal(await readAll(ends.visitor), "421 Misdirected");
    ends.visitor.close();
    assert.deepEqual(await Promise.all([edgeEnd, agentEnd]), [ENDED, ENDED]);
    assert.equal(tap.seen.at(-1), "closed");
  }
});

Deno.test("a visitor that sends on although it was answered is cut off", async () => {
  const tap = new Shouting();
  tap.answersAt = "wrong";
  const visit = new Visit();
  const { visitor, edgeEnd, agentEnd } = await visit.begin({ agent: { tap } });
  await visitor.write(bytesOf("wrong"));
  assert.equal(await readAll(visitor), "421 Misdirected");
  await visitor.write(bytesOf("and more"));
  await settle();
  visit.clock.advance(5000);
  assert.deepEqual(await agentEnd, { reason: "ended", isFree: false });
  assert.equal((await edgeEnd).isFree, false);
});
