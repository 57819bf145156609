/**
 * package.json, which says to Bun what deno.json says to Deno.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const forDeno = JSON.parse(read("deno.json"));
const forBun = JSON.parse(read("package.json"));

Deno.test("both runtimes use the same versions of the same packages", () => {
  const packages = Object.entries({ ...forBun.dependencies, ...forBun.devDependencies })
    .map(([name, version]) => [name, `npm:${name}@${version}`]);
  assert.ok(packages.length > 5);
  assert.deepEqual(Object.fromEntries(packages), forDeno.imports);
  for (const what of ["name", "version", "license"]) assert.equal(forBun[what], forDeno[what]);
});

Deno.test("one version of Bun is tested, recommended and asked for", () => {
  const versions = [".ci/run", "README.md"].flatMap((file) =>
    Array.from(read(file).matchAll(/\bbun@(\d[\d.]*\d)/g), ([, version]) => version!)
  );
  assert.ok(versions.length > 0);
  assert.deepEqual([...new Set(versions)], [/\d.*/.exec(forBun.engines.bun)?.[0]]);
});

Deno.test("the lock files of both runtimes have the same packages, with the same checksums", () => {
  const checksums = (text: string, pattern: RegExp) =>
    new Map(Array.from(text.matchAll(pattern), ([, name, checksum]) => [name!, checksum!]));
  const ofDeno = checksums(
    read("deno.lock"),
    /^ {4}"(@?[^"@]+@[\d.]+)[^"]*": \{\n {6}"integrity": "([^"]+)"/gm,
  );
  const ofBun = checksums(read("bun.lock"), /^ {4}"[^"]+": \["([^"]+@[\d.]+)".*"([^"]+)"\],$/gm);
  assert.ok(ofBun.size > 20);
  assert.deepEqual(ofBun, ofDeno);
});
