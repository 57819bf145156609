import assert from "node:assert/strict";
import { udpProbes } from "../../../probes/udp.ts";
import { configOf, problemsOf, udpListenerOf } from "./loading.ts";

const NOTHING = {
  serverNames: [],
  alpns: [],
  hosts: [],
  dnsNames: [],
  patterns: [],
};

const entry = (name: string, protocol: string, more = 'target = ["a:1"]') =>
  `[protocols.${name}]\nprotocol = "${protocol}"\n${more}\n`;

Deno.test("a file of two lines for UDP has every default, and nothing is served on TCP", async () => {
  const config = await configOf('listen_port = 53\nudp_target = ["a:1"]\n');
  assert.deepEqual(config.tcp, []);
  assert.deepEqual(config.udp, [{
    name: "default",
    port: 53,
    addresses: ["0.0.0.0"],
    probeTimeout: 1_000,
    followClients: true,
    flowMemory: 600_000,
    routes: [],
    defaultRoute: {
      name: "default",
      match: { protocol: "any", ...NOTHING, minLength: 0 },
      action: {
        kind: "forward",
        pool: { targets: [{ host: "a", port: 1, weight: 1 }], algorithm: "none" },
        sendProxy: "none",
      },
      idleLifetime: 30_000,
      replyTimeout: 0,
    },
  }]);
});

Deno.test("every key of a UDP listener gets where it belongs", async () => {
  const config = await configOf(`
listen_port = 443
listen_ipv6 = true
tcp_send_proxy_protocol = "v2"
udp_target = [{ address = "a:1", weight = 2 }]
udp_load_balance = "quic_cid"
udp_max_connections = 9
max_flows_per_ip = 3
udp_probe_timeout = "250ms"
udp_idle_lifetime = 0
udp_reply_timeout = "3s"
follow_clients = false
admin_address = "[::1]:9090"
acl = { deny = ["192.0.2.1"] }
`);
  assert.equal(config.maxFlows, 9);
  assert.deepEqual(config.admin, { address: "::1", port: 9090 });
  const [{ acl, defaultRoute, ...rest } = assert.fail()] = config.udp;
  assert.deepEqual(rest, {
    name: "default",
    port: 443,
    addresses: ["0.0.0.0", "::"],
    maxFlowsPerIp: 3,
    probeTimeout: 250,
    followClients: false,
    flowMemory: 0,
    routes: [],
  });
  assert.deepEqual(acl?.deny?.networks, ["192.0.2.1"]);
  assert.equal(defaultRoute?.idleLifetime, 0);
  assert.equal(defaultRoute?.replyTimeout, 3_000);
  assert.deepEqual(defaultRoute?.action, {
    kind: "forward",
    pool: { targets: [{ host: "a", port: 1, weight: 2 }], algorithm: "quic_cid" },
    sendProxy: "none",
  });
});

Deno.test("every key of a UDP entry gets where it belongs", async () => {
  const { routes: [http3, names, refused] } = await udpListenerOf(`
listen_port = 443
tcp_send_proxy_protocol = "v2"
[protocols.http3]
protocol = "quic"
server_names = ["Example.com"]
alpn = ["h3"]
target = ["a:1"]
load_balance = "quic_cid"
idle_lifetime = 120
reply_timeout = "500ms"
acl = { allow = ["10.0.0.0/8"] }
[protocols.names]
protocol = "dns"
dns_names = ["Example.com.", "*.example.org", "example.com"]
target = ["a:1"]
[protocols.refused]
protocol = "sip"
action = "reject"
`);
  const { acl, ...rest } = http3 ?? assert.fail();
  assert.deepEqual(acl?.allow?.networks, ["10.0.0.0/8"]);
  assert.deepEqual(rest, {
    name: "http3",
    match: {
      ...NOTHING,
      protocol: "quic",
      serverNames: ["example.com"],
      alpns: ["h3"],
      minLength: 32,
    },
    action: {
      kind: "forward",
      pool: { targets: [{ host: "a", port: 1, weight: 1 }], algorithm: "quic_cid" },
      sendProxy: "none",
    },
    idleLifetime: 120_000,
    replyTimeout: 500,
  });
  assert.deepEqual(names?.match.dnsNames, ["example.com", "*.example.org"]);
  assert.deepEqual(refused?.action, { kind: "reject" });
});

Deno.test("a backend's silence means something where its protocol answers, unless the file says more", async () => {
  const protocols = [...Object.keys(udpProbes), "any"];
  const timeouts = async (top: string, own = "") => {
    const { routes, defaultRoute } = await udpListenerOf(
      `listen_port = 1\n${top}\n` +
        protocols.map((name) => entry(name, name, `transport = "udp"\ntarget = ["a:1"]\n${own}`))
          .join(""),
    );
    assert.equal(defaultRoute, undefined);
    return Object.fromEntries(routes.map(({ name, replyTimeout }) => [name, replyTimeout]));
  };
  const each = (value: (protocol: string) => number) =>
    Object.fromEntries(protocols.map((protocol) => [protocol, value(protocol)]));
  const oneWay = ["syslog", "rtp", "any"];
  assert.deepEqual(await timeouts(""), each((name) => oneWay.includes(name) ? 0 : 2_000));
  assert.deepEqual(await timeouts("udp_reply_timeout = 5"), each(() => 5_000));
  assert.deepEqual(await timeouts('udp_reply_timeout = "0s"'), each(() => 0));
  const own = await timeouts("udp_reply_timeout = 5", "reply_timeout = 1");
  assert.deepEqual(own, each(() => 1_000));
  const text = `listen_port = 1\n${
    entry("r", "regex", 'transport = "udp"\npatterns = ["^a"]\ntarget = ["a:1"]')
  }`;
  assert.equal((await udpListenerOf(text)).routes[0]?.replyTimeout, 0);
});

Deno.test("what a listener inherits of UDP, and what not", async () => {
  const { maxFlows, udp: [top, inherits, own] } = await configOf(`
listen_port = 1
udp_target = ["a:1"]
udp_load_balance = "random"
udp_max_connections = 500
max_flows_per_ip = 7
udp_probe_timeout = 2
udp_idle_lifetime = 9
udp_reply_timeout = 8
follow_clients = false
flow_memory = "1m"
[listeners.b]
listen_port = 2
udp_target = ["b:1"]
[listeners.c]
listen_port = 3
udp_target = ["c:1"]
udp_max_connections = 50
udp_idle_lifetime = "1h"
follow_clients = true
`);
  assert.equal(maxFlows, 500);
  assert.ok(top !== undefined && inherits !== undefined);
  assert.equal(top.maxFlows, undefined);
  const target = { host: "b", port: 1, weight: 1 };
  assert.ok(top.defaultRoute !== undefined);
  assert.deepEqual(inherits, {
    ...top,
    name: "b",
    port: 2,
    defaultRoute: {
      ...top.defaultRoute,
      action: {
        kind: "forward",
        pool: { targets: [target], algorithm: "random" },
        sendProxy: "none",
      },
    },
  });
  assert.equal(own?.maxFlows, 50);
  assert.equal(own?.followClients, true);
  assert.equal(own?.defaultRoute?.idleLifetime, 3_600_000);
  assert.equal(own?.defaultRoute?.replyTimeout, 8_000);
  assert.equal(own?.maxFlowsPerIp, 7);
});

Deno.test("the probes of a file can fit no more bytes than are held, which is a matter of TCP", async () => {
  const long = (transport: string) =>
    `listen_port = 1\n${
      entry("r", "regex", 'target = ["a:1"]\npatterns = ["^a"]\nmin_length = 40000')
    }transport = "${transport}"\n`;
  await configOf(long("udp"));
  assert.deepEqual(await problemsOf(long("tcp")), [
    "config.toml:6:14: protocols.r.min_length: is more than probe_max_bytes (32768)",
  ]);
});
