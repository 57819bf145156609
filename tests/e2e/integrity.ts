/**
 * Carries as much as one likes through sluice and looks at every byte of it:
 *
 * ```sh
 * SLUICE_ENGINE=linux deno run -A tests/e2e/integrity.ts --gigabytes 100 [--seed 1]
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Scope } from "../support/children.ts";
import { carry } from "./integrity_load.ts";

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      gigabytes: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
    },
  });
  const scope = new Scope();
  try {
    const carried = await carry(scope, 1e9 * Number(values.gigabytes), Number(values.seed));
    const { bytes, whole, cut, seconds } = carried;
    console.log(
      `${(bytes / 1e9).toFixed(1)} GB in ${
        seconds.toFixed(0)
      } s, nothing lost and nothing altered: ` +
        `${whole} connections to their end, ${cut} left in the middle`,
    );
  } finally {
    await scope.end();
  }
}
