/**
 * The admin endpoint of a running sluice, asked as Prometheus and a supervisor ask it.
 */
import assert from "node:assert/strict";
import { freePort, refused, type Scope, testWithTools, until } from "../support/children.ts";
import { type Family, parseExposition, valueOf } from "../support/exposition.ts";
import { concat } from "../support/bytes.ts";
import { Client } from "./client.ts";
import { waitsForDescriptors } from "./command.ts";
import { startBackend } from "./servers.ts";
import { type Sluice, startSluice } from "./sluice.ts";
import { UdpClient, UdpSocket } from "./udp_socket.ts";

const of = (labels: string) =>
  `sluice_connections_total{listener="default",transport="tcp",${labels}}`;

testWithTools("what went through is counted by its route and its end", ["curl"], async (scope) => {
  const { port, admin, sluice, backend } = await start(scope);
  const client = await Client.connect(scope, port);
  assert.equal(await client.ask("hello"), "echo");
  // A close before everything was read would be a reset.
  assert.equal(await client.line(), "hello");
  client.close();
  await sluice.accessLine();
  const { code } = await scope.run("curl", ["-s", "--noproxy", "*", `http://127.0.0.1:${port}/`]);
  assert.equal(code, 52, "an empty reply");
  await sluice.accessLine();

  const families = await scrape(scope, admin);
  assert.equal(valueOf(families, of('protocol="",route="default",reason="ended"')), 1);
  assert.equal(valueOf(families, of('protocol="http",route="no_web",reason="rejected"')), 1);
  assert.equal(valueOf(families, 'sluice_probe_seconds_count{transport="tcp"}'), 2);
  assert.equal(valueOf(families, 'sluice_connect_seconds_count{transport="tcp"}'), 1);
  assert.equal(valueOf(families, 'sluice_connection_duration_seconds_count{transport="tcp"}'), 2);
  assert.equal(bytes(families, "up"), "hello\n".length);
  assert.equal(bytes(families, "down"), "echo\nhello\n".length);
  assert.equal(valueOf(families, "sluice_config_last_reload_success"), 1);
  assert.ok(valueOf(families, "process_open_fds") > 5);
  assert.equal(valueOf(families, backendUp(backend)), 1);
});

testWithTools(
  "what a connection has moved so far is counted while it is open, and not again at its end",
  ["curl"],
  async (scope) => {
    const { port, admin, sluice } = await start(scope);
    const client = await Client.connect(scope, port);
    await client.ask("hello");
    await client.line();
    let families = await scrape(scope, admin);
    assert.equal(valueOf(families, "sluice_connections_active"), 1);
    assert.equal(bytes(families, "up"), "hello\n".length);
    assert.equal(bytes(families, "down"), "echo\nhello\n".length);
    await client.ask("more");
    families = await scrape(scope, admin);
    assert.equal(bytes(families, "up"), "hello\nmore\n".length);

    client.close();
    await sluice.accessLine();
    families = await scrape(scope, admin);
    assert.equal(valueOf(families, "sluice_connections_active"), 0);
    assert.equal(bytes(families, "up"), "hello\nmore\n".length);
    assert.equal(bytes(families, "down"), "echo\nhello\nmore\n".length);
  },
);

testWithTools(
  "a flow of UDP is counted while it lives and when it is over, and what is dropped by its reason",
  ["curl"],
  async (scope) => {
    const [port, admin] = [freePort(), freePort()];
    const echo: UdpSocket = new UdpSocket(scope, (datagram, from) => echo.send(datagram, from));
    const sluice = await startSluice(
      scope,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${port}
       udp_target = ["127.0.0.1:${echo.port}"]
       udp_idle_lifetime = "3s"
       admin_address = "127.0.0.1:${admin}"
       [protocols.no_stun]
       protocol = "stun"
       action = "reject"`,
    );
    const client = new UdpClient(scope, port);
    for (const question of ["one", "three"]) assert.equal(await client.ask(question), question);
    const live = await scrape(scope, admin);
    assert.equal(valueOf(live, "sluice_flows_active"), 1);
    assertMoved(live);
    const backend = `sluice_backend_up{backend="127.0.0.1:${echo.port}",transport="udp"}`;
    assert.equal(valueOf(live, backend), 1);

    assert.equal((await sluice.accessLine()).reason, "idle_timeout");
    const over = await scrape(scope, admin);
    assert.equal(valueOf(over, "sluice_flows_active"), 0);
    assertMoved(over);
    const ended = over.get("sluice_connections_total")?.samples ?? new Map();
    assert.deepEqual([...ended.values()], [1]);
    assert.match(
      [...ended.keys()].join(),
      /transport="udp".*route="default",reason="idle_timeout"/,
    );

    // A binding request (RFC 8489 §5).
    const stun = concat(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, "transaction.");
    const dropped = 'sluice_datagrams_dropped_total{reason="rejected"}';
    new UdpClient(scope, port).socket.send(stun, port);
    await until("the drop is counted", async () => {
      const { samples } = (await scrape(scope, admin)).get("sluice_datagrams_dropped_total")!;
      return samples.get(dropped) === 1;
    });
  },
);

testWithTools(
  "a backend that cannot be reached is down until it can be",
  ["curl"],
  async (scope) => {
    const { port, admin, sluice, backend } = await start(scope, freePort());
    const isUp = async () => valueOf(await scrape(scope, admin), backendUp(backend));
    assert.equal(await isUp(), 1, "nobody has asked for it yet");
    const client = await Client.connect(scope, port);
    await client.send("hello\n");
    assert.equal((await sluice.accessLine()).reason, "connect_failed");
    assert.equal(await isUp(), 0);
    await startBackend(scope, "echo", "echo", backend);
    await until("a connection reaches it", async () => {
      const client = await Client.connect(scope, port);
      return await client.ask("hello").then(() => true, () => false);
    });
    assert.equal(await isUp(), 1);
  },
);

testWithTools(
  "while connections drain it is alive and not ready, and it lasts as long as they do",
  ["curl"],
  async (scope) => {
    const { port, admin, sluice } = await start(scope);
    assert.equal(await status(scope, admin, "/healthz"), 200);
    assert.equal(await status(scope, admin, "/readyz"), 200);
    const open = await Client.connect(scope, port);
    await open.ask("hello");
    sluice.child.signal("SIGTERM");
    await sluice.says(/draining/);
    assert.equal(await status(scope, admin, "/readyz"), 503);
    assert.equal(await status(scope, admin, "/healthz"), 200);
    await scrape(scope, admin);
    open.close();
    assert.equal(await sluice.child.code, 0);
    await refused(admin);
  },
);

testWithTools("a client that keeps it waiting does not hold up the end", [], async (scope) => {
  const { admin, sluice } = await start(scope);
  const waiting = await Client.connect(scope, admin);
  await waiting.send("GET /metrics HTTP/1.1\r\n");
  sluice.child.signal("SIGTERM");
  assert.equal(await sluice.child.code, 0);
  assert.equal((await waiting.rest()).text, "");
});

testWithTools("other methods, other paths, and HEAD", ["curl"], async (scope) => {
  const { admin } = await start(scope);
  assert.equal(await status(scope, admin, "/"), 404);
  assert.equal(await status(scope, admin, "/metrics", "-X", "POST", "-d", "x=1"), 405);
  assert.equal(await status(scope, admin, "/metrics", "--head"), 200);
  assert.equal(await status(scope, admin, "/metrics", "--http1.0"), 200);
});

testWithTools(
  "a reload opens the endpoint, moves it and closes it, and its counts stay",
  ["curl"],
  async (scope) => {
    const { port, admin, sluice, configWith } = await start(scope);
    const client = await Client.connect(scope, port);
    await client.ask("hello");
    // A close before everything was read would be a reset.
    await client.line();
    client.close();
    await sluice.accessLine();
    const other = freePort();
    for (const now of [other, undefined, admin]) {
      await Deno.writeTextFile(sluice.file, configWith(now));
      await sluice.says(/"reloaded .*admin_address changed/);
      if (now !== admin) await refused(admin);
      if (now !== other) await refused(other);
      if (now === undefined) continue;
      const ended = of('protocol="",route="default",reason="ended"');
      assert.equal(valueOf(await scrape(scope, now), ended), 1);
    }
  },
);

testWithTools(
  "an address that is taken makes the reload fail as a whole, and the metrics say so",
  ["curl"],
  async (scope) => {
    const { port, admin, sluice, configWith } = await start(scope);
    const before = await scrape(scope, admin);
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    scope.atEnd(() => taken.close());
    const more = freePort();
    await Deno.writeTextFile(sluice.file, configWith(taken.addr.port, more));
    const { message } = await sluice.says(/not reloaded/);
    const at = `127.0.0.1:${taken.addr.port}`;
    assert.ok(message.endsWith(`cannot listen on ${at}: another process listens there`), message);
    await refused(more);
    assert.equal(await (await Client.connect(scope, port)).ask("hello"), "echo");
    const since = "sluice_config_last_reload_timestamp_seconds";
    const after = await scrape(scope, admin);
    assert.equal(valueOf(after, "sluice_config_last_reload_success"), 0);
    assert.equal(valueOf(after, since), valueOf(before, since));

    await Deno.writeTextFile(sluice.file, configWith(admin, more));
    await sluice.says(/"reloaded /);
    const repaired = await scrape(scope, admin);
    assert.equal(valueOf(repaired, "sluice_config_last_reload_success"), 1);
    assert.ok(valueOf(repaired, since) > valueOf(before, since));
  },
);

testWithTools(
  "after a shortage of descriptors it answers again",
  ["curl", "prlimit"],
  async (scope) => {
    const most = 128;
    const { port, admin, sluice } = await start(scope, undefined, [
      "prlimit",
      `--nofile=${most}:${most}`,
    ]);
    const clients = await Promise.all(
      Array.from({ length: most }, () => Client.connect(scope, port)),
    );
    await sluice.says(/cannot accept connections/);
    const waiting = await Client.connect(scope, admin);
    await waiting.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    for (const client of clients) client.close();
    const { text } = await waiting.rest();
    if (waitsForDescriptors) assert.match(text, /^HTTP\/1\.1 200 /);
    else await until("they are gone", () => sluice.descriptors < most / 2);
    await scrape(scope, admin);
  },
);

/** sluice in front of an echo, with an admin endpoint; it rejects HTTP. */
async function start(scope: Scope, target?: number, under: readonly string[] = []): Promise<{
  readonly port: number;
  readonly admin: number;
  readonly backend: number;
  readonly sluice: Sluice;
  /** With the endpoint at a port, and one more listener if there is to be one. */
  configWith(admin?: number, more?: number): string;
}> {
  const [port, admin] = [freePort(), freePort()];
  const backend = target ?? (await startBackend(scope, "echo", "echo")).port;
  const configWith = (admin?: number, more?: number) =>
    [
      `listen_address_v4 = "127.0.0.1"`,
      `listen_port = ${port}`,
      `tcp_target = ["127.0.0.1:${backend}"]`,
      ...admin === undefined ? [] : [`admin_address = "127.0.0.1:${admin}"`],
      `[protocols.no_web]`,
      `protocol = "http"`,
      `action = "reject"`,
      ...more === undefined ? [] : [
        `[listeners.more]`,
        `listen_port = ${more}`,
        `tcp_target = ["127.0.0.1:${backend}"]`,
      ],
    ].join("\n");
  const sluice = await startSluice(scope, configWith(admin), { under });
  return { port, admin, backend, sluice, configWith };
}

/** The metrics, read strictly. */
async function scrape(scope: Scope, admin: number): Promise<ReadonlyMap<string, Family>> {
  const url = `http://127.0.0.1:${admin}/metrics`;
  const { code, stdout } = await scope.run("curl", ["-sf", "--noproxy", "*", url]);
  assert.equal(code, 0);
  return parseExposition(stdout);
}

async function status(scope: Scope, admin: number, path: string, ...more: readonly string[]) {
  const args = ["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", ...more];
  const { stdout } = await scope.run("curl", [...args, `http://127.0.0.1:${admin}${path}`]);
  return Number(stdout);
}

function bytes(families: ReadonlyMap<string, Family>, direction: "up" | "down"): number {
  return valueOf(families, `sluice_bytes_total{direction="${direction}",transport="tcp"}`);
}

/** That of two datagrams, `one` and `three`, each went both ways. */
function assertMoved(families: ReadonlyMap<string, Family>): void {
  for (const direction of ["up", "down"]) {
    assert.equal(valueOf(families, `sluice_datagrams_total{direction="${direction}"}`), 2);
    const series = `sluice_bytes_total{direction="${direction}",transport="udp"}`;
    assert.equal(valueOf(families, series), "onethree".length);
  }
}

function backendUp(port: number): string {
  return `sluice_backend_up{backend="127.0.0.1:${port}",transport="tcp"}`;
}
