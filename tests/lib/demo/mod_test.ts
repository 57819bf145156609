import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { get } from "node:http";
import { dirname } from "node:path";
import type { SocketAddress } from "../../../lib/addr.ts";
import { dnsQuery } from "../../../lib/demo/dns.ts";
import { runDemo } from "../../../lib/demo/mod.ts";
import { UdpWire } from "../../../lib/demo/udp_wire.ts";
import type { Platform } from "../../../lib/run.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { DenoNet } from "../../../lib/runtime/deno.ts";
import type { Net } from "../../../lib/runtime/runtime.ts";
import { tcpProbes, udpProbes } from "../../../probes/mod.ts";
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
    tls: () => Promise.reject(new Error("the demo secures nothing with it")),
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

/** The lines of every table, as the words in them. */
function tablesOf(process: MemoryProcess): readonly (readonly string[])[][] {
  const [, ...tables] = process.stdout.text.split(/^.* detected: .*\n/m);
  return tables.map((text) => {
    const [table = ""] = text.split("\n\n");
    return table.split("\n").map((line) => line.trim().split(/\s{2,}/));
  });
}

Deno.test("every row is right, of every protocol there is, and nothing is left open", async () => {
  await demo({}, async (process, code) => {
    assert.equal(await code, 0, process.stdout.text);
    const { text } = process.stdout;
    const [tcp = [], udp = [], moves = [], ...more] = tablesOf(process);
    assert.deepEqual(more, []);
    assert.deepEqual([...tcp, ...udp, ...moves].filter(([first]) => !first?.startsWith("✔")), []);
    const expected = [
      [tcp, [...Object.keys(tcpProbes), "regex", "unknown", "nothing in time"]],
      [udp, [...Object.keys(udpProbes), "unknown"]],
      [moves, ["quic", "wireguard"]],
    ] as const;
    for (const [table, protocols] of expected) {
      assert.deepEqual(new Set(table.map(([, detected]) => detected)), new Set(protocols));
    }
    const [counts] = text.match(/All .* went right/) ?? [];
    const flows = udp.length + moves.length;
    assert.equal(counts, `All ${tcp.length} connections, ${flows} flows and the reload went right`);
    assert.equal(process.stderr.text, "");
    assert.ok(!text.includes("\x1b"), "colours, and it is no terminal");
    const tooLong = text.split("\n").filter((line) => line.length > 100 && !line.includes("/"));
    assert.deepEqual(tooLong, []);
    const config = await readFile(configPath(process), "utf8");
    assert.match(config, /^ssh .*# green$/m);
    assert.match(config, /^sip .*# sip-green$/m);
  });
});

/**
 * Carries what is for one backend to the one that was used first before it.
 * @param passed How many backends were used before the two.
 */
function misleading(passed: number): (to: SocketAddress) => SocketAddress {
  const ports = new Set<number>();
  return ({ address, port }) => {
    ports.add(port);
    const [first = port, second] = [...ports].slice(passed);
    return { address, port: port === second ? first : port };
  };
}

Deno.test("who is carried to another backend than the log says is a cross, and the exit code 1", async () => {
  const misled = (net: Net): Net => {
    const [mislead, misleadFlow] = [misleading(0), misleading(1)];
    return {
      listen: (options) => net.listen(options),
      pipe: (...all) => net.pipe(...all),
      bind: (...both) => net.bind(...both),
      associate: (to, receiver) => net.associate(misleadFlow(to), receiver),
      connect: (to, options) => net.connect(mislead(to), options),
    };
  };
  const terminal = new MemoryProcess([], {}, true);
  await demo({ net: misled, process: terminal }, async (process, code) => {
    assert.equal(await code, 1);
    const { text } = process.stdout;
    assert.ok(text.includes("\x1b[31m✘\x1b[0m HTTP to api.demo "), text);
    assert.match(text, /answer: expected "hello from api\\n", got "hello from web\\n"/);
    assert.ok(text.includes("\x1b[31m✘\x1b[0m DNS for www.b.demo "), text);
    assert.match(text, /answer: expected "192\.0\.2\.2", got "192\.0\.2\.1"/);
    assert.equal(text.match(/✘/g)?.length, 2, text);
    assert.match(text, /Not right: 1 of \d+ connections, 1 of \d+ flows\./);
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
    await process.stdout.until(/tcp {2}127\.0\.0\.1:\d+ +http {2}api\.demo +api +api :\d+/);
    const wire = await UdpWire.open(Number(port));
    assert.equal(await dnsQuery("mail.b.demo")(wire), "192.0.2.2");
    wire.destroy();
    await process.stdout.until(/udp {2}127\.0\.0\.1:\d+ +dns {2}mail\.b\.demo +dns_b +dns-b :\d+/);
    process.send("SIGTERM");
    assert.equal(await code, 0);
    assert.ok(!process.stdout.text.includes("\x1b"));
    assert.ok(!process.hears("SIGTERM") && !process.hears("SIGINT"));
  });
});
