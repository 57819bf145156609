/**
 * The bill of materials of a release.
 */
import assert from "node:assert/strict";
import lock from "../../deno.lock" with { type: "text" };
import { sbom } from "../../.github/release/sbom.ts";

interface Bom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly "bom-ref": string;
  readonly hashes?: readonly { readonly content: string }[];
}

Deno.test("every package of the executable is in the bill, with the checksum of the lock file", async () => {
  const { metadata, components, dependencies } = await sbom() as Bom;
  const known = [metadata.component, ...components].map((component) => component["bom-ref"]);
  assert.equal(new Set(known).size, known.length, "a component is there twice");
  assert.ok(known.some((name) => name.startsWith("pkg:npm/valibot@")), known.join("\n"));
  assert.ok(!known.some((name) => name.includes("fast-check")), "tests are no part of it");

  const referred = dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
  assert.deepEqual(referred.filter((reference) => !known.includes(reference)), []);
  const reached = new Set(dependencies.flatMap(({ dependsOn }) => dependsOn));
  assert.deepEqual(known.filter((name) => !reached.has(name)), [metadata.component["bom-ref"]]);

  for (const { hashes = [] } of components) {
    for (const { content } of hashes) {
      const integrity = `sha512-${Uint8Array.fromHex(content).toBase64()}`;
      assert.ok(lock.includes(integrity), integrity);
    }
  }
});
