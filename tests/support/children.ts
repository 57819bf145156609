/**
 * Programs of the system in tests: started, read, signalled, and ended by the test that started them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Child, type ChildOptions, PATIENCE, within } from "./child.ts";

/** The path of a program of the system; `undefined` if it is not installed. */
export function findTool(name: string): string | undefined {
  // Servers are often out of a user's path, and Debian keeps PostgreSQL's in a folder for each version.
  const folders = [
    ...Deno.env.get("PATH")?.split(":") ?? [],
    "/usr/sbin",
    "/usr/local/sbin",
    ...below("/usr/lib/postgresql").map((version) => `${version}/bin`),
  ];
  return folders.map((folder) => `${folder}/${name}`).find(isFile);
}

function below(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * Registers a test that starts programs; where one of `tools` is missing it is skipped, and its name says why.
 * @param patience How long all of it may take, ms.
 */
export function testWithTools(
  sentence: string,
  tools: readonly string[],
  body: (scope: Scope) => Promise<void>,
  patience = 2 * PATIENCE,
): void {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  const name = missing.length === 0
    ? sentence
    : `${sentence} [skipped, not here: ${missing.join(", ")}]`;
  Deno.test({
    name,
    ignore: missing.length > 0,
    fn: async () => {
      const scope = new Scope();
      try {
        await within(patience, "the end of the test", body(scope));
      } catch (error) {
        console.error(scope.report());
        throw error;
      } finally {
        await scope.end();
      }
    },
  });
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Processes, connections and files of one test: all are gone at its end. */
export class Scope {
  readonly #children: Child[] = [];
  readonly #closers: Array<() => void> = [];
  readonly #folders: string[] = [];

  /** A folder that only this user can read. */
  async folder(): Promise<string> {
    const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
    this.#folders.push(folder);
    return folder;
  }

  /** Starts a program that runs until the end of the test, if it does not end before. */
  start(tool: string, args: readonly string[], options: ChildOptions = {}): Child {
    const child = new Child(findTool(tool) ?? tool, args, options);
    this.#children.push(child);
    return child;
  }

  /** Runs a program to its end, with `input` on its standard input. */
  async run(
    tool: string,
    args: readonly string[],
    { input = "", ...options }: ChildOptions & { readonly input?: string } = {},
  ): Promise<Finished> {
    const child = this.start(tool, args, options);
    await child.say(input, "and no more");
    const code = await within(PATIENCE, `end of ${child.command}`, child.code);
    await Promise.all([child.stdout.ended, child.stderr.ended]);
    return { code, stdout: child.stdout.text, stderr: child.stderr.text };
  }

  /** Calls `close` at the end of the test. */
  atEnd(close: () => void): void {
    this.#closers.push(close);
  }

  /** What the programs said, for a test that failed. */
  report(): string {
    return this.#children.map(({ command, stdout, stderr }) =>
      [`$ ${command}`, ...[stdout, stderr].map(({ text }) => text.slice(-3000))].join("\n")
    ).join("\n");
  }

  async end(): Promise<void> {
    for (const close of this.#closers.toReversed()) close();
    for (const child of this.#children.toReversed()) await child.end();
    for (const folder of this.#folders) await Deno.remove(folder, { recursive: true });
  }
}

/** A port on which nobody listens, and which the system gives to no outgoing connection in the meantime. */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (given.has(port)) continue;
    try {
      Deno.listen({ hostname: "0.0.0.0", port }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) continue;
      throw error;
    }
    given.add(port);
    return port;
  }
}

const given = new Set<number>();

/** Resolves when `server` takes connections on the port. */
export async function listening(port: number, server: Child): Promise<void> {
  let over = false;
  void server.code.then(() => over = true);
  await until(`${server.command} listens on ${port}`, async () => {
    assert.ok(!over, `${server.command} ended`);
    return await isListening(port);
  });
}

/** Resolves when nobody takes connections on the port any more. */
export async function refused(port: number): Promise<void> {
  await until(`connections to ${port} are refused`, async () => !await isListening(port));
}

async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Asks again and again, for what nobody tells: it resolves once the answer is yes. */
export async function until(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!await ask()) {
    assert.ok(Date.now() < deadline, `not within ${PATIENCE} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
