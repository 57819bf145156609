/**
 * Prints what the executable is made of, as a CycloneDX 1.6 document: `deno run -A .github/release/sbom.ts`. The
 * packages are those that `main.ts` leads to, their checksums those of deno.lock, their licences what they say.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import metadata from "../../deno.json" with { type: "json" };
import { type Package, packages, ROOT } from "./packages.ts";

/** As much as is needed of deno.lock. */
interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

/** The document, without the time and the serial number, so that the same sources make the same one. */
export async function sbom(): Promise<object> {
  const all = [...(await packages()).values()];
  const lock: Lock = JSON.parse(await readFile(new URL("deno.lock", ROOT), "utf8"));
  const sluice = `pkg:generic/${metadata.name}@${metadata.version}`;
  const runtime = `pkg:github/denoland/deno@v${Deno.version.deno}`;
  const references = new Map(all.map((one) => [one.id, purl(one)]));
  const referencesOf = (ids: readonly string[]) =>
    [...new Set(ids.map((id) => references.get(id)!))].sort();
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": sluice,
        name: metadata.name,
        version: metadata.version,
        licenses: [{ license: { id: metadata.license } }],
        purl: sluice,
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": runtime,
        name: "deno",
        version: Deno.version.deno,
        licenses: [{ license: { id: "MIT" } }],
        purl: runtime,
      },
      ...await Promise.all(all.map((one) => component(one, lock))),
    ],
    dependencies: [
      {
        ref: sluice,
        dependsOn: [
          runtime,
          ...referencesOf(all.filter(({ direct }) => direct).map(({ id }) => id)),
        ],
      },
      ...all.map((one) => ({ ref: purl(one), dependsOn: referencesOf(one.dependencies) })),
    ],
  };
}

async function component(one: Package, lock: Lock): Promise<object> {
  const [, base64] = /^sha512-(.+)$/.exec(lock.npm[one.id]?.integrity ?? "") ?? [];
  if (base64 === undefined) throw new Error(`deno.lock has no checksum of ${one.id}`);
  const { license } = JSON.parse(await readFile(join(one.folder, "package.json"), "utf8"));
  if (typeof license !== "string") throw new Error(`${one.id} does not say what its licence is`);
  const [, group, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(one.name) ?? [];
  return {
    type: "library",
    "bom-ref": purl(one),
    ...group !== undefined && { group },
    name,
    version: one.version,
    hashes: [{ alg: "SHA-512", content: hex(base64) }],
    licenses: [/ /.test(license) ? { expression: license } : { license: { id: license } }],
    purl: purl(one),
  };
}

/** The name that package registries share (package-url). */
function purl({ name, version }: Package): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function hex(base64: string): string {
  return Uint8Array.fromBase64(base64).toHex();
}

if (import.meta.main) console.log(JSON.stringify(await sbom(), null, 2));
