import assert from "node:assert/strict";
import { formatSize, parseSize } from "../../../lib/config/size.ts";

Deno.test("sizes have decimal or binary units, and what is written is read back", () => {
  const sizes = {
    "1kB": 1000,
    "1.5 mb": 1_500_000,
    "16MiB": 16 * 2 ** 20,
    "2GB": 2e9,
    "2000B": 2000,
  };
  for (const [text, bytes] of Object.entries(sizes)) {
    assert.equal(parseSize(text), bytes, text);
    assert.equal(parseSize(formatSize(bytes)), bytes, text);
  }
  assert.equal(formatSize(1_500_000), "1500kB");
});

Deno.test("a size without a unit, a part of a byte, and one that nothing fits into are refused", () => {
  for (const text of ["", "10", "10M", "-1MB", "0.0001kB", "999B", "1e3MB", "9999999999GB"]) {
    assert.throws(() => parseSize(text), SyntaxError, text);
  }
});
