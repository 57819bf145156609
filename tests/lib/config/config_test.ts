import assert from "node:assert/strict";
import { permits } from "../../../lib/acl.ts";
import { configOf, listenerOf, problemsOf } from "./loading.ts";

const TARGET = 'listen_port = 443\ntcp_target = ["a:1"]\n';

Deno.test("a file of two lines has every default", async () => {
  const config = await configOf(TARGET);
  assert.deepEqual(config, {
    udp: [],
    maxFlows: 2048,
    tcp: [{
      name: "default",
      port: 443,
      addresses: ["0.0.0.0"],
      backlog: 1024,
      probeTimeout: 5_000,
      probeMaxBytes: 32_768,
      onProbeTimeout: { kind: "default" },
      connectTimeout: 5_000,
      connectRetries: 2,
      idleTimeout: 3_600_000,
      keepalive: 60_000,
      routes: [],
      defaultRoute: {
        name: "default",
        match: {
          protocol: "any",
          serverNames: [],
          alpns: [],
          hosts: [],
          dnsNames: [],
          patterns: [],
          minLength: 0,
        },
        action: {
          kind: "forward",
          pool: { targets: [{ host: "a", port: 1, weight: 1 }], algorithm: "none" },
          sendProxy: "none",
        },
      },
    }],
    maxConnections: 1024,
    drainTimeout: 30_000,
    engine: "auto",
    threads: 1,
    dns: { minTtl: 30_000, maxTtl: 3_600_000 },
  });
});

Deno.test("every key of a listener gets where it belongs", async () => {
  const listener = await listenerOf(`
listen_port = 443
tcp_backlog = 5
max_connections_per_ip = 6
probe_timeout = "250ms"
probe_max_bytes = 4096
on_probe_timeout = "ssh"
connect_timeout = "1m30s"
connect_retries = 0
tcp_idle_timeout = "0s"
tcp_keepalive = 0
tcp_load_balance = "random_two"
tcp_target = ["a:1", { address = "[::1]:2", weight = 3 }]
[protocols.ssh]
protocol = "ssh"
target = ["b:1"]
`);
  const { name: _, addresses: __, routes, defaultRoute, ...rest } = listener;
  assert.deepEqual(rest, {
    port: 443,
    backlog: 5,
    maxConnectionsPerIp: 6,
    probeTimeout: 250,
    probeMaxBytes: 4096,
    onProbeTimeout: { kind: "route", name: "ssh" },
    connectTimeout: 90_000,
    connectRetries: 0,
    idleTimeout: 0,
    keepalive: 0,
  });
  assert.deepEqual(routes.map(({ name }) => name), ["ssh"]);
  assert.ok(defaultRoute?.action.kind === "forward");
  assert.deepEqual(defaultRoute.action.pool, {
    targets: [{ host: "a", port: 1, weight: 1 }, { host: "::1", port: 2, weight: 3 }],
    algorithm: "random_two",
  });
});

Deno.test("every key of an entry gets where it belongs", async () => {
  const { routes } = await listenerOf(`
listen_port = 443
tcp_send_proxy_protocol = "v1"
[protocols.web]
protocol = "http"
hosts = ["Example.COM.", "*.example.com", "[::1]", "example.com"]
target = ["a:1"]
load_balance = "least_connections"
acl = { deny = ["192.0.2.1"], message = "no\\n" }
[protocols.game]
protocol = "regex"
patterns = ["^\\\\xff\\\\d"]
min_length = 3
target = ["a:1"]
send_proxy_protocol = "none"
[protocols.rest]
protocol = "any"
action = "reject"
`);
  const [web, game, rest] = routes;
  assert.deepEqual(web?.match.hosts, ["example.com", "*.example.com", "::1"]);
  assert.ok(web?.action.kind === "forward");
  assert.equal(web.action.pool.algorithm, "least_connections");
  assert.equal(web.action.sendProxy, "v1");
  assert.deepEqual(web.acl?.deny?.networks, ["192.0.2.1"]);
  assert.equal(web.acl?.message, "no\n");
  assert.equal(web.acl?.allow, undefined);
  assert.deepEqual(game?.match.patterns, [/^\xff\d/]);
  assert.equal(game?.match.minLength, 3);
  assert.ok(game?.action.kind === "forward");
  assert.equal(game.action.sendProxy, "none");
  assert.deepEqual(rest?.action, { kind: "reject" });
});

Deno.test("a listener inherits what it does not set, but neither port, targets, entries nor the limit", async () => {
  const config = await configOf(`
listen_port = 1
listen_address_v4 = "127.0.0.1"
listen_address_v6 = "::1"
tcp_max_connections = 500
max_connections_per_ip = 7
probe_timeout = "1s"
on_probe_timeout = "close"
tcp_load_balance = "random"
tcp_send_proxy_protocol = "v2"
tcp_recv_proxy_protocol = true
tcp_trusted_proxies = ["10.0.0.0/8"]
tcp_target = ["a:1"]
[protocols.ssh]
protocol = "ssh"
target = ["a:1"]
[listeners.b]
listen_port = 2
tcp_target = ["b:1"]
[listeners.c]
listen_port = 3
listen_address_v4 = "127.0.0.2"
listen_ipv6 = false
tcp_max_connections = 50
probe_timeout = "2s"
tcp_recv_proxy_protocol = false
tcp_target = ["c:1"]
`);
  const [top, b, c] = config.tcp;
  assert.ok(top !== undefined && b !== undefined && c !== undefined);
  assert.equal(config.maxConnections, 500);
  assert.equal(top.maxConnections, undefined);
  const { name, port, routes, defaultRoute, ...inherited } = b;
  assert.deepEqual([name, port, routes], ["b", 2, []]);
  const { name: _, port: __, routes: ___, defaultRoute: ____, ...own } = top;
  assert.deepEqual(inherited, own);
  assert.ok(defaultRoute?.action.kind === "forward");
  assert.deepEqual(defaultRoute.action.pool.targets, [{ host: "b", port: 1, weight: 1 }]);
  assert.equal(defaultRoute.action.pool.algorithm, "random");
  assert.equal(defaultRoute.action.sendProxy, "v2");
  assert.deepEqual(c.addresses, ["127.0.0.2"]);
  assert.equal(c.maxConnections, 50);
  assert.equal(c.maxConnectionsPerIp, 7);
  assert.equal(c.probeTimeout, 2_000);
  assert.equal(c.trustedProxies, undefined);
});

Deno.test("the most specific access-control list decides alone", async () => {
  const { tcp: [top, own, inherited] } = await configOf(`
listen_port = 1
[acl]
deny = ["192.0.2.1"]
[protocols.ssh]
protocol = "ssh"
target = ["a:1"]
acl = { allow = ["::ffff:192.0.2.0/120"] }
[protocols.web]
protocol = "http"
target = ["a:1"]
[listeners.own]
listen_port = 2
tcp_target = ["a:1"]
[listeners.own.acl]
deny = ["192.0.2.2"]
[listeners.inherited]
listen_port = 3
tcp_target = ["a:1"]
`);
  const denied = (acl: Parameters<typeof permits>[0] | undefined) =>
    ["192.0.2.1", "192.0.2.2", "198.51.100.1"].filter((ip) => acl && !permits(acl, ip));
  assert.deepEqual(denied(top?.acl), ["192.0.2.1"]);
  assert.deepEqual(denied(top?.routes[0]?.acl), ["198.51.100.1"]);
  assert.equal(top?.routes[1]?.acl, undefined);
  assert.deepEqual(denied(own?.acl), ["192.0.2.2"]);
  assert.deepEqual(denied(inherited?.acl), ["192.0.2.1"]);
});

Deno.test("entries and listeners come in the order of the file, whatever their names", async () => {
  const names = ["web", "10", "9", "2"];
  const entries = (path: string) =>
    names.map((name, i) =>
      `[${path}.${name}]\nprotocol = "tls"\nserver_names = ["s${i}"]\ntarget = ["a:1"]\n`
    ).join("");
  const { tcp: listeners } = await configOf(
    names.map((name, i) =>
      `[listeners.${name}]\nlisten_port = ${i + 1}\n${entries(`listeners.${name}.protocols`)}`
    ).join(""),
  );
  assert.deepEqual(listeners.map(({ name }) => name), names);
  for (const { routes } of listeners) assert.deepEqual(routes.map(({ name }) => name), names);
  const mixed = await listenerOf(`listen_port = 1
[protocols.a]
protocol = "ssh"
target = ["a:1"]
[protocol.b]
protocol = "http"
target = ["a:1"]
[protocols.c]
protocol = "tls"
target = ["a:1"]
`);
  assert.deepEqual(mixed.routes.map(({ name }) => name), ["a", "b", "c"]);
});

Deno.test("the same text gives the same value", async () => {
  const text = `${TARGET}acl = { allow = ["10.0.0.0/8", "::1"] }\n`;
  assert.deepEqual(await configOf(text), await configOf(text));
  assert.notDeepEqual(await configOf(text), await configOf(text.replace("10.", "11.")));
});

Deno.test("JSON with sluice's own keys is read like TOML", async () => {
  const json = {
    listen_port: 443,
    tcp_target: ["a:1"],
    protocols: { web: { protocol: "http", target: ["b:1"] } },
  };
  assert.deepEqual(
    await configOf(JSON.stringify(json), { file: "config.JSON" }),
    await configOf(`${TARGET}[protocols.web]\nprotocol = "http"\ntarget = ["b:1"]\n`),
  );
  const wrong = '{\n  "listen_port": 443,\n  "tcp_target": [\n    "db"\n  ]\n}';
  assert.deepEqual(await problemsOf(wrong, { file: "config.json" }), [
    'config.json:4:5: tcp_target[0]: expected host:port, got "db"',
  ]);
});

Deno.test("a file of three thousand entries is loaded", async () => {
  const entries = Array.from(
    { length: 3000 },
    (_, i) =>
      `[protocols.e${i}]\nprotocol = "tls"\nserver_names = ["n${i}.example.com", "*.w${i}.example.com"]\n` +
      'target = ["a:1"]\n',
  );
  const { routes } = await listenerOf(`listen_port = 1\n${entries.join("")}`);
  assert.equal(routes.length, 3000);
});
