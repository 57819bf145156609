import assert from "node:assert/strict";
import { BackOff, LONGEST_PAUSE } from "../../../../lib/tunnel/agent/back_off.ts";

Deno.test("pauses grow up to the longest", () => {
  const backOff = new BackOff(() => 1);
  const pauses = Array.from({ length: 8 }, () => backOff.next(0));
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, LONGEST_PAUSE, LONGEST_PAUSE]);
});

Deno.test("a pause is at least half of what it may be, so that a crowd comes back bit by bit", () => {
  const [soon, late] = [new BackOff(() => 0), new BackOff(() => 0.5)];
  assert.deepEqual([soon.next(0), soon.next(0)], [250, 500]);
  assert.deepEqual([late.next(0), late.next(0)], [375, 750]);
});

Deno.test("what has held for a while begins anew; what ended at once does not", () => {
  const backOff = new BackOff(() => 1);
  for (let i = 0; i < 5; i++) backOff.next(0);
  assert.equal(backOff.next(9_999), 16_000);
  assert.equal(backOff.next(10_000), 500);
});
