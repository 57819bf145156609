/**
 * What the files around the executable have to agree on.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ROOT } from "../../.github/release/packages.ts";
import { testWithTools } from "../support/children.ts";

const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const WORKFLOWS = [".github/workflows/ci.yml", ".github/workflows/release.yml"];

Deno.test("one version of Deno builds, tests and is recommended", () => {
  const versions = [".ci/run", "Dockerfile", "README.md", ...WORKFLOWS].flatMap((path) =>
    Array.from(read(path).matchAll(/deno(?:@|:[a-z]+-)(\d[\d.]*\d)/g), ([, version]) => version!)
  );
  assert.ok(versions.length >= 5);
  assert.deepEqual([...new Set(versions)], [Deno.version.deno]);
});

Deno.test("what workflows use of others is pinned by the hash of a commit", () => {
  for (const path of WORKFLOWS) {
    const used = Array.from(read(path).matchAll(/\buses: (.*)$/gm), ([, what]) => what!);
    assert.ok(used.length > 0);
    for (const what of used) {
      assert.match(what, /^(\.\/\S+|[\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
    }
  }
});

Deno.test("workflows may read, and one job may write", () => {
  for (const path of WORKFLOWS) {
    assert.match(read(path), /^permissions:\n {2}contents: read\n\n/m);
    const jobs = read(path).split(/^ {2}(?=\w+:\n)/m).filter((job) => job.includes(": write"));
    assert.deepEqual(
      jobs.map((job) => job.slice(0, job.indexOf(":"))),
      path.includes("release") ? ["release"] : [],
    );
  }
});

Deno.test("install.sh knows the archives that a release has", () => {
  const built = Array.from(
    read(".github/workflows/release.yml").matchAll(/\{ name: ([\w-]+),/g),
    ([, name]) => name!,
  );
  const script = read("install.sh");
  const [systems, machines] = ["system", "machine"].map((variable) =>
    Array.from(script.matchAll(new RegExp(`\\b${variable}=(\\w+)`, "g")), ([, value]) => value!)
  );
  const known = systems!.flatMap((system) =>
    [...new Set(machines)].map((machine) => `${system}-${machine}`)
  );
  assert.deepEqual([...known, "windows-x86_64"].sort(), built.sort());
  assert.ok(script.includes("sluice-windows-x86_64.zip"));
});

testWithTools("the install.sh of a release knows whose it is", ["sh", "sed"], async (scope) => {
  const [command] = /sed ".*" (?=\.\.\/install\.sh > install\.sh)/.exec(read(WORKFLOWS[1]!)) ?? [];
  assert.ok(command, "the release does not fill it in");
  const { stdout, stderr } = await scope.run("sh", ["-c", `${command} | sh -s -- --version 0`], {
    input: read("install.sh"),
    // Nobody listens there, and curl says where it went.
    env: { GITHUB_REPOSITORY: "o/n", https_proxy: "http://127.0.0.1:9" },
  });
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /cannot download https:\/\/github\.com\/o\/n\/releases\/download\/v0\/SHA256SUMS/,
  );
});

testWithTools("the files that Docker is given are enough for the executable", [], async (scope) => {
  const context = await scope.folder();
  const given = Array.from(read(".dockerignore").matchAll(/^!(.*?)\/?$/gm), ([, path]) => path!);
  for (const path of given) {
    await Deno.mkdir(`${context}/${dirname(path)}`, { recursive: true });
    const copied = await scope.run("cp", [
      "-r",
      new URL(path, ROOT).pathname,
      `${context}/${path}`,
    ]);
    assert.equal(copied.code, 0, copied.stderr);
  }
  const { code, stderr } = await scope.run("env", [
    ...["-C", context, Deno.execPath(), "task", "compile", "--no-check"],
  ], { env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } });
  assert.equal(code, 0, stderr);
  assert.ok((await Deno.stat(`${context}/sluice`)).size > 0);
});
