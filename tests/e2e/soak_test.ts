/**
 * Everything at once and for long: twice `SOAK_SECONDS`, which are few where nobody sets them.
 *
 * ```sh
 * SOAK_SECONDS=600 deno test -A tests/e2e/soak_test.ts
 * ```
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { Soak } from "./soak.ts";

const SECONDS = Number(Deno.env.get("SOAK_SECONDS") ?? "6");
const SLOTS = 2000;

/**
 * By how much the second time may end higher than the first, bytes. Objects and buffers: code that was compiled
 * meanwhile; with some 5,000 connections each time that is 200 bytes of each. The process: pages that its allocators
 * keep, which were 13 MB at most; a buffer of 6 kB of each connection is more. What is finer than that `churn_test.ts`
 * finds, where nothing else goes on.
 */
const TOLERANCE = { heap: 1e6, resident: 32e6 };

testWithTools(
  "2,000 connections, reloads and a killed backend: none lost without cause, none misrouted, nothing kept",
  [],
  async (scope) => {
    const soak = await Soak.start(scope);
    // The same twice: the first time compiles the code and fills the allocators, so that the second shows what is kept.
    const before = await soak.bear(SLOTS, 1000 * SECONDS);
    const after = await soak.bear(SLOTS, 1000 * SECONDS);

    assert.deepEqual(soak.misrouted, []);
    assert.deepEqual(soak.lostWithoutCause, []);
    assert.deepEqual(soak.complaints, []);
    assert.deepEqual(soak.unexpectedReasons, []);
    // There was something to bear.
    assert.ok(soak.opened > 2 * SLOTS && soak.reloads >= SECONDS && soak.kills >= 2);
    assert.ok(soak.lost.length > 0);

    assert.equal(after.descriptors, before.descriptors);
    for (const what of ["heap", "resident"] as const) {
      const grown = after[what] - before[what];
      assert.ok(grown < TOLERANCE[what], `${what}: ${before[what]} + ${grown} bytes`);
    }
  },
  2000 * SECONDS + 120_000,
);
