import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { get } from "node:http";
import { dirname } from "node:path";
import { runDemo } from "../../../lib/demo/mod.ts";
import type { Platform } from "../../../lib/run.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { DenoNet } from "../../../lib/runtime/deno.ts";
import type { Net } from "../../../lib/runtime/runtime.ts";
import { tcpProbes } from "../../../probes/mod.ts";
import { MemoryProcess } from "../../support/process.ts";

/** Runs the demo on real sockets and hands what it printed to `check`. */
async function demo(
  options: {
    readonly keep?: boolean;
    readonly process?: MemoryProcess;
    readonly net?: (net: Net) => Net;
  },
  check: (process: MemoryProcess, code: Promise<number>) => Promise<void>,
): Promise<void> {
  const { keep = false, process = new MemoryProcess([]), net: change = (net) => net } = options;
  const net = new DenoNet(systemClock);
  const platform: Platform = {
    process,
    net: change(net),
    clock: systemClock,
    lookup: () => Promise.reject(new Error("the demo has no names to look up")),
  };
  const code = runDemo({ keep }, platform);
  try {
    await check(process, code);
  } finally {
    await code;
    net.close();
    await rm(dirname(configPath(process)), { recursive: true });
  }
}

function configPath(process: MemoryProcess): string {
  const [path] = process.stdout.text.match(/\S+demo\.toml/) ?? [];
  assert.ok(path, process.stdout.text);
  return path;
}

/** The table's lines, as the words in them. */
function tableOf(process: MemoryProcess): readonly string[][] {
  const lines = process.stdout.text.split("\n");
  const from = lines.findIndex((line) => line.includes("detected"));
  const to = lines.indexOf("", from);
  const table = lines.slice(from + 1, to).map((line) => line.trim().split(/\s{2,}/));
  assert.ok(table.length > 0, process.stdout.text);
  return table;
}

Deno.test("every row is right, of every protocol there is, and nothing is left open", async () => {
  await demo({}, async (process, code) => {
    assert.equal(await code, 0, process.stdout.text);
    const table = tableOf(process);
    assert.deepEqual(table.filter(([first]) => !first?.startsWith("✔")), []);
    const protocols = new Set(table.map(([, detected]) => detected));
    for (const protocol of [...Object.keys(tcpProbes), "regex", "unknown", "nothing in time"]) {
      assert.ok(protocols.has(protocol), `${protocol} is not in the table`);
    }
    assert.match(process.stdout.text, /went right/);
    assert.equal(process.stderr.text, "");
    assert.ok(!process.stdout.text.includes("\x1b"), "colours, and it is no terminal");
    assert.match(await readFile(configPath(process), "utf8"), /^ssh .*# green$/m);
  });
});

Deno.test("a connection carried to another backend than the log says is a cross, and the exit code 1", async () => {
  // The second backend that is connected to is in truth the first.
  const ports = new Set<number>();
  const misled = (net: Net): Net => ({
    listen: (options) => net.listen(options),
    pipe: (...both) => net.pipe(...both),
    bind: (...both) => net.bind(...both),
    associate: (...both) => net.associate(...both),
    connect({ address, port }, options) {
      ports.add(port);
      const [first = port, second] = ports;
      return net.connect({ address, port: port === second ? first : port }, options);
    },
  });
  const terminal = new MemoryProcess([], {}, true);
  await demo({ net: misled, process: terminal }, async (process, code) => {
    assert.equal(await code, 1);
    const { text } = process.stdout;
    assert.ok(text.includes("\x1b[31m✘\x1b[0m HTTP/1.1 to api.demo "), text);
    assert.match(text, /answer: expected "hello from api\\n", got "hello from web\\n"/);
    assert.equal(text.match(/✘/g)?.length, 1, text);
    assert.match(text, /Not right: 1 of \d+ connections\./);
  });
});

Deno.test("left running, it shows the connections of others until a signal", async () => {
  const uncoloured = new MemoryProcess([], { NO_COLOR: "1" }, true);
  await demo({ keep: true, process: uncoloured }, async (process, code) => {
    await process.stdout.until(/client +detected/);
    const { text } = process.stdout;
    const [, port] = text.match(/curl http:\/\/127\.0\.0\.1:(\d+)\//) ?? [];
    get({ port, host: "127.0.0.1", agent: false, headers: { host: "api.demo" } }, (response) => {
      response.resume();
    });
    await process.stdout.until(/127\.0\.0\.1:\d+ +http {2}api\.demo +api +api :\d+/);
    process.send("SIGTERM");
    assert.equal(await code, 0);
    assert.ok(!process.stdout.text.includes("\x1b"));
    assert.ok(!process.hears("SIGTERM") && !process.hears("SIGINT"));
  });
});
