/**
 * What sluice is made of beside its own files.
 *
 * @module
 */

/** A package of npm that sluice leads to. */
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

/** Files that Deno does not see to be loaded: the commands, and a worker, which there is on Linux alone. */
export const UNSEEN = { commands: "lib/cli_program.ts", worker: "lib/runtime/linux/thread.ts" };

/** The packages that sluice leads to, directly or not, by id. Those of the tests alone are not among them. */
export async function packages(): Promise<ReadonlyMap<string, Package>> {
  const files = ["main.ts", ...Object.values(UNSEEN)];
  await deno("cache", "--quiet", "--frozen", ...files);
  const graphs: readonly Graph[] = await Promise.all(
    files.map(async (file) => JSON.parse(await deno("info", "--json", file))),
  );
  const imported = new Set(
    graphs.flatMap(({ modules }) => modules).flatMap(({ npmPackage }) => npmPackage ?? []),
  );
  const npmPackages = Object.assign({}, ...graphs.map((graph) => graph.npmPackages));
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
