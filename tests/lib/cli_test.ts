import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { main } from "../../lib/cli.ts";
import { loadConfig } from "../../lib/config/mod.ts";
import { parseToken, storedOf } from "../../lib/tunnel/auth.ts";
import { ManualClock } from "../support/clock.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { MemoryProcess } from "../support/process.ts";

const CONFIG = `
listen_port = 8443
listen_address_v4 = "127.0.0.1"
tcp_target = ["127.0.0.1:80"]

[protocols.web]
protocol = "tls"
server_names = ["a.example"]
target = ["127.0.0.1:81"]
`;

const loadCommands = () => import("../../lib/cli_program.ts");

/** Runs a command line to its end. */
async function sluice(
  args: readonly string[],
  { env = {}, terminal = false }: { env?: Record<string, string>; terminal?: boolean } = {},
) {
  const memory = new MemoryProcess(args, env, terminal);
  const clock = new ManualClock();
  const lookup = () => Promise.reject(new Error("no names here"));
  const tls = () => Promise.reject(new Error("no TLS here"));
  const net = new MemoryNet(clock);
  const code = await main({ process: memory, clock, net, lookup, tls }, loadCommands);
  return { code, out: memory.stdout.text, err: memory.stderr.text };
}

async function withConfig(
  text: string,
  test: (path: string, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-"));
  try {
    const path = join(directory, "config.toml");
    await writeFile(path, text);
    await test(path, directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

Deno.test("without arguments it prints its help on stderr, with exit code 2", async () => {
  const { code, out, err } = await sluice([]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /^Usage: sluice --config FILE\n/);
});

Deno.test("a file is run the same way however it is named, and whatever is said beside", () =>
  withConfig("listen_port = 0\n", async (path) => {
    const expected = await sluice(["--config", path, "--log-level", "info"]);
    assert.equal(expected.code, 2);
    assert.match(expected.err, /config\.toml:1:/);
    const env = { SLUICE_CONFIG: path };
    for (const args of [["--config", path], ["-c", path], ["run", "--config", path]]) {
      assert.deepEqual(await sluice(args), expected);
    }
    for (const args of [[], ["run"]]) assert.deepEqual(await sluice(args, { env }), expected);
  }));

Deno.test("help that is asked for goes to stdout, with examples, and exit code 0", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, out, err } = await sluice(args);
    assert.equal(code, 0);
    assert.equal(err, "");
    assert.match(out, /^Usage: sluice --config FILE\n/);
    assert.match(out, /Examples:\n {2}sluice demo\n/);
    assert.match(out, /Exit codes: 0 good/);
  }
});

Deno.test("every command has help that says which options it takes", async () => {
  const commands = ["run", "check", "explain", "demo", "health", "edge", "init", "schema"];
  const { out } = await sluice(["--help"]);
  for (const command of commands) {
    assert.match(out, new RegExp(`^ {2}${command} `, "m"));
    const { code, out: help } = await sluice([command, "--help"]);
    assert.equal(code, 0);
    assert.ok(help.startsWith(`Usage: sluice ${command}`), help);
  }
  assert.match((await sluice(["help", "run"])).out, /SIGTERM[^]*--log-dir/);
  assert.doesNotMatch((await sluice(["schema", "--help"])).out, /--log-dir/);
});

Deno.test("no line of help is wider than a terminal", async () => {
  const commands = ["run", "check", "explain", "demo", "health", "edge", "init", "schema"];
  for (const command of [[], ...commands.map((name) => [name])]) {
    const { out } = await sluice([...command, "--help"]);
    const [text = ""] = out.split("Examples:");
    for (const line of text.split("\n")) assert.ok(line.length <= 82, line);
  }
});

Deno.test("--version is the version of deno.json", async () => {
  const { version } = JSON.parse(
    await readFile(new URL("../../deno.json", import.meta.url), "utf8"),
  );
  assert.deepEqual(await sluice(["--version"]), { code: 0, out: `${version}\n`, err: "" });
});

const faultsOfStdout = [
  ["a reader of stdout that has gone is no fault", "EPIPE", "broken pipe", ""],
  ["a full disk behind stdout is one", "ENOSPC", "No space left", "error: No space left\n"],
] as const;

assert.ok(faultsOfStdout.length > 0);
for (const [sentence, code, message, said] of faultsOfStdout) {
  Deno.test(`${sentence}, and nothing to print a stack for`, async () => {
    const memory = new MemoryProcess(["schema"]);
    memory.stdout.write = () => Promise.reject(Object.assign(new Error(message), { code }));
    const clock = new ManualClock();
    const lookup = () => Promise.reject(new Error("no names here"));
    const tls = () => Promise.reject(new Error("no TLS here"));
    const net = new MemoryNet(clock);
    assert.equal(await main({ process: memory, clock, net, lookup, tls }, loadCommands), 1);
    assert.equal(memory.stderr.text, said);
  });
}

const mistakes: ReadonlyArray<[args: readonly string[], said: RegExp]> = [
  [["chek"], /unknown command 'chek'\n\(Did you mean check\?\)/],
  [["--confg", "x"], /unknown option '--confg'\n\(Did you mean --config\?\)/],
  [["explain", "--snj", "x"], /unknown option '--snj'\n\(Did you mean --sni\?\)/],
  [["config.toml"], /a file is run with `--config config.toml`/],
  [["run"], /no configuration: name it with `--config FILE` or SLUICE_CONFIG/],
  [["--log-level", "debug"], /no configuration/],
  [["-c", "x", "--log-level", "loud"], /Allowed choices are debug, info, warning, error/],
  [["-c", "x", "--log-format", "xml"], /Allowed choices are text, json/],
  [["-c", "x", "--set", "listen_port"], /KEY=VALUE is expected/],
  [["-c"], /argument missing/],
  [["check", "-c", "x", "more"], /too many arguments/],
  [
    ["explain", "-c", "x", "--hex", "00", "--file", "x"],
    /'--hex .*' cannot be used with option '--file/,
  ],
  [["explain", "-c", "x", "--sni", "a", "--host", "b"], /cannot be used with option/],
];

assert.ok(mistakes.length > 0);
for (const [args, said] of mistakes) {
  Deno.test(`\`sluice ${args.join(" ")}\` says what is wrong with it, with exit code 2`, async () => {
    const { code, out, err } = await sluice(args);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, said);
    assert.match(err, /`sluice --help`/);
  });
}

Deno.test("help is in colour on a terminal, unless NO_COLOR is set or the terminal takes none", async () => {
  const isColoured = async (options: Parameters<typeof sluice>[1]) =>
    (await sluice(["--help"], options)).out.includes("\x1b[");
  assert.equal(await isColoured({ terminal: true }), true);
  assert.equal(await isColoured({ terminal: false }), false);
  assert.equal(await isColoured({ terminal: true, env: { NO_COLOR: "1" } }), false);
  assert.equal(await isColoured({ terminal: true, env: { NO_COLOR: "" } }), true);
  assert.equal(await isColoured({ terminal: true, env: { TERM: "dumb" } }), false);
});

Deno.test("check prints the resolved configuration, which is good itself and resolves to the same", () =>
  withConfig(CONFIG, async (path) => {
    const first = await sluice(["check", "-c", path]);
    assert.equal(first.code, 0);
    assert.equal(first.err, `${path} is good\n`);
    assert.match(first.out, /probe_timeout = "5s"/);
    await writeFile(path, first.out);
    assert.equal((await sluice(["check", "-c", path])).out, first.out);
  }));

Deno.test("-t is check, before or after the file, and with the command run", () =>
  withConfig(CONFIG, async (path) => {
    const checked = await sluice(["check", "-c", path]);
    for (const args of [["-t", "-c", path], ["-c", path, "-t"], ["run", "-t", "-c", path]]) {
      assert.deepEqual(await sluice(args), checked);
    }
  }));

Deno.test("check prints every problem with its place, and how many there are, with exit code 2", () =>
  withConfig('listen_port = 0\ntcp_target = ["a"]\n', async (path) => {
    const { code, out, err } = await sluice(["check", "-c", path]);
    assert.equal(code, 2);
    assert.equal(out, "");
    const lines = err.trimEnd().split("\n");
    assert.ok(lines[0]?.startsWith(`${path}:1:15: listen_port: `), err);
    assert.ok(lines[1]?.startsWith(`${path}:2:`), err);
    assert.equal(lines[2], "2 problems");
  }));

Deno.test("options can come from the environment, and the command line goes before it", () =>
  withConfig(CONFIG, async (path) => {
    // Commander reads the variables of the process itself.
    const set = (env: Record<string, string>) => Object.assign(process.env, env);
    try {
      set({ SLUICE_CONFIG: path });
      assert.equal((await sluice(["check"])).code, 0);
      assert.equal((await sluice(["check", "-c", "/nonexistent"])).code, 2);
      set({ SLUICE_LOG_LEVEL: "loud" });
      assert.match(
        (await sluice(["-t"])).err,
        /value 'loud' from env 'SLUICE_LOG_LEVEL' is invalid/,
      );
    } finally {
      delete process.env["SLUICE_CONFIG"];
      delete process.env["SLUICE_LOG_LEVEL"];
    }
  }));

Deno.test("--set goes before the environment, and that before the file", () =>
  withConfig(CONFIG, async (path) => {
    const port = async (args: readonly string[], env: Record<string, string>) =>
      (await sluice(["check", "-c", path, ...args], { env })).out.match(/listen_port = (\d+)/)?.[1];
    const env = { SLUICE_LISTEN_PORT: "2" };
    assert.equal(await port([], {}), "8443");
    assert.equal(await port([], env), "2");
    assert.equal(await port(["--set", "listen_port=3"], env), "3");
    assert.equal(await port(["--set", "tcp_backlog=9", "--set", "listen_port = 4"], env), "4");
  }));

Deno.test("explain says where a hello would go, as text and as JSON", () =>
  withConfig(CONFIG, async (path) => {
    const text = await sluice(["explain", "-c", path, "--sni", "a.example"]);
    assert.equal(text.code, 0);
    assert.match(text.out, /web/);
    const json = await sluice(["explain", "-c", path, "--sni", "a.example", "--json"]);
    const { outcome } = JSON.parse(json.out);
    assert.deepEqual([outcome.kind, outcome.route], ["forward", "web"]);
  }));

Deno.test("explain takes bytes in hexadecimal, raw files and captures", () =>
  withConfig(CONFIG, async (path, directory) => {
    const route = async (...args: string[]) => {
      const { code, out, err } = await sluice(["explain", "-c", path, "--json", ...args]);
      assert.equal(code, 0, err);
      return JSON.parse(out);
    };
    assert.equal((await route("--hex", "53 53 48 2d")).outcome.route, "default");
    const raw = join(directory, "raw");
    await writeFile(raw, "SSH-2.0-x\r\n");
    assert.equal((await route("--file", raw)).outcome.route, "default");
    const samples = new URL("../samples/", import.meta.url);
    const capture = new URL("capture_ethernet.pcap", samples).pathname;
    const flows = await route("--file", capture);
    assert.equal(flows.length, 2);
    assert.match(flows[0].connection, /^\S+:\d+ > \S+:\d+$/);
  }));

const explainMistakes: ReadonlyArray<[args: readonly string[], said: RegExp]> = [
  [["--hex", "123"], /two hexadecimal digits for each byte/],
  [["--hex", "zz"], /two hexadecimal digits/],
  [["--from", "nowhere"], /--from wants an IP address, not "nowhere"/],
  [["--file", "/nonexistent"], /cannot read \/nonexistent/],
  [["--listener", "defalt"], /no listener "defalt" among default; did you mean "default"\?\n$/],
  [["--listener", "web"], /no listener "web" among default\n$/],
  [["--sni", "münchen.example"], /no client sends the server name "münchen.example": .*"xn--/],
  [["--sni", "192.0.2.1"], /no client sends the server name "192.0.2.1"/],
];

assert.ok(explainMistakes.length > 0);
for (const [args, said] of explainMistakes) {
  Deno.test(`\`explain ${args.join(" ")}\` says what is wrong with it, with exit code 2`, () =>
    withConfig(CONFIG, async (path) => {
      const { code, out, err } = await sluice(["explain", "-c", path, ...args]);
      assert.equal(code, 2);
      assert.equal(out, "");
      assert.match(err, said);
    }));
}

Deno.test("init writes a configuration that is good, and does not overwrite one", () =>
  withConfig("mine", async (path, directory) => {
    const refused = await sluice(["init", path]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /exists already; --force overwrites it/);
    assert.equal(await readFile(path, "utf8"), "mine");

    assert.equal((await sluice(["init", path, "--force"])).code, 0);
    assert.equal((await sluice(["check", "-c", path])).code, 0);
    const printed = await sluice(["init", "-"]);
    assert.equal(printed.out, await readFile(path, "utf8"));

    const nowhere = await sluice(["init", join(directory, "no", "where.toml")]);
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.err, /^error: cannot write .*: no such file/);
  }));

Deno.test("init --systemd writes the unit, and not a configuration", () =>
  withConfig("mine", async (path) => {
    const refused = await sluice(["init", "--systemd", path]);
    assert.equal(refused.code, 1);
    const { code, err } = await sluice(["init", "--systemd", "--force", path]);
    assert.equal(code, 0);
    assert.match(err, /^wrote .*; its first lines say what it wants\n$/);
    const unit = await readFile(path, "utf8");
    assert.match(unit, /^ExecStart=\S+\/sluice run$/m);
    assert.equal((await sluice(["init", "--systemd", "-"])).out, unit);
  }));

Deno.test("health without an admin endpoint cannot tell, with exit code 2", () =>
  withConfig(CONFIG, async (path) => {
    const { code, err } = await sluice(["health", "-c", path]);
    assert.equal(code, 2);
    assert.match(err, /^error: admin_address is not set/);
  }));

Deno.test("schema prints a JSON Schema that knows the keys", async () => {
  const { code, out } = await sluice(["schema"]);
  assert.equal(code, 0);
  assert.ok("listen_port" in JSON.parse(out).properties);
});

Deno.test("edge token prints a token and what the edge is to know of it", async () => {
  const { code, out } = await sluice(["edge", "token", "alice"]);
  assert.equal(code, 0);
  const [, text = "", lines = ""] =
    /^# The token, [^\n]*\n(.*)\n\n# For the configuration[^\n]*\n(.*)$/s.exec(out) ?? [];
  const token = parseToken(text);
  assert.equal(token?.id, "alice");
  const edge = `[edge]\ndomain = "t.example"\nlisten_port = 1\n${lines}`;
  const loaded = await loadConfig(edge, { file: "config.toml" });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.edge?.agents[0]?.tokenHashes, [storedOf(token!.secret).toHex()]);
  const again = await sluice(["edge", "token", "alice"]);
  assert.notEqual(again.out, out);
});

Deno.test("edge token takes no id that no agent can have", async () => {
  const { code, err } = await sluice(["edge", "token", "a b"]);
  assert.equal(code, 2);
  assert.match(err, /^error: "a b" cannot be an agent's id: /);
});

Deno.test("edge pin prints the pin of the certificate that is kept, and makes one first", () =>
  withConfig('[edge]\ndomain = "t.example"\nlisten_port = 1\n', async (path, directory) => {
    const env = { STATE_DIRECTORY: join(directory, "state") };
    const first = await sluice(["edge", "pin", "-c", path], { env });
    assert.equal(first.code, 0);
    assert.match(first.out, /^[0-9a-f]{64}\n$/);
    assert.equal((await sluice(["edge", "pin", "-c", path], { env })).out, first.out);
    const nowhere = await sluice(["edge", "pin", "-c", path]);
    assert.equal(nowhere.code, 1);
    assert.match(
      nowhere.err,
      /^error: nowhere to keep the edge's certificate: set edge\.state_dir\n$/,
    );
  }));

Deno.test("edge pin of a file without an edge cannot tell, with exit code 2", () =>
  withConfig(CONFIG, async (path) => {
    const { code, err } = await sluice(["edge", "pin", "-c", path]);
    assert.equal(code, 2);
    assert.equal(err, `error: ${path}: there is no [edge]\n`);
  }));
