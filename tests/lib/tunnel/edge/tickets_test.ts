import assert from "node:assert/strict";
import { unguessable } from "../../../../lib/tunnel/auth.ts";
import { TICKET_LIFETIME, Tickets } from "../../../../lib/tunnel/edge/tickets.ts";
import { ManualClock } from "../../../support/clock.ts";

const good = (owner: string) => ({ kind: "good", owner });
const UNKNOWN = { kind: "unknown" };

Deno.test("a ticket is good once, for who gave it", () => {
  const tickets = new Tickets<string>(new ManualClock());
  const [first] = tickets.issue("a", 1);
  const [second] = tickets.issue("b", 1);
  assert.deepEqual(tickets.redeem(second!), good("b"));
  assert.deepEqual(tickets.redeem(second!), UNKNOWN);
  assert.deepEqual(tickets.redeem(first!), good("a"));
  assert.equal(tickets.size, 0);
});

Deno.test("a ticket that nobody gave is good for nothing", () => {
  const tickets = new Tickets<string>(new ManualClock());
  tickets.issue("a", 3);
  assert.deepEqual(tickets.redeem(unguessable()), UNKNOWN);
  assert.deepEqual(tickets.redeem(new Uint8Array(0)), UNKNOWN);
  assert.equal(tickets.size, 3);
});

Deno.test("a ticket is good until its time is over", () => {
  const clock = new ManualClock();
  const tickets = new Tickets<string>(clock);
  const [one, other] = tickets.issue("a", 2);
  clock.advance(TICKET_LIFETIME - 1);
  assert.deepEqual(tickets.redeem(one!), good("a"));
  clock.advance(1);
  assert.deepEqual(tickets.redeem(other!), UNKNOWN);
});

Deno.test("tickets that have expired are told to who gave them", () => {
  const clock = new ManualClock();
  const tickets = new Tickets<string>(clock);
  tickets.issue("a", 2);
  clock.advance(1000);
  tickets.issue("b", 1);
  clock.advance(TICKET_LIFETIME - 1000);
  assert.deepEqual(tickets.expire(), ["a", "a"]);
  assert.deepEqual(tickets.expire(), []);
  assert.equal(tickets.size, 1);
});

Deno.test("the tickets of who is gone are good for nothing", () => {
  const tickets = new Tickets<string>(new ManualClock());
  const mine = tickets.issue("a", 2);
  const [other] = tickets.issue("b", 1);
  tickets.revoke("a");
  const gone = { kind: "gone" };
  assert.deepEqual(mine.map((ticket) => tickets.redeem(ticket)), [gone, gone]);
  assert.deepEqual(tickets.redeem(mine[0]!), UNKNOWN);
  assert.deepEqual(tickets.redeem(other!), good("b"));
});

Deno.test("no two tickets are alike", () => {
  const tickets = new Tickets<string>(new ManualClock());
  const all = tickets.issue("a", 100).map((ticket) => ticket.toHex());
  assert.equal(new Set(all).size, 100);
  for (const each of all) assert.equal(each.length, 64);
});
