/**
 * A client's router gives it a new port in the middle of a transfer: the packets of the connection come from somewhere
 * else all at once, and only their connection IDs say whose they are.
 */
import assert from "node:assert/strict";
import { type Scope, testWithTools } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { QuicClient } from "./quic_client.ts";
import { getByHttp3, HTTP3_TOOLS, identity, startHttp3, startQuicEcho } from "./quic_servers.ts";
import { startSluice } from "./sluice.ts";
import { Nat } from "./udp_nat.ts";
import { startNginxStream } from "./udp_nginx.ts";

testWithTools(
  "without sluice the connections of these tests survive",
  HTTP3_TOOLS,
  async (scope) => {
    const { file, ports: [port = 0] } = await startDownloads(scope);
    const download = await getThroughNat(scope, port);
    assert.deepEqual([download.body?.length, download.rebindings], [file.length, 1]);
    assert.deepEqual(download.body, file);

    const echo = await startEchoes(scope);
    const upload = await echoThroughNat(scope, echo.ports[0]!, echo.cert);
    assert.deepEqual([upload.name, upload.rebindings], ["server 0", 2]);
  },
);

testWithTools(
  "an HTTP/3 download survives its client's new port behind sluice, and does not behind nginx",
  [...HTTP3_TOOLS, "nginx"],
  async (scope) => {
    const { file, ports } = await startDownloads(scope);
    const sluice = await startInFrontOf(scope, ports);
    const withoutFollowing = await startInFrontOf(scope, ports, "follow_clients = false");
    const nginx = await startNginxStream(scope, ports);
    const [behindSluice, behindNginx, notFollowed] = await Promise.all(
      [sluice.port, nginx, withoutFollowing.port].map((port) => getThroughNat(scope, port)),
    );
    // Everybody had the same: enough of the file, and then a new port.
    const all = [behindSluice, behindNginx, notFollowed];
    assert.deepEqual(all.map((each) => each?.rebindings), [1, 1, 1]);
    assert.equal(behindSluice?.code, 0, behindSluice?.stderr);
    assert.deepEqual(behindSluice?.body, file);
    assert.notDeepEqual(behindNginx?.body, file);
    assert.notDeepEqual(notFollowed?.body, file);
  },
);

testWithTools(
  "a transfer of Deno's QUIC survives two new ports, byte for byte",
  [],
  async (scope) => {
    const { cert, ports } = await startEchoes(scope);
    const { port } = await startInFrontOf(scope, ports);
    for (const server of ports.keys()) {
      const { name, rebindings } = await echoThroughNat(scope, port, cert);
      assert.deepEqual([name, rebindings], [`server ${server}`, 2]);
    }
  },
);

testWithTools(
  "a QUIC connection goes on at its server after a silence in which its flow expired, even from a new port",
  [],
  async (scope) => {
    const { cert, ports } = await startEchoes(scope);
    const { port, sluice } = await startInFrontOf(scope, ports, `udp_idle_lifetime = "1s"`);
    const nat = new Nat(scope, port);
    const options = { port: nat.port, serverName: "echo.example", alpn: "echo", cert };
    const client = await QuicClient.connect(scope, options);
    for (const moves of [false, true, false]) {
      const { name, text } = await client.ask("are you there?");
      assert.deepEqual([name, text], ["server 0", "are you there?"]);
      const { reason, backend } = await sluice.accessLine(new RegExp(`"client":"${nat.address}"`));
      assert.deepEqual([reason, backend], ["idle_timeout", `127.0.0.1:${ports[0]}`]);
      if (moves) nat.rebind();
    }
  },
);

/** sluice on a port whose clients share the backends, one after the other. */
async function startInFrontOf(scope: Scope, backends: readonly number[], listener = "") {
  const port = freePortOfBoth();
  const sluice = await startSluice(
    scope,
    `
    listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    ${listener}
    [protocols.site]
    protocol = "quic"
    target = [${backends.map((each) => `"127.0.0.1:${each}"`)}]
    load_balance = "round_robin"
    `,
  );
  return { port, sluice };
}

/** In the middle of {@linkcode FILE_LENGTH}. */
const IN_THE_MIDDLE = 2_000_000;
const FILE_LENGTH = 6_000_000;

async function getThroughNat(scope: Scope, port: number) {
  const nat = new Nat(scope, port, [IN_THE_MIDDLE]);
  const answer = await getByHttp3(scope, nat.port, "files.example", "file");
  return { ...answer, rebindings: nat.rebindings };
}

async function echoThroughNat(scope: Scope, port: number, cert: string) {
  const nat = new Nat(scope, port, [IN_THE_MIDDLE / 2, IN_THE_MIDDLE]);
  const options = { port: nat.port, serverName: "echo.example", alpn: "echo", cert };
  const client = await QuicClient.connect(scope, options);
  const sent = random(IN_THE_MIDDLE * 1.5);
  const { name, bytes } = await client.echo(sent);
  assert.deepEqual(bytes, sent);
  client.close();
  return { name, rebindings: nat.rebindings };
}

/** Two HTTP/3 servers with the same file and the same name. */
async function startDownloads(scope: Scope) {
  const files = await scope.folder();
  const file = random(FILE_LENGTH);
  await Deno.writeFile(`${files}/file`, file);
  const who = await identity(scope, "files.example");
  const servers = [await startHttp3(scope, who, files), await startHttp3(scope, who, files)];
  return { file, ports: servers.map(({ port }) => port) };
}

/** Two QUIC servers of Deno with the same name. */
async function startEchoes(scope: Scope) {
  const who = await identity(scope, "echo.example");
  const servers = await Promise.all(
    ["server 0", "server 1"].map((name) => startQuicEcho(scope, name, who, "echo")),
  );
  return { cert: who.cert, ports: servers.map(({ port }) => port) };
}

function random(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // It gives so much at once.
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}
