/**
 * What sluice is made of beside its own files.
 *
 * @module
 */

/** A package of npm that `main.ts` leads to. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** The key of its entry in deno.lock. */
  readonly id: string;
  /** The ids of those that it depends on. */
  readonly dependencies: readonly string[];
  /** Where Deno's cache has it, or will. */
  readonly folder: string;
}

/** As much as is needed of what `deno info --json` says. */
interface Graph {
  readonly modules: readonly { readonly kind: string; readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<
    Record<string, {
      readonly name: string;
      readonly version: string;
      readonly dependencies: readonly string[];
      readonly localPath: string;
    }>
  >;
}

/** The root of the repository. */
export const ROOT = new URL("../../", import.meta.url);

/** The packages that `main.ts` leads to, directly or not, by id. Those of the tests alone are not among them. */
export async function packages(): Promise<ReadonlyMap<string, Package>> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("`deno info` has failed");
  const { modules, npmPackages }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const found = new Map<string, Package>();
  const add = (id: string) => {
    const known = npmPackages[id];
    if (known === undefined) throw new Error(`the graph names ${id}, and does not say what it is`);
    if (found.has(id)) return;
    const { localPath: folder, ...rest } = known;
    found.set(id, { ...rest, id, folder });
    rest.dependencies.forEach(add);
  };
  for (const { npmPackage } of modules) if (npmPackage !== undefined) add(npmPackage);
  return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
}
