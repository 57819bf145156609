/**
 * Tries an executable on the system that it was made for: `deno run -A .github/release/smoke.ts ./sluice`. Its version,
 * its demo, and curl's way through it to the right one of two sites, over HTTP and TLS.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join, resolve } from "node:path";
import metadata from "../../deno.json" with { type: "json" };
import { certificateFor } from "../../lib/demo/certificates.ts";

const HOST = "127.0.0.1";

const [program = ""] = Deno.args;
const executable = resolve(program);
assert.equal(await output(executable, "--version"), `${metadata.version}\n`);
await output(executable, "demo");

const web = createHttp((_, response) => response.end("by HTTP"));
const shop = createHttps(
  await certificateFor("shop.test"),
  (_, response) => response.end("by TLS"),
);
const sites = { web: await listen(web), shop: await listen(shop) };
const folder = await Deno.makeTempDir({ prefix: "sluice-smoke-" });
try {
  for (const engine of Deno.build.os === "linux" ? ["portable", "linux"] : ["portable"]) {
    await proxy(engine);
  }
  console.log(`${program} works`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);

/** Runs it as a proxy in front of the sites. */
async function proxy(engine: string): Promise<void> {
  const config = join(folder, `${engine}.toml`);
  const port = freePort();
  await Deno.writeTextFile(
    config,
    `engine = "${engine}"
listen_address_v4 = "${HOST}"
listen_port = ${port}
admin_address = "${HOST}:${freePort()}"

[protocols.web]
protocol = "http"
hosts = ["web.test"]
target = ["${HOST}:${sites.web}"]

[protocols.shop]
protocol = "tls"
server_names = ["shop.test"]
target = ["${HOST}:${sites.shop}"]
`,
  );
  await output(executable, "check", "--config", config);

  const sluice = new Deno.Command(executable, {
    args: ["--config", config],
    stdout: "inherit",
    stderr: "piped",
  }).spawn();
  try {
    await ready(sluice.stderr);
    assert.equal(await output(executable, "health", "--config", config), "ready\n");
    assert.equal(await curl("http", "web.test", port), "by HTTP");
    assert.equal(await curl("https", "shop.test", port), "by TLS");
    await assert.rejects(curl("https", "other.test", port), "a name that no entry has is closed");
    // On Windows a process can be ended, but not be asked to end.
    if (Deno.build.os !== "windows") {
      sluice.kill("SIGTERM");
      assert.equal((await sluice.status).code, 0);
    }
  } finally {
    end(sluice);
  }
}

function end(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}

/** What a program prints; what it says on stderr is shown if it fails. */
async function output(command: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const text = new TextDecoder();
  assert.equal(
    code,
    0,
    `${command} ${args.join(" ")}: ${text.decode(stdout)}${text.decode(stderr)}`,
  );
  return text.decode(stdout).replaceAll("\r\n", "\n");
}

function curl(scheme: string, name: string, port: number): Promise<string> {
  const there = `${name}:${port}`;
  const options = ["--silent", "--show-error", "--insecure", "--noproxy", "*", "--max-time", "20"];
  return output("curl", ...options, "--resolve", `${there}:${HOST}`, `${scheme}://${there}/`);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return (server.address() as AddressInfo).port;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  listener.close();
  return listener.addr.port;
}

/** Resolves when the line is there that says so; what is said then and later is shown. */
async function ready(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const lines = stderr.pipeThrough(new TextDecoderStream());
  const reader = lines.getReader();
  for (let text = ""; !/ready: .*\n/.test(text);) {
    const { done, value } = await reader.read();
    assert.ok(!done, `sluice ended: ${text}`);
    console.log(value.trimEnd());
    text += value;
  }
  reader.releaseLock();
  void lines.pipeTo(new WritableStream({ write: (text) => console.log(text.trimEnd()) }));
}
