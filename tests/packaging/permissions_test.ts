/**
 * sluice with the permissions that the executable has, doing all that it can.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { permissions } from "../../.github/release/compile.ts";
import { ROOT } from "../../.github/release/packages.ts";
import { createToken, formatToken, storedOf } from "../../lib/tunnel/auth.ts";
import { freePort, type Scope, testWithTools, until } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";

const ENV = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
const SLUICE = ["run", ...permissions(Deno.build.target), fileURLToPath(new URL("main.ts", ROOT))];

const sluice = (scope: Scope, ...args: readonly string[]) =>
  scope.run(Deno.execPath(), [...SLUICE, ...args], { env: ENV });

testWithTools(
  "every command that ends works with the executable's permissions",
  [],
  async (scope) => {
    const folder = await scope.folder();
    const config = `${folder}/sluice.toml`;
    const edge = `${folder}/edge.toml`;
    await Deno.writeTextFile(
      edge,
      `[edge]\ndomain = "t.example"\nlisten_port = 7835\nstate_dir = "${folder}/state"\n`,
    );
    for (
      const args of [
        ["init", config],
        ["init", "--systemd", `${folder}/sluice.service`],
        ["check", "-c", config],
        ["schema"],
        ["explain", "-c", config, "--sni", "www.example.com"],
        ["edge", "token", "alice"],
        ["edge", "pin", "-c", edge],
        ["demo"],
      ]
    ) {
      const { code, stderr } = await sluice(scope, ...args);
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
    }
  },
);

for (const engine of Deno.build.os === "linux" ? ["portable", "linux"] : ["portable"]) {
  testWithTools(
    `a proxy runs on the ${engine} engine with the executable's permissions: names, logs, metrics, reload, an edge`,
    [],
    async (scope) => {
      const folder = await scope.folder();
      const [port, admin, edge] = [freePortOfBoth(), freePort(), freePort()];
      const backend = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      scope.atEnd(() => backend.close());
      const config = (more: string) =>
        `listen_port = ${port}
       listen_ipv6 = true
       engine = "${engine}"
       tcp_target = ["localhost:${backend.addr.port}"]
       udp_target = ["localhost:9"]
       admin_address = "127.0.0.1:${admin}"
       ${more}
       [edge]
       domain = "t.example"
       listen_port = ${edge}
       state_dir = "${folder}/state"`;
      const file = `${folder}/sluice.toml`;
      await Deno.writeTextFile(file, config(""));
      const logs = `${folder}/logs`;
      const socket = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/notify` });
      scope.atEnd(() => socket.close());
      const args = [...SLUICE, "-c", file, "--log-dir", logs];
      const env = { ...ENV, NOTIFY_SOCKET: `${folder}/notify` };
      const child = scope.start(Deno.execPath(), args, { env });
      await child.stderr.next(/^ready: .*tcp, udp.*edge /);
      const [told] = await socket.receive();
      assert.equal(new TextDecoder().decode(told), "READY=1");

      const client = await Deno.connect({ hostname: "127.0.0.1", port });
      await client.write(new TextEncoder().encode("hello"));
      const served = await backend.accept();
      const got = new Uint8Array(5);
      await served.read(got);
      assert.equal(new TextDecoder().decode(got), "hello");
      served.close();
      client.close();

      const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
      assert.match(metrics, /^sluice_connections_active/m);
      assert.match(metrics, /^process_resident_memory_bytes \d/m);

      const { code, stdout } = await sluice(scope, "health", "-c", file);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "ready\n" });

      await Deno.writeTextFile(file, config(`probe_timeout = "1s"`));
      const log = () => Deno.readTextFile(`${logs}/sluice.log`);
      await until("reloaded", async () => /reloaded .*probe_timeout/.test(await log()));
      child.signal("SIGTERM");
      assert.equal(await child.code, 0);
      assert.match(await Deno.readTextFile(`${logs}/access.log`), /backend=127\.0\.0\.1:\d+ /);
      assert.match(await log(), new RegExp(`engine: ${engine}[^]*stopped`));
    },
  );
}

testWithTools(
  "an agent runs with the executable's permissions: its token, names, the inspector",
  [],
  async (scope) => {
    const folder = await scope.folder();
    const [port, agents] = [freePort(), freePort()];
    const token = createToken("alice");
    await Deno.writeTextFile(`${folder}/token`, formatToken(token));
    await Deno.writeTextFile(
      `${folder}/edge.toml`,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${port}
       [edge]
       domain = "t.example"
       listen_port = ${agents}
       state_dir = "${folder}/state"
       [edge.agents.alice]
       token_sha256 = "${storedOf(token.secret).toHex()}"
       names = ["blog"]`,
    );
    const start = (...args: readonly string[]) =>
      scope.start(Deno.execPath(), [...SLUICE, ...args], { env: ENV });
    const edge = start("-c", `${folder}/edge.toml`);
    const [pin = ""] = /[0-9a-f]{64}/.exec(await edge.stderr.next(/has the pin/)) ?? [];
    await edge.stderr.next(/ready: /);
    const service = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("hello"),
    );
    scope.atEnd(() => void service.shutdown());
    const agent = start(
      ...["expose", "http", String(service.addr.port), "--name", "blog"],
      ...["--edge", `localhost:${agents}`, "--token-file", `${folder}/token`, "--pin", pin],
    );
    await agent.stdout.next(/http:\/\/blog\.t\.example/);
    const [url = ""] = /http:\S+/.exec(await agent.stdout.next(/inspector/)) ?? [];
    assert.match(await (await fetch(url)).text(), /<html/);
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const asked = "GET / HTTP/1.1\r\nHost: blog.t.example\r\nConnection: close\r\n\r\n";
    await conn.write(new TextEncoder().encode(asked));
    const answer = await new Response(conn.readable).text();
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*hello$/);
    await agent.stdout.next(/^GET .* 200 OK/);
    agent.signal("SIGTERM");
    assert.equal(await agent.code, 0);
  },
);
