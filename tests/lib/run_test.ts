import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFile } from "../../lib/config_watch.ts";
import { run, type RunOptions } from "../../lib/run.ts";
import type { Tls } from "../../lib/runtime/runtime.ts";
import { ManualClock } from "../support/clock.ts";
import { ALICE, EDGE, hashOf } from "../support/edge_rig.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { MemoryTls } from "../support/memory_tls.ts";
import { MemoryProcess } from "../support/process.ts";
import { bytesOf } from "../support/rig.ts";
import { ScriptedAgent, withoutTls } from "../support/scripted_agent.ts";

const CONFIG = `
listen_port = 8443
listen_address_v4 = "127.0.0.1"
tcp_target = ["127.0.0.1:80"]
drain_timeout = "30s"
`;

/** sluice on a Net in memory, a clock that the test moves, and a file that is real. */
class Running {
  readonly process = new MemoryProcess([]);
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly path: string;
  readonly #directory: string;
  #exit: Promise<number> | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, "config.toml");
  }

  static async with(text: string, test: (running: Running) => Promise<void>): Promise<void> {
    const running = new Running(await mkdtemp(join(tmpdir(), "sluice-")));
    try {
      await running.write(text);
      await test(running);
    } finally {
      running.process.send("SIGTERM");
      running.process.send("SIGTERM");
      await running.#exit;
      await rm(running.#directory, { recursive: true });
    }
  }

  write(text: string): Promise<void> {
    return writeFile(this.path, text);
  }

  /** The exit code to be. */
  start(
    changes: Partial<RunOptions> = {},
    tls: () => Promise<Tls> = () => Promise.reject(new Error("no TLS here")),
  ): Promise<number> {
    const { process, clock, net } = this;
    const config = { file: configFile(this.path, process.files), env: {}, overrides: {} };
    const options = { config, logLevel: "info", logFormat: "text", colour: false } as const;
    const lookup = () => Promise.reject(new Error("no names here"));
    return this.#exit = run({ ...options, ...changes }, { process, clock, net, lookup, tls });
  }

  async ready(): Promise<void> {
    await this.process.stderr.until(/ready: .*\n/);
  }

  /** Lets the watch poll until it has said something that matches. */
  async poll(pattern: RegExp): Promise<void> {
    for (let i = 0; !pattern.test(this.process.stderr.text); i++) {
      assert.ok(i < 20_000, `nothing like ${pattern} in:\n${this.process.stderr.text}`);
      this.clock.advance(300);
      await stat(this.#directory);
    }
  }

  /** A client, and the backend's side of its connection. */
  async connect() {
    const backend = this.net.listen({ address: "127.0.0.1", port: 80, backlog: 1 });
    const client = await this.net.connect({ address: "127.0.0.1", port: 8443 }, { timeout: 1000 });
    const served = await backend.accept();
    backend.close();
    const close = () => {
      client.close();
      served.close();
    };
    return { client, served, close };
  }
}

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1) ?? "";

Deno.test("when it is ready it says so, with every address it listens on", () =>
  Running.with(
    `${CONFIG}\n[listeners.second]\nlisten_port = 9443\ntcp_target = ["127.0.0.1:1"]`,
    async (
      running,
    ) => {
      const exit = running.start();
      await running.ready();
      assert.match(
        running.process.stderr.text,
        /\n\S+ info {4}ready: default 127\.0\.0\.1:8443, second 127\.0\.0\.1:9443 \(\d+ ms\)\n$/,
      );
      running.process.send("SIGTERM");
      assert.equal(await exit, 0);
    },
  ));

Deno.test("a configuration with problems is listed problem by problem, with exit code 2", () =>
  Running.with('listen_port = 70000\ntcp_target = ["a"]\n', async (running) => {
    assert.equal(await running.start(), 2);
    const lines = running.process.stderr.text.trimEnd().split("\n");
    assert.equal(lines.length, 3, lines.join("\n"));
    assert.ok(lines[0]?.startsWith(`${running.path}:1:`));
    assert.ok(lines[1]?.startsWith(`${running.path}:2:`));
    assert.equal(lines[2], "2 problems");
  }));

Deno.test("a configuration that is missing is said to be, with what to do and exit code 2", () =>
  Running.with(CONFIG, async (running) => {
    await rm(running.path);
    assert.equal(await running.start(), 2);
    assert.match(
      running.process.stderr.text,
      /no such file or directory; `sluice init` writes one/,
    );
  }));

Deno.test("a port in use is named, with exit code 1", () =>
  Running.with(CONFIG, async (running) => {
    const other = running.net.listen({ address: "127.0.0.1", port: 8443, backlog: 1 });
    assert.equal(await running.start(), 1);
    assert.match(running.process.stderr.text, /^error: cannot listen on 127\.0\.0\.1:8443: .*\n$/);
    other.close();
  }));

Deno.test("a log directory that cannot be made is named, with exit code 1", () =>
  Running.with(CONFIG, async (running) => {
    const logDir = join(running.path, "log");
    assert.equal(await running.start({ logDir }), 1);
    assert.ok(running.process.stderr.text.startsWith(`error: cannot write logs to ${logDir}`));
  }));

Deno.test("with a log directory the terminal still hears that it is ready, and where its logs are", () =>
  Running.with(CONFIG, async (running) => {
    const logDir = `${running.path}.d`;
    const exit = running.start({ logDir });
    await running.ready();
    running.process.send("SIGINT");
    await exit;
    assert.equal(
      running.process.stderr.text.replace(/\(\d+ ms\)/, ""),
      `ready: default 127.0.0.1:8443 ; logs are in ${logDir}\n`,
    );
    assert.match(await readFile(join(logDir, "sluice.log"), "utf8"), /ready: .*\n.*SIGINT/);
    await rm(logDir, { recursive: true });
  }));

Deno.test("a connection that has ended is a line on stdout", () =>
  Running.with(CONFIG, async (running) => {
    const exit = running.start();
    await running.ready();
    (await running.connect()).close();
    running.process.send("SIGTERM");
    assert.equal(await exit, 0);
    assert.match(
      running.process.stdout.text,
      /^\S+ reason=\S+ +transport=tcp listener=default .*\n$/,
    );
  }));

Deno.test("SIGHUP reloads at once, and one line says what changed", () =>
  Running.with(CONFIG, async (running) => {
    running.start();
    await running.ready();
    await running.write(CONFIG.replace("8443", "8444"));
    running.process.send("SIGHUP");
    await running.process.stderr.until(/reloaded .*: default: listen_port changed \(\d+ ms\)\n/);
    const client = await running.net.connect({ address: "127.0.0.1", port: 8444 }, {
      timeout: 1000,
    });
    client.close();
  }));

Deno.test("SIGHUP opens the log files anew, for a tool that has moved them away", () =>
  Running.with(CONFIG, async (running) => {
    const logDir = `${running.path}.d`;
    const exit = running.start({ logDir });
    await running.ready();
    await rm(logDir, { recursive: true });
    running.process.send("SIGHUP");
    running.process.send("SIGTERM");
    assert.equal(await exit, 0);
    assert.match(await readFile(join(logDir, "sluice.log"), "utf8"), /stopped\n$/);
    await rm(logDir, { recursive: true });
  }));

Deno.test("a changed file is noticed, a bad one changes nothing, and its repair is noticed", () =>
  Running.with(CONFIG, async (running) => {
    running.start();
    await running.ready();
    // Of another length: within one tick of the clock of the file system nothing else tells it from the one before.
    await running.write(CONFIG.replace("8443", "18444"));
    await running.poll(/reloaded .*port changed/);
    await running.write("listen_port = = 1");
    await running.poll(/not reloaded, what ran goes on: \S+:1:\d+: /);
    await rm(running.path);
    await running.poll(/not reloaded, what ran goes on: cannot read .*: no such file/);
    await running.write(CONFIG.replace("8443", "18444"));
    await running.poll(/is again what runs/);
    const levels = running.process.stderr.text.trimEnd().split("\n").map((line) =>
      line.split(" ")[1]
    );
    assert.deepEqual(levels, ["info", "info", "info", "error", "error", "info"]);
  }));

Deno.test("SIGTERM stops listening and lets connections end", () =>
  Running.with(CONFIG, async (running) => {
    const exit = running.start();
    await running.ready();
    const connection = await running.connect();
    running.process.send("SIGTERM");
    await running.process.stderr.until(/SIGTERM: draining 1 connection, for 30 s at most/);
    running.net.listen({ address: "127.0.0.1", port: 8443, backlog: 1 }).close();
    await connection.client.write(Uint8Array.of(1));
    assert.equal(await connection.served.read(new Uint8Array(8)), 1);
    connection.close();
    assert.equal(await exit, 0);
    assert.match(lastLine(running.process.stderr.text), /stopped$/);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      assert.ok(!running.process.hears(signal), signal);
    }
  }));

Deno.test("connections that do not end are closed after the drain timeout", () =>
  Running.with(CONFIG, async (running) => {
    const exit = running.start();
    await running.ready();
    const { client, served } = await running.connect();
    running.process.send("SIGINT");
    await running.process.stderr.until(/draining/);
    running.clock.advance(30_000);
    assert.equal(await exit, 0);
    assert.match(running.process.stdout.text, /reason=drained/);
    client.close();
    served.close();
  }));

Deno.test("a second signal ends it at once, with exit code 1", () =>
  Running.with(CONFIG, async (running) => {
    const exit = running.start();
    await running.ready();
    const connection = await running.connect();
    running.process.send("SIGTERM");
    await running.process.stderr.until(/draining/);
    running.process.send("SIGINT");
    assert.equal(await exit, 1);
    assert.match(running.process.stdout.text, /^\S+ reason=drained .*\n$/);
    connection.close();
  }));

Deno.test("a reader of stdout that stalls does not hold up the end", () =>
  Running.with(CONFIG, async (running) => {
    running.process.stdout.write = () => new Promise(() => {});
    const exit = running.start();
    await running.ready();
    (await running.connect()).close();
    running.process.send("SIGTERM");
    await running.process.stderr.until(/stopped/);
    let code: number | undefined;
    void exit.then((exitCode) => code = exitCode);
    // Once it waits for stdout, a second is what it waits.
    while (code === undefined) {
      await stat(running.path);
      running.clock.advance(1000);
    }
    assert.equal(code, 0);
  }));

const WITH_EDGE = `${CONFIG}
[edge]
domain = "t.example"
listen_port = 7835
insecure = true
[edge.agents.alice]
token_sha256 = "${hashOf(ALICE)}"
names = ["blog"]
`;

Deno.test("with an edge it says where agents come to; a visitor leaves one line, and the end sends the agent away", () =>
  Running.with(WITH_EDGE, async (running) => {
    const { net, clock, process } = running;
    const tls = () => Promise.resolve(new MemoryTls(net, clock));
    const exit = running.start({}, tls);
    await running.ready();
    assert.match(process.stderr.text, /info {4}edge: agents come to 127\.0\.0\.1:7835\n/);
    assert.match(
      lastLine(process.stderr.text),
      /default 127\.0\.0\.1:8443, edge 127\.0\.0\.1:7835/,
    );
    const agent = await ScriptedAgent.logIn(withoutTls(net), EDGE, ALICE);
    await agent.open({ endpoint: 1, kind: "http", name: "blog" });
    const visitor = await net.connect({ address: "127.0.0.1", port: 8443 }, { timeout: 1000 });
    await visitor.write(bytesOf("GET / HTTP/1.1\r\nHost: blog.t.example\r\n\r\n"));
    const channel = await agent.join();
    assert.equal((await channel.hear())?.type, "visit");
    process.send("SIGTERM");
    assert.equal((await agent.hear("goodbye")).code, "draining");
    await channel.say({ type: "accept" });
    await channel.say({ type: "end" });
    await visitor.closeWrite();
    assert.equal(await exit, 0);
    const lines = process.stdout.text.trimEnd().split("\n");
    assert.equal(lines.length, 1, process.stdout.text);
    assert.match(lines[0]!, /reason=ended .* agent=alice endpoint=blog$/);
    for (const each of [agent, channel, visitor]) each.close();
  }));

Deno.test("what an edge cannot have is told by its name, with exit code 1", () =>
  Running.with(
    WITH_EDGE.replace("insecure = true", 'certificate = "no.crt"\nprivate_key = "no.key"'),
    async (running) => {
      assert.equal(await running.start(), 1);
      assert.match(running.process.stderr.text, /^error: cannot read no\.(crt|key): no such file/);
    },
  ));
