import assert from "node:assert/strict";
import { configOf, problemsOf } from "./loading.ts";

/** A key of the top level that is wrong, in a file that is good without it. */
const WRONG_KEYS: Readonly<Record<string, string>> = {
  'listen_port = "https"': '1:15: listen_port: expected a number, got the text "https"',
  "listen_port = 0": "1:15: listen_port: expected a whole number from 1 to 65535, got the number 0",
  "listen_port = 443.5":
    "1:15: listen_port: expected a whole number from 1 to 65535, got the number 443.5",
  "listen_port = 2026-01-01": "1:15: listen_port: expected a number, got a date",
  "listen_prot = 443": '1:1: listen_prot: unknown key; did you mean "listen_port"?',
  "listen_ipv6 = 1": "1:15: listen_ipv6: expected true or false, got the number 1",
  'listen_address_v4 = "::1"':
    '1:21: listen_address_v4: expected an IPv4 address such as "192.0.2.1", got "::1"',
  'listen_address_v4 = ["127.0.0.1", "x"]':
    '1:35: listen_address_v4[1]: expected an IPv4 address such as "192.0.2.1", got "x"',
  "listen_address_v4 = []":
    "1:21: listen_address_v4: expected at least one item: leave the key out to listen on all",
  "listen_address_v4 = 4":
    "1:21: listen_address_v4: expected text in quotes or a list, got the number 4",
  'listen_address_v4 = ["127.0.0.1", "0.0.0.0"]':
    '1:21: listen_address_v4: "0.0.0.0" is every address: name it alone, or leave it out',
  'listen_address_v6 = ["[::]", "::1"]':
    '1:21: listen_address_v6: "::" is every address: name it alone, or leave it out',
  'listen_address_v6 = "::ffff:127.0.0.1"':
    '1:21: listen_address_v6: expected an IPv6 address such as "::1", got "::ffff:127.0.0.1"',
  'listen_ipv6 = false\nlisten_address_v6 = "::1"':
    "2:1: listen_address_v6: contradicts listen_ipv6 = false",
  "tcp_max_connections = 0":
    "1:23: tcp_max_connections: expected a whole number from 1 to 4294967295, got the number 0",
  'udp_target = ["a:80", "b"]': '1:23: udp_target[1]: expected host:port, got "b"',
  "udp_target = []":
    "1:14: udp_target: expected at least one item: name a backend, or leave the key out",
  'udp_target = "a:80"': '1:14: udp_target: expected a list, got the text "a:80"; write ["a:80"]',
  'udp_target = ["a:80", "A.:80"]':
    '1:23: udp_target[1]: a:80 is in the list already; for a larger share write { address = "a:80", weight = 2 }',
  'tcp_load_balance = "least_connection"':
    '1:20: tcp_load_balance: expected one of "none", "source_ip", "source_socket", "random", "round_robin", ' +
    '"least_connections", "random_two", got "least_connection"; did you mean "least_connections"?',
  'tcp_send_proxy_protocol = "v3"':
    '1:27: tcp_send_proxy_protocol: expected one of "none", "v1", "v2", got "v3"; did you mean "v1"?',
  "tcp_recv_proxy_protocol = true":
    "1:1: tcp_recv_proxy_protocol: needs tcp_trusted_proxies: whose headers to believe",
  'tcp_trusted_proxies = ["10.0.0.0/8"]':
    "1:1: tcp_trusted_proxies: has no effect without tcp_recv_proxy_protocol = true",
  'tcp_recv_proxy_protocol = true\ntcp_trusted_proxies = ["10.0.0.0/33"]':
    '2:24: tcp_trusted_proxies[0]: expected an address or a network such as "192.0.2.0/24" or "2001:db8::/32", ' +
    'got "10.0.0.0/33"',
  "tcp_recv_proxy_protocol = true\ntcp_trusted_proxies = []":
    "2:23: tcp_trusted_proxies: expected at least one item: name the proxies, or leave the key out",
  'probe_timeout = "0s"':
    '1:17: probe_timeout: expected at least 1ms and at most 8766h, got the text "0s"',
  'probe_timeout = "soon"':
    '1:17: probe_timeout: expected a duration such as "30s", "1m30s" or "500ms", got "soon"',
  "probe_timeout = 1.5":
    "1:17: probe_timeout: expected a whole number of seconds, got the number 1.5",
  "probe_timeout = true":
    '1:17: probe_timeout: expected a duration such as "30s" or a number of seconds, got true',
  "probe_max_bytes = 255":
    "1:19: probe_max_bytes: expected a whole number from 256 to 1048576, got the number 255",
  'on_probe_timeout = "wbe"':
    '1:20: on_probe_timeout: expected "default", "close" or the name of a protocol entry, got "wbe"; ' +
    'did you mean "web"?',
  'on_probe_timeout = "dns"':
    '1:20: on_probe_timeout: "dns" is an entry for UDP; expected one for TCP, "default" or "close"',
  'dns_cache_min_ttl = "2h"':
    "1:21: dns_cache_min_ttl: the least time (2h) is longer than the longest (1h)",
  "dns_cache_max_ttl = 10":
    "1:21: dns_cache_max_ttl: the least time (30s) is longer than the longest (10s)",
  'acl = "10.0.0.0/8"': '1:7: acl: expected a table, got the text "10.0.0.0/8"',
  "acl = { allow = [] }":
    "1:17: acl.allow: expected at least one item: leave the key out to let everybody in",
  'acl = { alow = ["::1"] }': '1:9: acl.alow: unknown key; did you mean "allow"?',
  'acl = { deny = ["a"] }':
    '1:17: acl.deny[0]: expected an address or a network such as "192.0.2.0/24" or "2001:db8::/32", got "a"',
  "listeners = { web = 1 }": "1:21: listeners.web: expected a table, got the number 1",
  'udp_load_balance = "quic"':
    '1:20: udp_load_balance: expected one of "none", "source_ip", "source_socket", "random", "round_robin", ' +
    '"least_connections", "random_two", "quic_cid", got "quic"; did you mean "quic_cid"?',
  'tcp_load_balance = "quic_cid"':
    '1:20: tcp_load_balance: expected one of "none", "source_ip", "source_socket", "random", "round_robin", ' +
    '"least_connections", "random_two", got "quic_cid"',
  "udp_max_connections = 0":
    "1:23: udp_max_connections: expected a whole number from 1 to 4294967295, got the number 0",
  "max_flows_per_ip = 0":
    "1:20: max_flows_per_ip: expected a whole number from 1 to 4294967295, got the number 0",
  'udp_probe_timeout = "0s"':
    '1:21: udp_probe_timeout: expected at least 1ms and at most 8766h, got the text "0s"',
  "udp_idle_lifetime = -1":
    "1:21: udp_idle_lifetime: expected a whole number of seconds, got the number -1",
  'udp_reply_timeout = "later"':
    '1:21: udp_reply_timeout: expected a duration such as "30s", "1m30s" or "500ms", got "later"',
  "reply_timeout = 1": '1:1: reply_timeout: unknown key; did you mean "udp_reply_timeout"?',
  'follow_clients = "no"': '1:18: follow_clients: expected true or false, got the text "no"',
  "flow_memory = false":
    '1:15: flow_memory: expected a duration such as "30s" or a number of seconds, got false',
  'admin_address = "localhost:9090"':
    '1:17: admin_address: expected an IP address and a port such as "0.0.0.0:8080", got "localhost:9090"',
  'admin_address = "127.0.0.1"': '1:17: admin_address: expected host:port, got "127.0.0.1"',
  'admin_address = "127.0.0.1:443"':
    "2:15: listen_port: 0.0.0.0:443 is not free: admin_address is 127.0.0.1:443",
  "constructor = 1": "1:1: constructor: cannot be a name here",
};

/** Two entries, of which `dns` is for UDP alone. */
const REST = `
[protocols.web]
protocol = "http"
target = ["127.0.0.1:80"]
[protocols.dns]
protocol = "quic"
target = ["127.0.0.1:53"]
`;

Deno.test("every wrong key of the top level is told by place, key, what was expected and what was found", async () => {
  assert.ok(Object.keys(WRONG_KEYS).length > 0);
  for (const [line, problem] of Object.entries(WRONG_KEYS)) {
    const port = line.includes("listen_port") ? "" : "listen_port = 443\n";
    assert.deepEqual(await problemsOf(`${line}\n${port}${REST}`), [`config.toml:${problem}`], line);
  }
});

Deno.test("all problems are told at once, in the order of the file", async () => {
  const text = `
probe_timeout = "x"
listen_ipv6 = false
listen_address_v6 = "::1"

[protocols.a]
protocol = "ssh"
server_names = ["a"]

[listeners.b]
listen_port = "x"
tcp_target = ["c"]
`;
  const places = (await problemsOf(text)).map((problem) =>
    problem.split(": ").slice(0, 2).join(" ")
  );
  assert.deepEqual(places, [
    "config.toml:2:17 probe_timeout",
    "config.toml:4:1 listen_address_v6",
    "config.toml:6:1 protocols",
    "config.toml:11:15 listeners.b.listen_port",
    "config.toml:12:15 listeners.b.tcp_target[0]",
  ]);
});

Deno.test("a syntax error is told by line and column", async () => {
  const texts = {
    "listen_port = 443\nlisten_port = 444": "2:1: this key or table is there already",
    "[acl]\n[acl]": "2:2: this key or table is there already",
    "listen_port 443":
      "1:13: expected key = value; a key has letters, digits, - and _, or stands in quotes",
    "listen_port = https": '1:15: expected a value; text is written in quotes: key = "text"',
    'a = "b': "1:5: unfinished string",
    "a = 1 b = 2": "1:7: expected the end of the line after the value",
  };
  for (const [text, problem] of Object.entries(texts)) {
    assert.deepEqual(await problemsOf(text), [`config.toml:${problem}`], text);
  }
});

Deno.test("a byte order mark is not in the way", async () => {
  await configOf('\ufefflisten_port = 1\ntcp_target = ["a:1"]\n');
  assert.deepEqual(await problemsOf('\ufefflisten_port = 0\ntcp_target = ["a:1"]\n'), [
    "config.toml:1:15: listen_port: expected a whole number from 1 to 65535, got the number 0",
  ]);
  await configOf('\ufeff{"listen_port": 1, "tcp_target": ["a:1"]}', { file: "config.json" });
});

Deno.test("a file without a port, and one with nothing to do, say so", async () => {
  assert.deepEqual(await problemsOf(""), [
    "config.toml: listen_port: is missing: on which port to listen",
    "config.toml: nothing to do: expected tcp_target, udp_target, or entries in protocols",
  ]);
  assert.deepEqual(await problemsOf("[listeners.a]\n[listeners.b]\nlisten_port = 1\n"), [
    "config.toml:1:1: listeners.a.listen_port: is missing: on which port to listen",
    "config.toml:1:1: listeners.a: nothing to do: expected tcp_target, udp_target, or entries in protocols",
    "config.toml:2:1: listeners.b: nothing to do: expected tcp_target, udp_target, or entries in protocols",
  ]);
});

Deno.test("what the top level sets for a listener that it is not has no effect, and is an error", async () => {
  const text = 'tcp_target = ["a:1"]\n[listeners.a]\nlisten_port = 1\ntcp_target = ["a:1"]\n';
  assert.deepEqual(await problemsOf(text), [
    "config.toml:1:1: tcp_target: has no effect: the top level has no listen_port, and listeners do not take it over",
  ]);
});

Deno.test("how long to remember has no effect where nobody is followed, and is an error", async () => {
  const off = "flow_memory: has no effect with follow_clients = false";
  const work = 'udp_target = ["a:1"]\n';
  const top = `follow_clients = false\nflow_memory = "1m"\nlisten_port = 1\n${work}`;
  assert.deepEqual(await problemsOf(top), [`config.toml:2:1: ${off}`]);
  assert.deepEqual(await problemsOf(`${top}[listeners.a]\nlisten_port = 2\n${work}`), [
    `config.toml:2:1: ${off}`,
  ]);
  const follows = `[listeners.a]\nlisten_port = 2\n${work}follow_clients = true\n`;
  const { udp } = await configOf(`${top}${follows}`);
  assert.deepEqual(udp.map(({ flowMemory }) => flowMemory), [0, 60_000]);
  const own = `listen_port = 1\n${work}[listeners.a]\nlisten_port = 2\n${work}`;
  assert.deepEqual(
    await problemsOf(`${own}flow_memory = 5\nfollow_clients = false\n`),
    [`config.toml:6:1: listeners.a.${off}`],
  );
});

Deno.test("names that are taken are refused", async () => {
  const ssh = 'protocol = "ssh"\ntarget = ["a:1"]\n';
  const http = 'protocol = "http"\ntarget = ["a:1"]\n';
  assert.deepEqual(
    await problemsOf(`listen_port = 1\n[protocol.a]\n${ssh}[protocols.a]\n${http}`),
    ["config.toml:2:1: protocol.a: is there already, as protocols.a"],
  );
  assert.deepEqual(await problemsOf(`listen_port = 1\n[protocols.default]\n${ssh}`), [
    'config.toml:2:1: protocols.default: "default" is the name of the default target: choose another one',
  ]);
  const twice =
    'listen_port = 1\ntcp_target = ["a:1"]\n[listeners.default]\nlisten_port = 2\ntcp_target = ["a:1"]\n';
  assert.deepEqual(await problemsOf(twice), [
    'config.toml:3:1: listeners.default: "default" is the listener of the top level: choose another name',
  ]);
});

Deno.test("an inherited value is blamed where it was written", async () => {
  const text = `on_probe_timeout = "web"
tcp_recv_proxy_protocol = true
[listeners.a]
listen_port = 1
tcp_target = ["a:1"]
`;
  assert.deepEqual(await problemsOf(text), [
    'config.toml:1:20: on_probe_timeout: expected "default", "close" or the name of a protocol entry of listeners.a, ' +
    'got "web"',
    "config.toml:2:1: tcp_recv_proxy_protocol: needs tcp_trusted_proxies: whose headers to believe",
  ]);
});

Deno.test("listeners that want the same address and port are told, and those that do not are fine", async () => {
  const first = '[listeners.a]\nlisten_port = 1\ntcp_target = ["a:1"]\n';
  const second = '[listeners.b]\nlisten_port = 1\ntcp_target = ["a:1"]\n';
  const both = (a: string, b: string) => `${first}${a}\n${second}${b}\n`;
  const one = 'listen_address_v4 = "127.0.0.1"';
  const other = 'listen_address_v4 = "127.0.0.2"';
  const clashes = {
    [both("", "")]: '0.0.0.0:1 is not free: listener "a" listens on 0.0.0.0:1',
    [both(one, one)]: '127.0.0.1:1 is not free: listener "a" listens on 127.0.0.1:1',
    [both(one, "")]: '0.0.0.0:1 is not free: listener "a" listens on 127.0.0.1:1',
    [both("", other)]: '127.0.0.2:1 is not free: listener "a" listens on 0.0.0.0:1',
    [both(`${one}\nlisten_ipv6 = true`, other)]:
      '127.0.0.2:1 is not free: listener "a" listens on [::]:1',
  };
  for (const [text, message] of Object.entries(clashes)) {
    assert.deepEqual(
      (await problemsOf(text)).map((problem) => problem.replace(/^.*?: /, "")),
      [`listeners.b.listen_port: ${message}`],
      text,
    );
  }
  await configOf(both(one, other));
  await configOf(both(one, `${other}\nlisten_address_v6 = "::1"`));
  await configOf(both("", "").replace("listen_port = 1", "listen_port = 2"));
});
