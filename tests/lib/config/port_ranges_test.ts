import assert from "node:assert/strict";
import {
  coversPorts,
  formatPorts,
  hasPort,
  mergedRanges,
  parsePorts,
} from "../../../lib/config/port_ranges.ts";

Deno.test("ranges that touch or overlap are merged, and what is written is read back", () => {
  const merged = mergedRanges(parsePorts("20010, 20000 - 20004,20005-20009,3,20002"));
  assert.equal(formatPorts(merged), "3,20000-20010");
  assert.deepEqual(parsePorts(formatPorts(merged)), merged);
});

Deno.test("what is no port is refused", () => {
  for (const text of ["", "a", "1-", "-1", "1,,2", "0", "65536", "1-65536", "1.5", "1-2-3"]) {
    assert.throws(() => parsePorts(text), SyntaxError, text);
  }
});

Deno.test("a port is in a range up to both ends, and a range in another if all of it is", () => {
  const ranges = mergedRanges(parsePorts("10-20,30"));
  assert.deepEqual([9, 10, 20, 21, 30].map((port) => hasPort(ranges, port)), [
    false,
    true,
    true,
    false,
    true,
  ]);
  assert.ok(coversPorts(ranges, parsePorts("10,15-20,30")));
  assert.ok(!coversPorts(ranges, parsePorts("20-30")));
  assert.ok(coversPorts(ranges, []));
});
