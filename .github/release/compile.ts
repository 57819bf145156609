/**
 * Makes one self-contained executable: `deno task compile [--target TRIPLE] [--output FILE]`, and what else
 * `deno compile` takes.
 *
 * @module
 */
import { join } from "node:path";
import { packages, ROOT } from "./packages.ts";

/**
 * What the executable may do, whatever its code tries. It starts no process, loads no library and no module from
 * elsewhere. Which files, addresses and variables are to be used is said by the configuration and the command line
 * when it runs, so these cannot be named here.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-env",
  "--allow-net",
  "--allow-read",
  // --log-dir, and what `init` and `demo` write.
  "--allow-write",
  // A UDP listener on all addresses has a socket for each of them.
  "--allow-sys=networkInterfaces",
  "--deny-import",
];

/** The arguments of Deno, but for the entry point. */
export async function compileArguments(): Promise<readonly string[]> {
  return [
    "compile",
    "--frozen",
    ...PERMISSIONS,
    "--v8-flags=--max-semi-space-size=2",
    "--exclude-unused-npm",
    // Deno would read compiled code from a file of a known name in /tmp, whoever wrote it.
    "--no-code-cache",
    // This package's tests have numbers, 100,000 lines of them and no extension, in which Deno sees a script with one
    // sum, and overflows its stack (Deno issue 36746).
    ...[...(await packages()).values()].filter(({ name }) => name === "bintrees")
      .flatMap(({ folder }) => ["--exclude", join(folder, "test")]),
    "--output",
    "sluice",
  ];
}

if (import.meta.main) {
  const args = [...await compileArguments(), ...Deno.args, "main.ts"];
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).spawn().status;
  Deno.exit(code);
}
