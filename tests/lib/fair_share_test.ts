import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { FairShare } from "../../lib/fair_share.ts";

const LARGE = 256 * 1024;
const SMALL = 64;

/** A share that large chunks have used up just now. */
function usedUp(): FairShare {
  const share = new FairShare();
  for (let chunk = 0; !share.isUsedUpBy(LARGE); chunk++) assert.ok(chunk < 100, "without bound");
  return share;
}

Deno.test("who waits gets a turn, and the others theirs before it", async () => {
  const share = usedUp();
  let isOver = false;
  const turn = share.turn(LARGE).then(() => isOver = true);
  await setImmediate();
  assert.equal(isOver, false);
  await turn;
  assert.equal(share.isUsedUpBy(LARGE), false);
});

Deno.test("a keystroke need not wait while downloads do, but a flood of small chunks does", () => {
  const share = usedUp();
  assert.equal(share.isUsedUpBy(SMALL), false);
  let chunks = 0;
  while (!share.isUsedUpBy(SMALL)) assert.ok(++chunks < 10_000, "without bound");
  assert.ok(chunks > 100);
});

Deno.test("of many that wait only so many go on at once, in their order, and each of them some time", async () => {
  const share = usedUp();
  const gone: number[] = [];
  const turns = Array.from(
    { length: 100 },
    (_, i) => share.turn(LARGE).then(() => gone.push(i)),
  );
  await turns[0];
  assert.ok(gone.length < 20, `${gone.length} at once`);
  await Promise.all(turns);
  assert.deepEqual(gone, Array.from({ length: 100 }, (_, i) => i));
});
