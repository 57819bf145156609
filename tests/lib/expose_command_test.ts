import assert from "node:assert/strict";
import { env as variables } from "node:process";
import { main } from "../../lib/cli.ts";
import { createToken, formatToken } from "../../lib/tunnel/auth.ts";
import { ManualClock } from "../support/clock.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { memoryPin, MemoryTls } from "../support/memory_tls.ts";
import { MemoryProcess } from "../support/process.ts";
import { settled } from "../support/rig.ts";
import { ScriptedEdge } from "../support/scripted_edge.ts";

const TOKEN = createToken("alice");
const PIN = memoryPin("c").toHex();

/** `sluice expose` in memory, and an edge of which the test says every word. */
class Exposing {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly tls = new MemoryTls(this.net, this.clock);
  readonly edge = new ScriptedEdge(this.net, this.tls);
  readonly process: MemoryProcess;
  readonly code: Promise<number>;

  constructor(args: readonly string[], env = {}) {
    this.process = new MemoryProcess(["expose", ...args], env);
    const platform = {
      process: this.process,
      net: this.net,
      clock: this.clock,
      lookup: () => Promise.reject(new Error("no names here")),
      tls: () => Promise.resolve(this.tls),
    };
    this.code = main(platform, () => import("../../lib/cli_program.ts"));
  }

  async close(): Promise<void> {
    await this.edge.close();
    this.net.close();
  }
}

/** The usage error of a command that never begins. */
async function refused(args: readonly string[], env = {}): Promise<string> {
  const exposing = new Exposing(args, env);
  assert.equal(await exposing.code, 2);
  await exposing.close();
  assert.equal(exposing.process.stdout.text, "");
  return exposing.process.stderr.text;
}

Deno.test("a token on the command line is refused, with the reason", async () => {
  const text = await refused(["http", "3000", "--edge", "e", "--token", formatToken(TOKEN)]);
  assert.match(
    text,
    /^error: a token on the command line can be read by every user of this machine/,
  );
});

Deno.test("what is missing is asked for", async () => {
  assert.match(await refused([]), /^error: what is to be exposed\?/);
  assert.match(await refused(["http"]), /^error: what is to be exposed\?/);
  assert.match(await refused(["http", "3000"]), /^error: where is the edge\?/);
  assert.match(await refused(["http", "3000", "--edge", "e"]), /^there is no token: /);
});

Deno.test("every option that is wrong is told at once", async () => {
  const args = ["tpc", "99999", "--edge", "a b", "--pin", "12", "--allow", "me", "--port", "x"];
  assert.equal(
    await refused(args),
    `command line: --edge: expected host:port, got "a b"
command line: --pin: expected the SHA-256 of a certificate, 64 hexadecimal digits, got "12"
command line: KIND: expected one of "http", "tls", "tcp", "udp", got "tpc"; did you mean "tcp"?
command line: SERVICE: expected a port from 1 to 65535, got "99999" in "localhost:99999"
command line: --port: expected a number, got the text "x"
command line: --allow: expected an address or a network such as "192.0.2.0/24" or "2001:db8::/32", got "me"
6 problems
`,
  );
});

Deno.test("what a file says is not said again", async () => {
  assert.match(
    await refused(["-c", "agent.toml", "--name", "blog", "--pin", PIN]),
    /^error: --name, --pin has no effect beside agent\.toml: write it there\n/,
  );
  assert.match(
    await refused(["http", "3000", "-c", "a.toml"]),
    /^error: http has no effect beside/,
  );
  assert.match(
    await refused(["-c", "a.toml", "--log-dir", "."]),
    /^error: --log-dir is for the proxy/,
  );
  assert.match(await refused(["-c", "none.toml"]), /^none\.toml: cannot be read: no such file/);
});

Deno.test("what is to be exposed can be looked at alone", async () => {
  const args = ["udp", "53", "--edge", "127.0.0.1", "--pin", PIN, "--test"];
  const exposing = new Exposing(args, { SLUICE_TOKEN: formatToken(TOKEN) });
  assert.equal(await exposing.code, 0);
  assert.equal(exposing.process.stderr.text, "it is good\n");
  await exposing.close();
});

Deno.test("the configuration of a proxy that the environment names is no agent's", async () => {
  // Commander reads the variables of the process itself.
  variables["SLUICE_CONFIG"] = "sluice.toml";
  try {
    assert.match(await refused([]), /^error: what is to be exposed\?/);
  } finally {
    delete variables["SLUICE_CONFIG"];
  }
});

Deno.test("an endpoint is exposed until a signal ends it", async () => {
  const args = ["http", "3000", "--name", "blog", "--edge", "127.0.0.1", "--pin", PIN];
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  const exposing = new Exposing(args, env);
  const { process } = exposing;
  const control = await exposing.edge.welcome(TOKEN);
  await control.opens({ name: "blog" });
  await process.stdout.until(/http:\/\/blog\.t\.example {2}→ {2}localhost:3000/);
  // It is the end of who has nothing to load anew.
  assert.ok(!process.hears("SIGHUP"));
  process.send("SIGTERM");
  assert.equal((await control.goodbye()).code, "leaving");
  assert.equal(await exposing.code, 0);
  assert.ok(!process.hears("SIGTERM"));
  await exposing.close();
});

Deno.test("the inspector is where it was asked for, at the first port that is free, or nowhere", async () => {
  const shown = async (args: readonly string[]) => {
    const env = { SLUICE_TOKEN: formatToken(TOKEN) };
    const all = ["http", "3000", "--edge", "127.0.0.1", "--pin", PIN, ...args];
    const exposing = new Exposing(all, env);
    const { process, net } = exposing;
    const other = net.listen({ address: "127.0.0.1", port: 4040, backlog: 1 });
    const control = await exposing.edge.welcome(TOKEN);
    await control.opens({ name: "blog" });
    await process.stdout.until(/edge {7}127\.0\.0\.1:7835\n/);
    process.send("SIGTERM");
    await control.goodbye();
    assert.equal(await exposing.code, 0);
    await other.close();
    await exposing.close();
    return /inspector {2}(\S+)/.exec(process.stdout.text)?.[1];
  };
  assert.equal(await shown([]), "http://127.0.0.1:4041/");
  assert.equal(await shown(["--inspect", "[::1]:5000"]), "http://[::1]:5000/");
  assert.equal(await shown(["--no-inspect"]), undefined);
});

Deno.test("an inspector that cannot be where it was asked for is a failure", async () => {
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  const args = ["http", "3000", "--edge", "127.0.0.1", "--pin", PIN, "--inspect", "7835"];
  const exposing = new Exposing(args, env);
  assert.equal(await exposing.code, 1);
  assert.match(exposing.process.stderr.text, /^error: .*127\.0\.0\.1:7835/);
  await exposing.close();
});

Deno.test("who is not let in exits with 1, and says why", async () => {
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  const exposing = new Exposing(["tcp", "22", "--edge", "127.0.0.1", "--pin", PIN], env);
  const { channel } = await exposing.edge.hello();
  await channel.say({ type: "goodbye", code: "version", message: "this edge speaks version 2" });
  assert.equal(await exposing.code, 1);
  assert.equal(exposing.process.stderr.text, "error: this edge speaks version 2\n");
  await exposing.close();
});

Deno.test("a second signal does not wait for visitors", async () => {
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  const exposing = new Exposing(["tcp", "22", "--edge", "127.0.0.1", "--pin", PIN], env);
  const { process, net } = exposing;
  const listener = net.listen({ address: "127.0.0.1", port: 22, backlog: 1 });
  const control = await exposing.edge.welcome(TOKEN);
  await control.opens();
  const channel = await exposing.edge.joined(await control.ticket());
  await channel.say({ type: "visit", endpoint: 1, visitor: "192.0.2.7:1", destination: "[::1]:2" });
  const service = await listener.accept();
  await settled();
  process.send("SIGINT");
  await process.stderr.until(
    /^SIGINT: 1 visitor is here, for 10 s at most; a second signal ends it$/m,
  );
  process.send("SIGINT");
  assert.equal(await exposing.code, 1);
  service.close();
  await listener.close();
  await exposing.close();
});
