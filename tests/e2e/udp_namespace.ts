/**
 * Network namespaces of Linux: networks of a test's own, where it may have any address and any port.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Child } from "../support/child.ts";
import { findTool, type Scope } from "../support/children.ts";

/** What tests with a namespace need; the last one is no program, so where it is named the test is skipped. */
export const NAMESPACE_TOOLS: readonly string[] = [
  ...["ip", "nsenter", "unshare"],
  ...await works() ? [] : ["a network namespace"],
];

/** Whether a command succeeds in a new namespace; without one, whether this user may have a namespace. */
export async function works(...command: readonly string[]): Promise<boolean> {
  const unshare = findTool("unshare");
  if (unshare === undefined) return false;
  const args = ["--net", ...command.length === 0 ? ["true"] : command];
  const options = { args, stdout: "null", stderr: "null" } as const;
  return (await new Deno.Command(unshare, options).output()).success;
}

/** A network with nothing in it but a loopback. */
export class Namespace {
  /** The beginning of a command that runs in it. */
  readonly entrance: readonly string[];
  /** A process that is in it. */
  readonly pid: number;
  readonly #scope: Scope;

  private constructor(scope: Scope, pid: number) {
    this.entrance = ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
    this.pid = pid;
    this.#scope = scope;
  }

  static async make(scope: Scope): Promise<Namespace> {
    const script = "ip link set lo up && echo made && exec sleep infinity";
    const child = scope.start("unshare", ["--net", "sh", "-c", script]);
    await child.stdout.next(/^made$/);
    return new Namespace(scope, child.pid);
  }

  /** Starts a program in it; see {@linkcode Scope.start}. */
  start(...command: readonly string[]): Child {
    const [program = "", ...args] = [...this.entrance, ...command];
    return this.#scope.start(program, args);
  }

  /** Runs a program in it to its end, which must be a good one, and returns what it says. */
  async run(...command: readonly string[]): Promise<string> {
    const [program = "", ...args] = [...this.entrance, ...command];
    const { code, stdout, stderr } = await this.#scope.run(program, args);
    assert.equal(code, 0, `${command.join(" ")}: ${stderr}`);
    return stdout.trim();
  }
}
