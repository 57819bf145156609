import assert from "node:assert/strict";
import { corpus, fuzzFrames, readFrames } from "./fuzz_frames.ts";

Deno.test("a short round of mutated streams is read in one way, and throws nothing", () => {
  assert.equal(fuzzFrames(20_000, 2026), undefined);
});

Deno.test("what the streams are made from is read whole, by one end or the other", () => {
  for (const stream of corpus()) {
    const readings = (["agent", "edge"] as const).map((from) => readFrames(from, stream, 1));
    assert.ok(readings.some(({ frames }) => frames.length > 0), stream.toHex());
  }
});

Deno.test("the fuzzer finds readers that throw, and those that see where a stream is cut", () => {
  const throwing = fuzzFrames(1000, 1, (from, stream, cut) => {
    if (stream.length % 7 === 3) throw new RangeError("no");
    return readFrames(from, stream, cut);
  });
  assert.match(throwing?.what ?? "", /throws RangeError/);
  const seeing = fuzzFrames(1000, 1, (from, stream, cut) => {
    return readFrames(from, cut === 5 ? stream.subarray(5) : stream, 0);
  });
  assert.match(seeing?.what ?? "", /in two pieces/);
});
