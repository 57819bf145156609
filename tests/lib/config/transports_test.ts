import assert from "node:assert/strict";
import { PROTOCOLS_ON } from "../../../lib/config/protocols.ts";
import { tcpProbes } from "../../../probes/tcp.ts";
import { udpProbes } from "../../../probes/udp.ts";
import { configOf, problemsOf } from "./loading.ts";

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

Deno.test("the protocols are those that there are probes for, in the order in which they are asked", () => {
  assert.deepEqual(PROTOCOLS_ON.tcp, [...Object.keys(tcpProbes), "regex", "any"]);
  assert.deepEqual(PROTOCOLS_ON.udp, [...Object.keys(udpProbes), "regex", "any"]);
});
