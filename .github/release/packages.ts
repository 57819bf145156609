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
  /** Whether sluice itself imports it. */
  readonly direct: boolean;
  /** The ids of those that it depends on. */
  readonly dependencies: readonly string[];
  /** Where Deno's cache has it. */
  readonly folder: string;
}

/** As much as is needed of what `deno info --json` says. */
interface Graph {
  readonly modules: readonly { readonly npmPackage?: string }[];
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
  await deno("cache", "--quiet", "--frozen", "main.ts");
  const { modules, npmPackages }: Graph = JSON.parse(await deno("info", "--json", "main.ts"));
  const imported = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  const found = new Map<string, Package>();
  const add = (id: string) => {
    const known = npmPackages[id];
    if (known === undefined) throw new Error(`the graph names ${id}, and does not say what it is`);
    if (found.has(id)) return;
    const { name, version, dependencies, localPath: folder } = known;
    found.set(id, { name, version, id, direct: imported.has(id), dependencies, folder });
    dependencies.forEach(add);
  };
  imported.forEach(add);
  return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
}

/** What a command of Deno prints. */
async function deno(...args: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`\`deno ${args.join(" ")}\` has failed`);
  return new TextDecoder().decode(stdout);
}
