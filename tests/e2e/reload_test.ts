/**
 * Changes of the configuration file under a running sluice.
 */
import assert from "node:assert/strict";
import { freePort, refused, type Scope, testWithTools } from "../support/children.ts";
import { Client } from "./client.ts";
import { startBackend } from "./servers.ts";
import { type Sluice, startSluice } from "./sluice.ts";

/** A second is promised, ms; here more than one process wants the processor. */
const PROMISED = 1000;
const TOLERANCE = 500;

/** Ways of changing a file: each makes `text` the content of `file`, which has had `before`. */
const WAYS: Readonly<Record<string, (file: string, text: string) => Promise<void>>> = {
  "written in place": (file, text) => Deno.writeTextFile(file, text),
  "renamed over": async (file, text) => {
    await Deno.writeTextFile(`${file}.new`, text);
    await Deno.rename(`${file}.new`, file);
  },
  "appended to in pieces": async (file, text) => {
    await Deno.writeTextFile(file, "");
    for (const line of text.split("\n")) {
      await Deno.writeTextFile(file, `${line}\n`, { append: true });
    }
  },
};

for (const [way, change] of Object.entries(WAYS)) {
  testWithTools(
    `a file ${way} is applied within a second, and open connections live on`,
    [],
    async (scope) => {
      const { port, sluice, configTo } = await startWithTwoBackends(scope);
      const open = await Client.connect(scope, port);
      assert.equal(await open.ask("hello"), "old");
      assert.equal(await open.line(), "hello");

      const changed = Date.now();
      await change(sluice.file, configTo("new"));
      await assertReloaded(sluice, changed);
      assert.equal(await askName(scope, port), "new");
      assert.equal(await open.ask("still there?"), "still there?");
    },
  );
}

testWithTools(
  "a ConfigMap's swap of symbolic links is applied within a second",
  [],
  async (scope) => {
    // As Kubernetes lays it out: sluice.toml → ..data/sluice.toml, ..data → ..2026_01, and a new folder each time.
    const folder = await scope.folder();
    const publish = async (version: string, text: string) => {
      await Deno.mkdir(`${folder}/..${version}`);
      await Deno.writeTextFile(`${folder}/..${version}/sluice.toml`, text);
      await Deno.symlink(`..${version}`, `${folder}/..data_tmp`);
      await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
    };
    const { configTo } = await startTwoBackends(scope);
    const port = freePort();
    await publish("2026_01", configTo(port, "old"));
    await Deno.symlink("..data/sluice.toml", `${folder}/sluice.toml`);
    const sluice = await startSluice(scope, "", { file: `${folder}/sluice.toml` });
    assert.equal(await askName(scope, port), "old");

    const changed = Date.now();
    await publish("2026_02", configTo(port, "new"));
    await Deno.remove(`${folder}/..2026_01`, { recursive: true });
    await assertReloaded(sluice, changed);
    assert.equal(await askName(scope, port), "new");
  },
);

testWithTools("SIGHUP reloads at once, and always answers", [], async (scope) => {
  const { port, sluice, configTo } = await startWithTwoBackends(scope);
  sluice.child.signal("SIGHUP");
  await sluice.says(/is unchanged/);
  await Deno.writeTextFile(sluice.file, configTo("new"));
  const changed = Date.now();
  sluice.child.signal("SIGHUP");
  await assertReloaded(sluice, changed);
  assert.equal(await askName(scope, port), "new");
});

testWithTools("a reload opens listeners and closes them", [], async (scope) => {
  const { port, sluice, configTo } = await startWithTwoBackends(scope);
  const more = freePort();
  const open = await Client.connect(scope, port);
  assert.equal(await open.ask("hello"), "old");
  assert.equal(await open.line(), "hello");

  await Deno.writeTextFile(
    sluice.file,
    `${configTo("old")}\n[listeners.more]\n${configTo("new", more)}`,
  );
  await sluice.says(/reloaded .*listener more added/);
  assert.equal(await askName(scope, more), "new");

  await Deno.writeTextFile(sluice.file, configTo("old", more));
  await sluice.says(/reloaded .*listener more removed/);
  assert.equal(await askName(scope, more), "old");
  await refused(port);
  assert.equal(await open.ask("still there?"), "still there?");
});

testWithTools(
  "a reload moves from one address of a port to all of them, and back",
  [],
  async (scope) => {
    const { port, sluice, configTo } = await startWithTwoBackends(scope);
    const open = await Client.connect(scope, port);
    assert.equal(await open.ask("hello"), "old");
    assert.equal(await open.line(), "hello");
    for (const address of ["0.0.0.0", "127.0.0.1"]) {
      const config = configTo("new").replace(`"127.0.0.1"`, `"${address}"`);
      await Deno.writeTextFile(sluice.file, config);
      await sluice.says(/"reloaded /);
      assert.equal(await askName(scope, port), "new");
      assert.equal(await open.ask("still there?"), "still there?");
    }
  },
);

/** Ways of spoiling the file, and what must be said about each. */
const FAULTS: Readonly<Record<string, { spoil: (file: string) => Promise<void>; says: RegExp }>> = {
  "broken": {
    spoil: (file) => Deno.writeTextFile(file, "listen_port = 80\n[protocols.web\n"),
    says: /sluice\.toml:2:\d+: /,
  },
  "wrong in three places": {
    spoil: (file) =>
      Deno.writeTextFile(file, "listen_prot = 80\nlisten_address_v4 = 7\ntcp_taget = []\n"),
    says: /sluice\.toml: listen_port: is missing.* \(and 4 more: `sluice check` lists them\)/,
  },
  "for an address that cannot be had": {
    spoil: async (file) => {
      const text = await Deno.readTextFile(file);
      // An address for documentation: no machine has it (RFC 5737).
      await Deno.writeTextFile(file, text.replace(`"127.0.0.1"`, `"192.0.2.1"`));
    },
    says: /cannot listen on 192\.0\.2\.1:\d+: this machine has no such address/,
  },
  "gone": { spoil: (file) => Deno.remove(file), says: /cannot read .*: no such file/ },
  "now a directory": {
    spoil: async (file) => {
      await Deno.remove(file);
      await Deno.mkdir(file);
    },
    says: /cannot read .*: it is a directory/,
  },
};

for (const [what, { spoil, says }] of Object.entries(FAULTS)) {
  testWithTools(
    `a file that is ${what}: one error line, what ran goes on, and a good file is taken again`,
    [],
    async (scope) => {
      const { port, sluice, configTo } = await startWithTwoBackends(scope);
      const open = await Client.connect(scope, port);
      assert.equal(await open.ask("hello"), "old");
      assert.equal(await open.line(), "hello");

      await spoil(sluice.file);
      const { level, message } = await sluice.says(/not reloaded/);
      assert.equal(level, "error");
      assert.match(message, says);
      assert.equal(await askName(scope, port), "old");
      assert.equal(await open.ask("still there?"), "still there?");

      await Deno.remove(sluice.file, { recursive: true }).catch(() => {});
      await Deno.writeTextFile(sluice.file, configTo("new"));
      await sluice.says(/reloaded/);
      assert.equal(await askName(scope, port), "new");
      assert.equal(await open.ask("and now?"), "and now?");
      assert.equal(sluice.child.stderr.count(/"level":"(error|warning)"/), 1);
    },
  );
}

/** Waits for the reload, and holds it to the second that is promised. */
async function assertReloaded(sluice: Sluice, changed: number): Promise<void> {
  const { time } = await sluice.says(/"reloaded /);
  const took = Date.parse(time) - changed;
  assert.ok(took < PROMISED + TOLERANCE, `the reload came after ${took} ms`);
}

/** The name of the backend that a new connection reaches. */
async function askName(scope: Scope, port: number): Promise<string> {
  const client = await Client.connect(scope, port);
  const name = await client.ask("hello");
  client.close();
  return name;
}

async function startTwoBackends(scope: Scope) {
  const [before, after] = await Promise.all([
    startBackend(scope, "echo", "old"),
    startBackend(scope, "echo", "new"),
  ]);
  const configTo = (port: number, name: "old" | "new") =>
    [
      `listen_address_v4 = "127.0.0.1"`,
      `listen_port = ${port}`,
      `tcp_target = ["127.0.0.1:${(name === "old" ? before : after).port}"]`,
    ].join("\n");
  return { configTo };
}

/** sluice in front of the backend `old`, and what to write to move it to the other. */
async function startWithTwoBackends(scope: Scope) {
  const { configTo } = await startTwoBackends(scope);
  const port = freePort();
  const sluice = await startSluice(scope, configTo(port, "old"));
  return {
    port,
    sluice,
    configTo: (name: "old" | "new", at = port) => configTo(at, name),
  };
}
