import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../../lib/config/duration.ts";

Deno.test("a duration is read in every unit, and in the long forms of rpxy-l4", () => {
  const durations = {
    "500ms": 500,
    "30s": 30_000,
    "30": 30_000,
    "0s": 0,
    "1m30s": 90_000,
    "1h 2m 3s 4ms": 3_723_004,
    "2H": 7_200_000,
    " 5 sec ": 5_000,
    "1 second": 1_000,
    "2 minutes": 120_000,
    "3mins": 180_000,
    "1hr": 3_600_000,
    "4 hours": 14_400_000,
  };
  for (const [text, ms] of Object.entries(durations)) assert.equal(parseDuration(text), ms, text);
});

Deno.test("what is no duration says what was expected", () => {
  for (
    const text of ["", " ", "s", "5d", "1.5s", "-1s", "30s1m", "1m1m", "5 m s", "1e3s", "5msec"]
  ) {
    const message = `expected a duration such as "30s", "1m30s" or "500ms", got "${text}"`;
    assert.throws(() => parseDuration(text), { name: "SyntaxError", message }, text);
  }
});

Deno.test("a duration is written so that it is read back", () => {
  fc.assert(fc.property(fc.nat(1_000_000_000), (ms) => {
    assert.equal(parseDuration(formatDuration(ms)), ms);
  }));
  assert.equal(formatDuration(0), "0s");
  assert.equal(formatDuration(3_690_500), "1h1m30s500ms");
});
