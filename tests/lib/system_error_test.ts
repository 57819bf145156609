import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { systemReason } from "../../lib/system_error.ts";

Deno.test("why a file could not be had is said without codes, calls and paths", async () => {
  const tries: ReadonlyArray<[use: () => Promise<unknown>, reason: string]> = [
    [() => readFile("/nonexistent/file"), "no such file or directory"],
    [() => readFile("/"), "it is a directory"],
    [() => readFile("/dev/null/file"), "a part of the path is no directory"],
    [() => writeFile("/dev/full", "x"), "No space left on device"],
  ];
  assert.ok(tries.length > 0);
  for (const [use, reason] of tries) {
    const error = await use().then(() => undefined, (error: unknown) => error);
    assert.equal(systemReason(error).toLowerCase(), reason.toLowerCase());
  }
});

Deno.test("why a name has no address is said without codes, calls and the name", async () => {
  // A label of more than 63 characters is refused on the spot: no name server is asked.
  const error = await lookup(`${"a".repeat(64)}.invalid`).then(() => undefined, (error) => error);
  assert.equal(systemReason(error), "no such name, or no answer from the name servers");
});

Deno.test("errors of other origins say what they say", () => {
  assert.equal(systemReason(new Error("it has 5 bytes")), "it has 5 bytes");
  assert.equal(systemReason("odd"), "odd");
});
