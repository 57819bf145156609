/**
 * A short run of what `integrity.ts` does for as long as one likes.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { carry } from "./integrity_load.ts";

testWithTools(
  "nothing is lost and nothing altered, whatever the sizes and whoever ends first, or leaves in the middle",
  [],
  async (scope) => {
    const { whole, cut } = await carry(scope, 1e9, 1);
    assert.ok(whole > 50 && cut > 10, `${whole} to their end, ${cut} not`);
  },
  120_000,
);
