/**
 * What the end-to-end tests run: sluice under Deno, or whatever `E2E_COMMAND` says.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** Options of the task `start`. */
const USER_FLAGS = ["--v8-flags=--max-semi-space-size=2"];

/** Another way to start sluice: a program and its arguments, separated by spaces. */
const OTHER = Deno.env.get("E2E_COMMAND")?.split(" ");

/** Whether it is Deno that runs sluice, from its sources. */
export const isUnderDeno = OTHER === undefined;

/** Whether clients wait in the kernel's queue while there is no descriptor for them. Bun has none left unaccepted. */
export const waitsForDescriptors = isUnderDeno;

/** What a test names among the tools that it needs, if nothing but Deno gives it. */
export function neededOfDeno(what: string): readonly string[] {
  return isUnderDeno ? [] : [what];
}

/**
 * A command of sluice.
 * @param options Further ones of Deno, if it is that.
 * @returns The program and its arguments.
 */
export function sluiceCommand(
  args: readonly string[],
  options: readonly string[] = [],
): [program: string, ...args: string[]] {
  const [program, ...first] = OTHER ??
    [Deno.execPath(), "run", "-A", ...USER_FLAGS, ...options, MAIN];
  return [program!, ...first, ...args];
}
