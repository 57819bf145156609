import assert from "node:assert/strict";
import { Demand, FEWEST_READY, MOST_READY } from "../../../../lib/tunnel/edge/demand.ts";
import { ManualClock } from "../../../support/clock.ts";

function add(demand: Demand, count: number): void {
  for (let i = 0; i < count; i++) demand.add();
}

Deno.test("a few channels are ready where nobody comes", () => {
  assert.equal(new Demand(new ManualClock()).ready, FEWEST_READY);
});

Deno.test("as many are ready as came within a second, and no more than there may be", () => {
  const clock = new ManualClock();
  const demand = new Demand(clock);
  add(demand, 20);
  assert.equal(demand.ready, 20);
  clock.advance(1000);
  add(demand, 7);
  assert.equal(demand.ready, 20);
  add(demand, 500);
  assert.equal(demand.ready, MOST_READY);
});

Deno.test("a crowd is forgotten half a minute later", () => {
  const clock = new ManualClock();
  const demand = new Demand(clock);
  add(demand, 50);
  for (let second = 0; second < 29; second++) {
    clock.advance(1000);
    add(demand, 5);
    assert.equal(demand.ready, 50);
  }
  clock.advance(1000);
  assert.equal(demand.ready, 5);
  clock.advance(3_600_000);
  assert.equal(demand.ready, FEWEST_READY);
});
