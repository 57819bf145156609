/**
 * The single executable, as far as it can be looked at without Deno's runtime stub, which has to be downloaded: Deno
 * itself stands in for the stub, so this executable holds what it should, and does not run.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packages, ROOT, UNSEEN } from "../../.github/release/packages.ts";
import { type Scope, testWithTools } from "../support/children.ts";
import { readExecutable } from "./executable.ts";

const root = fileURLToPath(ROOT);

testWithTools("the executable has in it what it needs, and may do no more", [], async (scope) => {
  const path = `${await scope.folder()}/sluice`;
  // Types are checked by another task.
  const { code, stderr } = await scope.run(Deno.execPath(), [
    "run",
    "-A",
    `${root}.github/release/compile.ts`,
    "--no-check",
    "--output",
    path,
  ], { env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } });
  assert.equal(code, 0, stderr);
  const { baked, files } = await readExecutable(path);

  // Everything that it can load, on demand or not, and what Deno does not see to be loaded.
  const embedded = new Set(files);
  const unseen = resolved();
  const seen = await Promise.all(["main.ts", ...unseen].map((file) => ownModules(scope, file)));
  const needed = [...unseen, ...seen.flat()];
  for (const known of ["lib/udp_server.ts", "lib/sluice.service", ...Object.values(UNSEEN)]) {
    assert.ok(needed.includes(known), `${known} is not seen to be needed`);
  }
  const missing = needed.filter((file) => !embedded.has(file));
  assert.deepEqual(missing, [], "`--include` them in .github/release/compile.ts");
  const folders = new Set(files.filter((file) => file.includes("/localhost/")).map(packageOf));
  const wanted = [...(await packages()).values()].map(({ name, version }) => `${name}@${version}`);
  assert.deepEqual([...folders].sort(), [...new Set(wanted)].sort());

  // And nothing else: no tests, and nothing that only they use.
  assert.deepEqual(files.filter((file) => /^(tests|bench)\//.test(file)), []);
  assert.ok(!wanted.some((name) => name.startsWith("fast-check@")));

  const { prompt, ...permissions } = baked.permissions;
  assert.equal(prompt, false);
  const granted = Object.entries(permissions).filter(([, value]) => value !== null);
  assert.deepEqual(Object.fromEntries(granted), {
    allow_env: [],
    allow_net: [],
    allow_read: [],
    allow_write: [],
    allow_sys: ["networkInterfaces"],
    ...Deno.build.os === "linux" && { allow_ffi: [] },
    // Deno's own list of hosts, denied as a whole.
    allow_import: permissions["allow_import"],
    deny_import: [],
  });

  assert.deepEqual(baked.argv, []);
  assert.equal(baked.entrypoint_key, "main.ts");
  assert.equal(baked.code_cache_key, null);
  assert.ok(baked.v8_flags.includes("--max-semi-space-size=2"));
  assert.ok(baked.unstable_config.features.includes("net"));
  assert.ok(baked.unstable_config.raw_imports);
});

/** The files of the repository that `file` leads to for more than types, paths from its root. */
async function ownModules(scope: Scope, file: string): Promise<string[]> {
  const { stdout } = await scope.run(Deno.execPath(), ["info", "--json", `${root}${file}`]);
  const graph: Graph = JSON.parse(stdout);
  const loaded = graph.modules.flatMap(({ dependencies = [] }) =>
    dependencies.flatMap(({ code }) => code?.specifier ?? [])
  );
  return loaded.filter((specifier) => specifier.startsWith(ROOT.href))
    .map((specifier) => specifier.slice(ROOT.href.length));
}

/** As much as matters of what `deno info --json` says. */
interface Graph {
  readonly modules: readonly {
    readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
  }[];
}

/** The files that are named by their address, which Deno does not see: workers, and the commands. */
function resolved(): string[] {
  const sources = readdirSync(`${root}lib`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).map((name) => `lib/${name}`);
  return ["main.ts", ...sources].flatMap((source) => {
    const text = readFileSync(`${root}${source}`, "utf8");
    const names = text.matchAll(/import\.meta\.resolve\("(\.[^"]+\.ts)"\)/g);
    return Array.from(names, ([, name]) => join(dirname(source), name!));
  });
}

/** `.deno_compile_node_modules/localhost/@scope/name/1.0.0/file` → `@scope/name@1.0.0` */
function packageOf(file: string): string {
  const [, name, version] = /\/localhost\/((?:@[^/]+\/)?[^/]+)\/([^/]+)\//.exec(file) ?? [];
  return `${name}@${version}`;
}
