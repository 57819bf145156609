import assert from "node:assert/strict";
import { Talk } from "../support/http_talk.ts";
import { fuzzHttp } from "./fuzz_http.ts";

Deno.test("a short round of mutated conversations breaks nothing", () => {
  assert.equal(fuzzHttp(3_000, 2026), undefined);
});

Deno.test("the fuzzer finds who throws, and whose answer depends on the cut", () => {
  const throws = () => {
    throw new RangeError("no");
  };
  assert.match(fuzzHttp(10, 1, throws)?.what ?? "", /^throws RangeError: no/);
  const forgets = () => new Talk().asks(`GET /${Math.random()} HTTP/1.1\r\nHost: a\r\n\r\n`).ends();
  assert.equal(fuzzHttp(10, 1, forgets)?.what, "the cut decides");
});
