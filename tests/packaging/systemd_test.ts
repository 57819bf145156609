/**
 * The unit that `sluice init --systemd` writes, judged by systemd.
 */
import assert from "node:assert/strict";
import unit from "../../lib/sluice.service" with { type: "text" };
import { type Scope, testWithTools } from "../support/children.ts";

/** Most exposure that `systemd-analyze security` may see, in tenths: 100 is all there is, it is at 15. */
const MOST_EXPOSURE = 20;

/** The unit in a file, with a program that this machine has in sluice's place. */
async function unitFile(scope: Scope): Promise<string> {
  const path = `${await scope.folder()}/sluice.service`;
  await Deno.writeTextFile(path, unit.replaceAll("/usr/local/bin/sluice", "/bin/true"));
  return path;
}

testWithTools("systemd understands every line of the unit", ["systemd-analyze"], async (scope) => {
  const { code, stdout, stderr } = await scope.run("systemd-analyze", [
    "verify",
    "--man=no",
    await unitFile(scope),
  ]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
});

testWithTools(
  "the unit leaves sluice little that it does not need",
  ["systemd-analyze"],
  async (scope) => {
    const { code, stdout } = await scope.run("systemd-analyze", [
      "security",
      "--offline=true",
      "--no-pager",
      `--threshold=${MOST_EXPOSURE}`,
      await unitFile(scope),
    ]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Overall exposure level for sluice\.service: \d/);
  },
);
