import fc from "fast-check";
import assert from "node:assert/strict";
import { LineBuffer } from "../../lib/line_buffer.ts";

Deno.test("pieces follow each other, and what was taken is gone", () => {
  const buffer = new LineBuffer();
  buffer.text("a=").number(17).text(" ").padTo(8).text("b").padTo(3).end();
  buffer.end();
  assert.equal(buffer.length, 11);
  assert.deepEqual(buffer.take(), { lines: "a=17    b\n\n", count: 2 });
  buffer.text("c").end();
  assert.deepEqual(buffer.take(), { lines: "c\n", count: 1 });
  assert.deepEqual(buffer.take(), { lines: "", count: 0 });
});

Deno.test("whatever is written, it is what strings would say", () => {
  const ascii = fc.string({ unit: "binary-ascii", maxLength: 2000 });
  const number = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.integer(), fc.constantFrom(9, 10, 2 ** 30));
  fc.assert(fc.property(fc.array(fc.oneof(ascii, number), { maxLength: 100 }), (pieces) => {
    const buffer = new LineBuffer();
    for (const piece of pieces) {
      if (typeof piece === "string") buffer.text(piece);
      else buffer.number(piece);
    }
    assert.equal(buffer.length, pieces.join("").length);
    assert.equal(buffer.take().lines, pieces.join(""));
  }));
});

Deno.test("it grows with what waits", () => {
  const buffer = new LineBuffer();
  const line = "x".repeat(999);
  for (let i = 0; i < 1000; i++) buffer.text(line).end();
  assert.deepEqual(buffer.take(), { lines: `${line}\n`.repeat(1000), count: 1000 });
});
