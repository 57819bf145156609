import assert from "node:assert/strict";
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

Deno.test("errors of other origins say what they say", () => {
  assert.equal(systemReason(new Error("it has 5 bytes")), "it has 5 bytes");
  assert.equal(systemReason("odd"), "odd");
});
