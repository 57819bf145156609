import assert from "node:assert/strict";
import { Attempts, MOST_ADDRESSES } from "../../../../lib/tunnel/edge/attempts.ts";
import { ManualClock } from "../../../support/clock.ts";

/** How long an address is barred from now on, in steps of `step` ms; time goes on meanwhile. */
function pauseOf(attempts: Attempts, clock: ManualClock, address: string, step = 250): number {
  let pause = 0;
  while (attempts.isBarred(address) && pause < 100_000) {
    clock.advance(step);
    pause += step;
  }
  return pause;
}

Deno.test("who fails waits 250 ms, then twice as long each time, up to 30 s", () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  const pauses = Array.from({ length: 10 }, () => {
    attempts.failed("192.0.2.1");
    return pauseOf(attempts, clock, "192.0.2.1");
  });
  assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

Deno.test("nobody waits for another's failures, but for those of its own network of IPv6", () => {
  const attempts = new Attempts(new ManualClock());
  attempts.failed("192.0.2.1");
  attempts.failed("2001:db8::1");
  assert.ok(attempts.isBarred("192.0.2.1"));
  assert.ok(!attempts.isBarred("192.0.2.2"));
  assert.ok(attempts.isBarred("2001:db8::ffff"));
  assert.ok(!attempts.isBarred("2001:db8:0:1::1"));
});

Deno.test("a success, and a long time, let failures be forgotten", () => {
  const clock = new ManualClock();
  const attempts = new Attempts(clock);
  const failFive = () => {
    for (let i = 0; i < 5; i++) attempts.failed("192.0.2.1");
  };
  failFive();
  attempts.succeeded("192.0.2.1");
  assert.ok(!attempts.isBarred("192.0.2.1"));
  failFive();
  clock.advance(10 * 60_000);
  attempts.failed("192.0.2.1");
  assert.equal(pauseOf(attempts, clock, "192.0.2.1"), 250);
});

Deno.test("however many addresses fail, so many are remembered, and the one that failed longest ago gives way", () => {
  const attempts = new Attempts(new ManualClock());
  const address = (i: number) => `10.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}`;
  for (let i = 0; i < MOST_ADDRESSES; i++) attempts.failed(address(i));
  attempts.failed(address(0));
  attempts.failed("192.0.2.1");
  assert.ok(attempts.isBarred(address(0)));
  assert.ok(!attempts.isBarred(address(1)));
  assert.ok(attempts.isBarred(address(2)));
});
