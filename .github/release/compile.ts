/**
 * Makes one self-contained executable: `deno task compile [--target TRIPLE] [--output FILE]`, and what else
 * `deno compile` takes.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packages, ROOT, UNSEEN } from "./packages.ts";

/**
 * What the executable may do, whatever its code tries. It starts no process, and loads no module from elsewhere. Which
 * files, addresses and variables are to be used is said by the configuration and the command line when it runs, so these
 * cannot be named here.
 */
export function permissions(target: string): readonly string[] {
  return [
    "--no-prompt",
    "--allow-env",
    "--allow-net",
    "--allow-read",
    // --log-dir, and what `init` and `demo` write.
    "--allow-write",
    // A UDP listener on all addresses has a socket for each of them.
    "--allow-sys=networkInterfaces",
    "--deny-import",
    // The Linux plane calls the C library, by its name alone. Who may do that may do everything.
    ...isLinux(target) ? ["--allow-ffi"] : [],
  ];
}

/** The arguments of Deno for an executable, but for those that the user gives and the entry point. */
async function compileArguments(target: string): Promise<readonly string[]> {
  return [
    "compile",
    "--frozen",
    ...permissions(target),
    "--v8-flags=--max-semi-space-size=2",
    "--include",
    UNSEEN.commands,
    ...isLinux(target) ? ["--include", UNSEEN.worker] : [],
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

function isLinux(target: string): boolean {
  return target.includes("-linux-");
}

if (import.meta.main) {
  const { target } = parseArgs({
    args: Deno.args,
    options: { target: { type: "string", default: Deno.build.target } },
    strict: false,
  }).values;
  const args = [...await compileArguments(String(target)), ...Deno.args, "main.ts"];
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).spawn().status;
  Deno.exit(code);
}
