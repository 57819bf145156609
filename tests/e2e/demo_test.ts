import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { sluiceCommand } from "./command.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function sluice(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const [program, ...rest] = sluiceCommand(args);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    cwd: ROOT,
    env,
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("the demo ends well, and what it says to try next works", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await sluice(["demo"], { TMPDIR: directory });
    assert.equal(code, 0, stdout + stderr);
    const rows = stdout.match(/^ ✔ .* \d+(?:\.\d)? ms +\d+ +\d+$/gm) ?? [];
    assert.ok(rows.length >= 40, stdout);
    assert.doesNotMatch(stdout, /✘/);

    const [tcp, udp] = stdout.matchAll(/ (explain -c .*)$/gm).map(([, explain = ""]) => explain);
    for (const [explain, route] of [[tcp, "site_b_h2"], [udp, "site_b_h3"]] as const) {
      const explained = await sluice(explain?.split(" ") ?? []);
      assert.equal(explained.code, 0, explained.stderr);
      assert.ok(explained.stdout.includes(route), explained.stdout);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
