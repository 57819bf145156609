/**
 * Which engine runs, and what becomes of a configuration that asks for one that cannot be had.
 */
import assert from "node:assert/strict";
import { freePort, type Scope, testWithTools } from "../support/children.ts";
import { Client } from "./client.ts";
import { isUnderDeno } from "./command.ts";
import { startBackend } from "./servers.ts";
import { runSluice, type Sluice, type SluiceOptions } from "./sluice.ts";

/** Whatever the whole suite runs on. */
const LEFT_TO_ITSELF: SluiceOptions = { under: ["env", "-u", "SLUICE_ENGINE"] };
const WITHOUT_CALLS: SluiceOptions = { ...LEFT_TO_ITSELF, deno: ["--deny-ffi"] };
const hasLinux = isUnderDeno && Deno.build.os === "linux";
/** Why there is none where foreign calls are forbidden, or the runtime is another one. */
const WHY_NOT = isUnderDeno
  ? "foreign calls are not permitted (--allow-ffi)"
  : "this runtime has no way to it";

async function start(scope: Scope, keys: string, options: SluiceOptions) {
  const { port: target } = await startBackend(scope, "echo", "echo");
  const port = freePort();
  const config = `listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    tcp_target = ["127.0.0.1:${target}"]
    ${keys}`;
  return { port, config, sluice: await runSluice(scope, config, options) };
}

async function serves(scope: Scope, port: number): Promise<void> {
  const client = await Client.connect(scope, port);
  assert.equal(await client.ask("hello"), "echo");
  client.close();
}

/** What the line about the engine says. */
async function engineOf(sluice: Sluice): Promise<string> {
  const { level, message } = await sluice.says(/"engine: /);
  assert.equal(level, "info");
  await sluice.says(/"ready: /);
  return message;
}

testWithTools("left to itself it runs on Linux's own sockets, and says so", [], async (scope) => {
  const { port, sluice } = await start(scope, "", LEFT_TO_ITSELF);
  assert.equal(
    await engineOf(sluice),
    hasLinux
      ? "engine: linux (it can be had: its self-test has passed)"
      : `engine: portable (linux cannot be had: ${
        isUnderDeno ? `the system is ${Deno.build.os}` : WHY_NOT
      })`,
  );
  await serves(scope, port);
});

testWithTools(
  "where foreign calls are forbidden it is portable, and says why",
  [],
  async (scope) => {
    const { port, sluice } = await start(scope, "", WITHOUT_CALLS);
    assert.equal(await engineOf(sluice), `engine: portable (linux cannot be had: ${WHY_NOT})`);
    await serves(scope, port);
  },
);

testWithTools(
  "linux where it cannot be had: exit code 1, and what is missing",
  [],
  async (scope) => {
    const { sluice: { child } } = await start(scope, `engine = "linux"`, WITHOUT_CALLS);
    assert.equal(await child.code, 1);
    await Promise.all([child.stderr.ended, child.stdout.ended]);
    assert.equal(child.stderr.text, `error: engine "linux" cannot be had: ${WHY_NOT}\n`);
  },
);

for (const engine of hasLinux ? ["linux", "portable"] : ["portable"]) {
  testWithTools(
    `${engine}, as configured: it serves, another engine waits for the next start, and it ends`,
    [],
    async (scope) => {
      const { port, config, sluice } = await start(scope, `engine = "${engine}"`, LEFT_TO_ITSELF);
      assert.equal(await engineOf(sluice), `engine: ${engine} (as configured)`);
      await serves(scope, port);
      const other = engine === "linux" ? "portable" : "linux";
      await Deno.writeTextFile(sluice.file, config.replace(`"${engine}"`, `"${other}"`));
      sluice.child.signal("SIGHUP");
      const { message } = await sluice.says(/reloaded/);
      assert.match(message, /: engine \(at the next start\) changed \(\d+ ms\)$/);
      await serves(scope, port);
      sluice.child.signal("SIGTERM");
      assert.equal(await sluice.child.code, 0);
    },
  );

  testWithTools(`${engine}, with nothing to do: it uses no processor`, [], async (scope) => {
    const { port, sluice } = await start(scope, `engine = "${engine}"`, LEFT_TO_ITSELF);
    await engineOf(sluice);
    const idle = await Client.connect(scope, port);
    assert.equal(await idle.ask("hello"), "echo");
    const before = sluice.cpuTime;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const used = sluice.cpuTime - before;
    assert.ok(used < 0.1, `${used} s of 2 s`);
    idle.close();
  });
}
