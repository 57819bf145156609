/**
 * A home for install.sh to install into, and releases on loopback for it to install.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../.github/release/packages.ts";
import { findTool, type Finished, type Scope } from "../support/children.ts";

export const SCRIPT = fileURLToPath(new URL("install.sh", ROOT));
/** A place where releases are, and a home to install into. */
export class Installation {
  readonly home: string;
  readonly requests: string[] = [];
  readonly #scope: Scope;
  readonly #files = new Map<string, Uint8Array>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(scope: Scope, home: string) {
    this.#scope = scope;
    this.home = home;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, ({ url }) => {
      const { pathname } = new URL(url);
      this.requests.push(pathname);
      const file = this.#files.get(pathname);
      return file ? new Response(file.slice()) : new Response("", { status: 404 });
    });
  }

  static async with(scope: Scope, test: (installation: Installation) => Promise<void>) {
    const installation = new Installation(scope, await scope.folder());
    try {
      await test(installation);
    } finally {
      await installation.#server.shutdown();
    }
  }

  /** Where it is installed by default. */
  get installed(): string {
    return `${this.home}/.local/bin/sluice`;
  }

  /** Publishes archives of `program` for these platforms. */
  async release(
    program: string,
    platforms: readonly string[],
    path = "/latest/download",
  ): Promise<void> {
    const folder = await this.#scope.folder();
    await Deno.writeTextFile(`${folder}/sluice`, program, { mode: 0o755 });
    let sums = "";
    for (const platform of platforms) {
      const name = `sluice-${platform}.tar.gz`;
      const made = await this.#scope.run("tar", [
        "-czf",
        `${folder}/${name}`,
        "-C",
        folder,
        "sluice",
      ]);
      assert.equal(made.code, 0, made.stderr);
      const bytes = await Deno.readFile(`${folder}/${name}`);
      this.#files.set(`${path}/${name}`, bytes);
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      sums += `${hash}  ${name}\n`;
    }
    this.#files.set(`${path}/SHA256SUMS`, new TextEncoder().encode(sums));
  }

  /** Puts something else in the place of a file. */
  replace(path: string, text: string): void {
    assert.ok(this.#files.has(path), path);
    this.#files.set(path, new TextEncoder().encode(text));
  }

  /** Runs install.sh, or as much of it as `input` is. */
  async run(
    args: readonly string[] = [],
    { path, shell = ["sh"], input }: {
      readonly path?: string;
      readonly shell?: readonly string[];
      readonly input?: string;
    } = {},
  ): Promise<Finished> {
    const [program = "sh", ...first] = shell;
    const script = input === undefined ? [SCRIPT] : ["-s", "--"];
    return await this.#scope.run(program, [...first, ...script, ...args], {
      input: input ?? "",
      env: {
        HOME: this.home,
        SLUICE_RELEASES: `http://127.0.0.1:${this.#server.addr.port}`,
        ...path !== undefined && { PATH: path },
      },
    });
  }

  /** A folder with these programs, and some that only say something, to be all that the script finds. */
  async programs(
    names: readonly string[],
    says: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const folder = await this.#scope.folder();
    for (const name of names) {
      const tool = findTool(name);
      if (tool !== undefined) await Deno.symlink(tool, `${folder}/${name}`);
    }
    for (const [name, script] of Object.entries(says)) {
      await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return folder;
  }
}
