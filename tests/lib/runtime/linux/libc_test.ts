import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const source = readFileSync(
  new URL("../../../../lib/runtime/linux/libc.ts", import.meta.url),
  "utf8",
);

// What goes wrong otherwise is seen once in some million calls: see `errno` there.
Deno.test("each call of the C library is followed by the reading of errno, with no function between them", () => {
  const calls = source.match(/\bc\.\w+\(/g) ?? [];
  const read = source.match(
    / {2}const result = c\.\w+\([^()]*\);\n {2}return result < 0 \? -errno\[0\]! : [^()]*;\n/g,
  ) ?? [];
  // These two say nothing by errno.
  const without = source.match(/\bc\.(__errno_location|strerror)\(/g) ?? [];
  assert.ok(read.length > 20);
  assert.equal(read.length + without.length, calls.length);
});
