import assert from "node:assert/strict";
import { Timeouts } from "../../../../lib/timeouts.ts";
import { Channel } from "../../../../lib/tunnel/channel.ts";
import {
  ChannelPool,
  LONGEST_WAIT,
  MOST_WAITING,
} from "../../../../lib/tunnel/edge/channel_pool.ts";
import { FEWEST_READY, MOST_READY } from "../../../../lib/tunnel/edge/demand.ts";
import { ManualClock } from "../../../support/clock.ts";
import { type MemoryConn, MemoryNet } from "../../../support/memory_net.ts";
import { settled } from "../../../support/rig.ts";

const AT = { address: "127.0.0.1", port: 1 };

/** A pool and its agent, who opens channels when the test says so. */
class Pool {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly pool: ChannelPool;
  /** Tickets that the agent has been sent and has not used. */
  tickets = 0;
  /** In so many messages; the next one goes when this has resolved. */
  messages = 0;
  sent = Promise.resolve();
  /** The agent's ends of its channels, in the order in which they joined. */
  readonly agentEnds: MemoryConn[] = [];
  readonly #listener = this.net.listen({ ...AT, backlog: 1 });

  constructor() {
    this.pool = new ChannelPool({
      clock: this.clock,
      timeouts: new Timeouts(this.clock),
      sendTickets: (count) => {
        this.tickets += count;
        this.messages++;
        return this.sent;
      },
    });
    this.pool.fill();
  }

  /** The agent uses so many tickets; all if it is not said. */
  async join(count = this.tickets): Promise<void> {
    for (let i = 0; i < count; i++) {
      assert.ok(this.tickets > 0, "no ticket is left");
      this.tickets--;
      const accepted = this.#listener.accept();
      this.agentEnds.push(await this.net.connect(AT, { timeout: 1 }));
      this.pool.add(new Channel(await accepted, "agent"));
    }
    await settled();
  }

  async pass(ms: number): Promise<void> {
    await settled();
    this.clock.advance(ms);
    await settled();
  }

  close(): void {
    this.pool.close();
    for (const end of this.agentEnds) end.close();
  }
}

async function taken(pool: ChannelPool): Promise<Channel> {
  const channel = await pool.take();
  assert.ok(typeof channel !== "string", String(channel));
  return channel;
}

Deno.test("an agent without visitors has a few channels ready, and gets a ticket for each that is taken", async () => {
  const it = new Pool();
  assert.equal(it.tickets, FEWEST_READY);
  await it.join();
  assert.equal(it.pool.size, FEWEST_READY);
  const channel = await taken(it.pool);
  assert.deepEqual([it.pool.size, it.tickets], [FEWEST_READY - 1, 1]);
  channel.close();
  it.close();
});

Deno.test("as many are ready as have come at once lately, so that the same crowd waits for no handshake", async () => {
  const it = new Pool();
  await it.join();
  const crowd = Array.from({ length: 40 }, () => taken(it.pool));
  await settled();
  await it.join();
  for (const channel of await Promise.all(crowd)) channel.close();
  await it.join();
  assert.equal(it.pool.size, 40);
  await it.pass(10_000);
  let waited = 0;
  const again = Array.from({ length: 40 }, () => taken(it.pool).finally(() => waited--));
  waited = again.length;
  await settled();
  assert.equal(waited, 0);
  for (const channel of await Promise.all(again)) channel.close();
  it.close();
});

Deno.test("no more are ready than may be, whatever the crowd", async () => {
  const it = new Pool();
  const crowd = Array.from({ length: 300 }, () => taken(it.pool));
  while (it.tickets > 0) await it.join();
  for (const channel of await Promise.all(crowd)) channel.close();
  while (it.tickets > 0) await it.join();
  assert.equal(it.pool.size, MOST_READY);
  it.close();
});

Deno.test("for a crowd the agent is asked in few words, however slowly he reads", async () => {
  const it = new Pool();
  await it.join();
  const slow = Promise.withResolvers<void>();
  it.sent = slow.promise;
  const before = it.messages;
  const crowd = Array.from({ length: 200 }, () => taken(it.pool));
  await settled();
  assert.equal(it.messages, before + 1);
  it.sent = Promise.resolve();
  slow.resolve();
  await settled();
  assert.ok(it.messages <= before + 4, `${it.messages - before} messages`);
  while (it.tickets > 0) await it.join();
  for (const channel of await Promise.all(crowd)) channel.close();
  it.close();
});

Deno.test("whoever waits is served in his turn", async () => {
  const it = new Pool();
  const order: number[] = [];
  const visits = [1, 2, 3].map(async (visit) => {
    const channel = await taken(it.pool);
    order.push(visit);
    return channel;
  });
  await settled();
  await it.join(3);
  for (const channel of await Promise.all(visits)) channel.close();
  assert.deepEqual(order, [1, 2, 3]);
  it.close();
});

Deno.test("nobody waits longer than he may, nor beyond so many others", async () => {
  const it = new Pool();
  const answers = Array.from({ length: MOST_WAITING + 1 }, () => it.pool.take());
  assert.equal(await answers.at(-1), "crowded");
  await it.pass(LONGEST_WAIT);
  assert.equal(await answers[0], "late");
  assert.ok((await Promise.all(answers)).every((answer) => typeof answer === "string"));
  it.close();
});

Deno.test("a channel that has ended while it was ready is not given to anybody", async () => {
  const it = new Pool();
  await it.join(2);
  it.agentEnds[1]!.close();
  await settled();
  assert.equal(it.pool.size, 1);
  const channel = await taken(it.pool);
  channel.close();
  it.close();
});

Deno.test("an agent that closes each channel at once is asked for others no faster than now and then", async () => {
  const it = new Pool();
  await it.join();
  for (const end of it.agentEnds) end.close();
  await it.pass(4_999);
  assert.equal(it.tickets, 0);
  await it.pass(1);
  assert.equal(it.tickets, FEWEST_READY);
  it.close();
});

Deno.test("a channel that has been ready for long is replaced before it is closed", async () => {
  const it = new Pool();
  await it.join();
  await it.pass(15_000);
  assert.equal(it.tickets, FEWEST_READY);
  assert.equal(it.pool.size, FEWEST_READY);
  await it.join();
  assert.equal(it.pool.size, 2 * FEWEST_READY);
  await it.pass(10_000);
  assert.equal(it.pool.size, FEWEST_READY);
  it.close();
});

Deno.test("a ticket that has expired is replaced", async () => {
  const it = new Pool();
  await settled();
  it.pool.ticketExpired();
  it.pool.fill();
  assert.equal(it.tickets, FEWEST_READY + 1);
  it.close();
});

Deno.test("when the agent is gone nobody waits, and nothing is left open", async () => {
  const it = new Pool();
  await it.join(1);
  (await taken(it.pool)).close();
  const waiting = it.pool.take();
  await settled();
  it.pool.close();
  assert.equal(await waiting, "closed");
  assert.equal(await it.pool.take(), "closed");
  it.close();
  assert.equal(it.net.open, 0);
  await it.pass(LONGEST_WAIT);
  assert.equal(it.clock.pending, 0);
});
