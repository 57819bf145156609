import assert from "node:assert/strict";
import { Count, type Elsewhere } from "../../lib/count.ts";

Deno.test("a count of this thread alone is its own", () => {
  const count = new Count("a", undefined);
  count.own += 2;
  count.own--;
  assert.deepEqual([count.own, count.all], [1, 1]);
});

Deno.test("a count is told to other threads under its name, and theirs are added", () => {
  const told: [string, number][] = [];
  const elsewhere: Elsewhere = {
    tell: (key, own) => void told.push([key, own]),
    of: (key) => key === "a" ? 10 : 0,
  };
  const count = new Count("a", elsewhere);
  count.own++;
  assert.deepEqual([count.own, count.all, told], [1, 11, [["a", 1]]]);
});
