import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { MOST_HELD, ReceiveBuffers } from "../../../lib/runtime/receive_buffers.ts";
import { LARGEST_DATAGRAM, Slabs } from "../../../lib/runtime/slabs.ts";

/** As many slices as it takes for the last one to be of another slab. */
function slabAndOne(slabs: Slabs): Uint8Array<ArrayBuffer>[] {
  const slices = [slabs.take()];
  while (slices.at(-1)!.buffer === slices[0]!.buffer) {
    slices.push(slabs.take());
    assert.ok(slices.length < 10_000, "without bound");
  }
  return slices;
}

Deno.test("slices take the largest datagram, and none overlaps another", () => {
  const slices = slabAndOne(new Slabs());
  for (const { byteLength } of slices) assert.equal(byteLength, LARGEST_DATAGRAM);
  const [one] = slices.splice(-1);
  const begins = slices.map(({ byteOffset }) => byteOffset).sort((a, b) => a - b);
  assert.deepEqual(begins, begins.map((_, i) => i * LARGEST_DATAGRAM));
  assert.equal(slices.length * LARGEST_DATAGRAM, slices[0]?.buffer.byteLength);
  assert.notEqual(one?.buffer, slices[0]?.buffer);
});

Deno.test("a slice that is free again is taken before any that was never used", () => {
  const slabs = new Slabs();
  const [first, second] = [slabs.take(), slabs.take()];
  slabs.free(first);
  const again = slabs.take();
  assert.deepEqual([again.buffer, again.byteOffset], [first.buffer, first.byteOffset]);
  assert.notEqual(again.byteOffset, second.byteOffset);
});

Deno.test("slices are cut from the oldest slab that has room, so that later ones become free", () => {
  const slabs = new Slabs();
  const slices = slabAndOne(slabs);
  const [old, late] = [slices[0]!, slices.at(-1)!];
  slabs.free(old);
  slabs.free(late);
  assert.equal(slabs.take().buffer, old.buffer);
  // The late slab had room only beside the old one, so it is gone.
  assert.notEqual(slabs.take().buffer, late.buffer);
});

Deno.test("the last slab with room stays: a socket that comes and goes costs none", () => {
  const slabs = new Slabs();
  const late = slabAndOne(slabs).at(-1)!;
  slabs.free(late);
  assert.equal(slabs.take().buffer, late.buffer);
});

Deno.test("a port holds so many datagrams, then waits for one to be done with", async () => {
  const buffers = new ReceiveBuffers(new Slabs());
  const taken = Array.from({ length: MOST_HELD }, () => buffers.take()!);
  assert.equal(buffers.take(), undefined);
  let next: unknown;
  buffers.next().then((buffer) => next = buffer);
  await setImmediate();
  assert.equal(next, undefined);
  taken[7]!.free();
  await setImmediate();
  assert.equal(next, taken[7]);
  assert.equal(buffers.take(), undefined);
});

Deno.test("a port that is closed gives its memory back, what is held as soon as it is free", () => {
  const slabs = new Slabs();
  const buffers = new ReceiveBuffers(slabs);
  const [idle, held] = [buffers.take()!, buffers.take()!];
  idle.free();
  buffers.close();
  const begin = () => slabs.take().byteOffset;
  assert.equal(begin(), idle.bytes.byteOffset);
  held.free();
  assert.equal(begin(), held.bytes.byteOffset);
});
