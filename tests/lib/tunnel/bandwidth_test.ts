import assert from "node:assert/strict";
import { Bandwidth } from "../../../lib/tunnel/bandwidth.ts";
import { ManualClock } from "../../support/clock.ts";

Deno.test("what fits in a second goes at once, and what is more waits for its turn", async () => {
  const clock = new ManualClock();
  const bandwidth = new Bandwidth(clock, 1000);
  assert.equal(bandwidth.take(600), undefined);
  assert.equal(bandwidth.take(400), undefined);
  const order: string[] = [];
  const first = bandwidth.take(500)?.then(() => order.push("first"));
  const second = bandwidth.take(1500)?.then(() => order.push("second"));
  clock.advance(499);
  await Promise.resolve();
  assert.deepEqual(order, []);
  clock.advance(1);
  await first;
  assert.deepEqual(order, ["first"]);
  clock.advance(1500);
  await second;
  assert.equal(bandwidth.take(0), undefined);
  assert.equal(clock.pending, 0);
});

Deno.test("over a long time no more goes than may", async () => {
  const clock = new ManualClock();
  const bandwidth = new Bandwidth(clock, 1_000_000);
  let sent = 0;
  const copy = async () => {
    for (;;) {
      const wait = bandwidth.take(65_536);
      if (wait !== undefined) await wait;
      sent += 65_536;
    }
  };
  void copy();
  void copy();
  for (let ms = 0; ms < 10_000; ms++) {
    clock.advance(1);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
  // Ten seconds' worth, and the second that the bucket held.
  assert.ok(sent > 10_800_000 && sent < 11_200_000, `${sent}`);
});

Deno.test("what was not used does not pile up", () => {
  const clock = new ManualClock();
  const bandwidth = new Bandwidth(clock, 1000);
  clock.advance(3_600_000);
  assert.equal(bandwidth.take(1000), undefined);
  assert.notEqual(bandwidth.take(1), undefined);
  bandwidth.close();
});

Deno.test("closing lets go of everybody who waits", async () => {
  const clock = new ManualClock();
  const bandwidth = new Bandwidth(clock, 1);
  const waiting = [bandwidth.take(100), bandwidth.take(100)];
  bandwidth.close();
  await Promise.all(waiting);
  assert.equal(clock.pending, 0);
});
