import assert from "node:assert/strict";
import { udpProbes } from "../../../probes/udp.ts";
import { PROTOCOLS_ON } from "../../../lib/config/protocols.ts";
import { configOf, problemsOf, udpListenerOf } from "./loading.ts";

const NOTHING = {
  serverNames: [],
  alpns: [],
  hosts: [],
  dnsNames: [],
  patterns: [],
};

/** The names of what is on each transport: listeners, and their entries. */
async function servedBy(text: string) {
  const { tcp, udp } = await configOf(text);
  const told = (listeners: typeof tcp | typeof udp) =>
    Object.fromEntries(
      listeners.map(({ name, routes }) => [name, routes.map(({ name }) => name).join(" ")]),
    );
  return { tcp: told(tcp), udp: told(udp) };
}

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
flow_memory = "0s"
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

Deno.test("an entry is on every transport that its protocol exists on, or on the one that it names", async () => {
  const both = ["openvpn", "syslog", "teamspeak", "regex", "any"];
  const keys = (protocol: string) =>
    'target = ["a:1"]' + (protocol === "regex" ? '\npatterns = ["^a"]' : "");
  for (const protocol of new Set([...PROTOCOLS_ON.tcp, ...PROTOCOLS_ON.udp])) {
    const text = `listen_port = 1\n${entry("a", protocol, keys(protocol))}`;
    const tcp = { tcp: { default: "a" }, udp: {} };
    const udp = { tcp: {}, udp: { default: "a" } };
    if (both.includes(protocol)) {
      assert.deepEqual(await servedBy(text), { ...tcp, udp: udp.udp }, protocol);
      assert.deepEqual(await servedBy(`${text}transport = "tcp"\n`), tcp, protocol);
      assert.deepEqual(await servedBy(`${text}transport = "udp"\n`), udp, protocol);
    } else {
      const on = PROTOCOLS_ON.tcp.includes(protocol) ? "tcp" : "udp";
      assert.deepEqual(await servedBy(text), on === "tcp" ? tcp : udp, protocol);
      assert.deepEqual(await servedBy(`${text}transport = "${on}"\n`), on === "tcp" ? tcp : udp);
    }
  }
});

Deno.test("an entry for both transports has what each of them takes of its keys", async () => {
  const { tcp: [tcp], udp: [udp] } = await configOf(`
listen_port = 1194
[protocols.vpn]
protocol = "openvpn"
target = ["a:1"]
load_balance = "source_ip"
send_proxy_protocol = "v1"
idle_lifetime = 60
reply_timeout = "7s"
`);
  const [overTcp] = tcp?.routes ?? [];
  const [overUdp] = udp?.routes ?? [];
  assert.ok(overTcp?.action.kind === "forward" && overUdp?.action.kind === "forward");
  assert.equal(overTcp.action.sendProxy, "v1");
  assert.equal(overUdp.action.sendProxy, "none");
  assert.deepEqual(overTcp.action.pool, overUdp.action.pool);
  assert.deepEqual([overUdp.idleLifetime, overUdp.replyTimeout], [60_000, 7_000]);
  assert.ok(!("idleLifetime" in overTcp));
});

Deno.test("a listener is on each transport that it has something to do on", async () => {
  const text = `
[listeners.web]
listen_port = 1
tcp_target = ["a:1"]
[listeners.dns]
listen_port = 2
udp_target = ["a:1"]
[listeners.both]
listen_port = 3
tcp_target = ["a:1"]
[listeners.both.protocols.http3]
protocol = "quic"
target = ["a:1"]
`;
  assert.deepEqual(await servedBy(text), {
    tcp: { web: "", both: "" },
    udp: { dns: "", both: "http3" },
  });
});

Deno.test("to refuse something on both transports is no reason to listen on one of them", async () => {
  const refuse = (name: string, more = "") =>
    entry(name, "regex", `patterns = ["^a"]\naction = "reject"\n${more}`);
  const cases: readonly (readonly [string, { tcp: object; udp: object }])[] = [
    [`tcp_target = ["a:1"]\n${refuse("r")}`, { tcp: { default: "r" }, udp: {} }],
    [`udp_target = ["a:1"]\n${refuse("r")}`, { tcp: {}, udp: { default: "r" } }],
    [refuse("r") + entry("w", "wireguard"), { tcp: {}, udp: { default: "r w" } }],
    [refuse("r"), { tcp: { default: "r" }, udp: {} }],
    [
      `tcp_target = ["a:1"]\n${refuse("r", 'transport = "udp"')}`,
      { tcp: { default: "" }, udp: { default: "r" } },
    ],
    [
      `tcp_target = ["a:1"]\nudp_target = ["a:1"]\n${refuse("r")}`,
      { tcp: { default: "r" }, udp: { default: "r" } },
    ],
  ];
  for (const [text, served] of cases) {
    assert.deepEqual(await servedBy(`listen_port = 1\n${text}`), served, text);
  }
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

Deno.test("an answer to the timeout of TCP is no concern of a listener on UDP alone", async () => {
  const dns = '[listeners.dns]\nlisten_port = 2\nudp_target = ["a:1"]\n';
  const ssh = entry("shell", "ssh");
  await configOf(`listen_port = 1\non_probe_timeout = "shell"\n${ssh}${dns}`);
  assert.deepEqual(
    await problemsOf(`listen_port = 1\n${ssh}${dns}on_probe_timeout = "shell"\n`),
    [
      'config.toml:8:20: listeners.dns.on_probe_timeout: expected "default", "close" or the name of a protocol entry ' +
      'of listeners.dns, got "shell"',
    ],
  );
  const vpn = entry("vpn", "openvpn");
  await configOf(`listen_port = 1\non_probe_timeout = "vpn"\n${vpn}`);
  assert.deepEqual(
    await problemsOf(`listen_port = 1\non_probe_timeout = "vpn"\n${vpn}transport = "udp"\n`),
    [
      'config.toml:2:20: on_probe_timeout: "vpn" is an entry for UDP; expected one for TCP, "default" or "close"',
    ],
  );
});

Deno.test("a port is taken on each transport by itself", async () => {
  const listener = (name: string, target: string) =>
    `[listeners.${name}]\nlisten_port = 53\n${target} = ["a:1"]\n`;
  const { tcp, udp } = await configOf(listener("a", "tcp_target") + listener("b", "udp_target"));
  assert.deepEqual([tcp[0]?.name, udp[0]?.name], ["a", "b"]);
  assert.deepEqual(await problemsOf(listener("a", "udp_target") + listener("b", "udp_target")), [
    'config.toml:5:15: listeners.b.listen_port: 0.0.0.0:53 is not free: listener "a" listens on 0.0.0.0:53',
  ]);
  await configOf(`admin_address = "127.0.0.1:53"\n${listener("a", "udp_target")}`);
  assert.deepEqual(
    await problemsOf(`admin_address = "127.0.0.1:53"\n${listener("a", "tcp_target")}`),
    ["config.toml:3:15: listeners.a.listen_port: 0.0.0.0:53 is not free: admin_address is 127.0.0.1:53"],
  );
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

Deno.test("the protocols of UDP are those that there are probes for", () => {
  assert.deepEqual(PROTOCOLS_ON.udp, [...Object.keys(udpProbes), "regex", "any"]);
});
