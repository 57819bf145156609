/**
 * What a release does with each executable before it is published, done with the sources in an executable's place.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { permissions } from "../../.github/release/compile.ts";
import { ROOT } from "../../.github/release/packages.ts";
import { type Finished, type Scope, testWithTools } from "../support/children.ts";

const root = fileURLToPath(ROOT);

/** Tries a program that is this shell script. */
async function smoke(scope: Scope, script: string): Promise<Finished> {
  const program = `${await scope.folder()}/sluice`;
  await Deno.writeTextFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return await scope.run(
    Deno.execPath(),
    ["run", "-A", `${root}.github/release/smoke.ts`, program],
    {
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    },
  );
}

testWithTools("the smoke test is content with sluice", ["sh", "curl"], async (scope) => {
  const sluice = `'${Deno.execPath()}' run ${
    permissions(Deno.build.target).join(" ")
  } '${root}main.ts'`;
  const { code, stdout, stderr } = await smoke(scope, `exec ${sluice} "$@"`);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /sluice works\n$/);
});

testWithTools("the smoke test is not content with something else", ["sh"], async (scope) => {
  assert.equal((await smoke(scope, "exit 0")).code, 1);
});
