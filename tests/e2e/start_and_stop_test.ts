/**
 * How the process starts, what it says when it cannot, and how it ends.
 */
import assert from "node:assert/strict";
import { freePort, refused, type Scope, testWithTools } from "../support/children.ts";
import { Client } from "./client.ts";
import { startBackend } from "./servers.ts";
import { runSluice, type Sluice, startSluice } from "./sluice.ts";

testWithTools("it says when it is ready, with every address it listens on", [], async (scope) => {
  const [port, more] = [freePort(), freePort()];
  const sluice = await runSluice(
    scope,
    `listen_address_v4 = ["127.0.0.1", "127.0.0.2"]
     listen_port = ${port}
     tcp_target = ["127.0.0.1:9"]
     [listeners.more]
     listen_address_v4 = "127.0.0.1"
     listen_port = ${more}
     tcp_target = ["127.0.0.1:9"]`,
  );
  const { message } = await sluice.says(/"ready: /);
  assert.match(
    message,
    new RegExp(
      `^ready: default 127.0.0.1:${port}, default 127.0.0.2:${port}, more 127.0.0.1:${more} \\(\\d+ ms\\)$`,
    ),
  );
});

testWithTools("a port in use: exit code 1, and the address is named", [], async (scope) => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  scope.atEnd(() => taken.close());
  const { port } = taken.addr;
  const { code, stderr } = await end(await runSluice(scope, configFor(port)));
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`^error: cannot listen on 127.0.0.1:${port}: another process .*\n$`),
  );
});

testWithTools(
  "a bad file at start: exit code 2, and each problem with its place",
  [],
  async (scope) => {
    const sluice = await runSluice(
      scope,
      [
        `listen_port = 70000`,
        `[protocols.web]`,
        `protocol = "htp"`,
        `target = ["127.0.0.1"]`,
      ].join("\n"),
    );
    const { code, stderr } = await end(sluice);
    assert.equal(code, 2);
    for (
      const place of [
        "1:15: listen_port",
        "3:12: protocols.web.protocol",
        "4:11: protocols.web.target",
      ]
    ) {
      assert.ok(stderr.includes(`${sluice.file}:${place}`), `${place} in:\n${stderr}`);
    }
    assert.match(stderr, /\n3 problems\n$/);
  },
);

testWithTools("a file that is not there: exit code 2, and its name", [], async (scope) => {
  const file = `${await scope.folder()}/none.toml`;
  const { code, stderr } = await end(await runSluice(scope, "", { file }));
  assert.equal(code, 2);
  assert.match(stderr, new RegExp(`^${file}: cannot be read: no such file`));
});

/** Where the kernel lets everybody have every port, as in many containers, there is nothing to be refused. */
const everyPortIsFree = await Deno.readTextFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
  .then((start) => Number(start) === 0, () => false);
const isRoot = Deno.uid() === 0;

testWithTools(
  "a port below 1024 without permission: exit code 1, and a hint",
  [...isRoot ? ["setpriv"] : [], ...everyPortIsFree ? ["a port that takes a privilege"] : []],
  async (scope) => {
    // Root keeps its other privileges, so that it can still read what it must.
    const under = isRoot ? ["setpriv", "--bounding-set=-net_bind_service"] : [];
    const { code, stderr } = await end(await runSluice(scope, configFor(7), { under }));
    assert.equal(code, 1);
    assert.match(stderr, /^error: cannot listen on 127\.0\.0\.1:7: ports below 1024 .*setcap/);
  },
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testWithTools(
    `${signal} drains: open connections go on, new ones are refused, then it ends with 0`,
    [],
    async (scope) => {
      const { port, sluice } = await startInFrontOfEcho(scope);
      const open = await openConnection(scope, port);
      sluice.child.signal(signal);
      const { message } = await sluice.says(/draining/);
      assert.match(message, new RegExp(`^${signal}: draining 1 connection, for 30 s at most`));
      await refused(port);
      assert.equal(await open.ask("still there?"), "still there?");
      open.close();
      assert.equal((await end(sluice)).code, 0);
      assert.equal((await sluice.accessLine(new RegExp(open.address))).reason, "ended");
    },
  );
}

testWithTools("a second signal ends the drain at once, with 1", [], async (scope) => {
  const { port, sluice } = await startInFrontOfEcho(scope);
  const open = await openConnection(scope, port);
  sluice.child.signal("SIGTERM");
  await sluice.says(/draining/);
  const second = Date.now();
  sluice.child.signal("SIGTERM");
  assert.equal((await end(sluice)).code, 1);
  assert.ok(Date.now() - second < 5000, "at once");
  assert.equal((await open.rest()).text, "");
});

testWithTools(
  "a drain ends after drain_timeout: what is still open is closed",
  [],
  async (scope) => {
    const { port, sluice } = await startInFrontOfEcho(scope, `drain_timeout = "200ms"`);
    const open = await openConnection(scope, port);
    sluice.child.signal("SIGTERM");
    assert.equal((await open.rest()).text, "");
    assert.equal((await end(sluice)).code, 0);
    assert.deepEqual(sluice.accessLines.map(({ reason }) => reason), ["drained"]);
  },
);

function configFor(port: number, target = 9, more = ""): string {
  return `listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    tcp_target = ["127.0.0.1:${target}"]
    ${more}`;
}

/** What it said until it ended by itself, and its exit code. */
async function end({ child }: Sluice): Promise<{ code: number; stderr: string }> {
  const code = await child.code;
  await Promise.all([child.stderr.ended, child.stdout.ended]);
  return { code, stderr: child.stderr.text };
}

async function startInFrontOfEcho(scope: Scope, more = "") {
  const backend = await startBackend(scope, "echo", "echo");
  const port = freePort();
  return { port, sluice: await startSluice(scope, configFor(port, backend.port, more)) };
}

/** A connection that has reached its backend. */
async function openConnection(scope: Scope, port: number): Promise<Client> {
  const client = await Client.connect(scope, port);
  assert.equal(await client.ask("hello"), "echo");
  assert.equal(await client.line(), "hello");
  return client;
}
