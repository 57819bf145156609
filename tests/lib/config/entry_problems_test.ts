import assert from "node:assert/strict";
import { problemsOf } from "./loading.ts";

/** An entry that is wrong, and what is said of it: line, column, key and message. */
const WRONG_ENTRIES: Readonly<Record<string, readonly string[]>> = {
  'protocol = "tls"': [
    '2:1: protocols.a.target: is missing: a list of "host:port"; or say action = "reject"',
  ],
  'protocol = "https"\ntarget = ["a:1"]': [
    "3:12: protocols.a.protocol: expected one of ",
  ],
  'protocol = "ssh"\ntarget = ["db"]': [
    '4:11: protocols.a.target[0]: expected host:port, got "db"',
  ],
  'protocol = "ssh"\ntarget = []': [
    "4:10: protocols.a.target: expected at least one item: name a backend, or leave the key out",
  ],
  'protocol = "ssh"\ntarget = [{ address = "a:1", weight = 0 }, { adress = "a:1" }, 5]': [
    "4:39: protocols.a.target[0].weight: expected a whole number from 1 to 1000000, got the number 0",
    "4:44: protocols.a.target[1].address: is missing",
    '4:46: protocols.a.target[1].adress: unknown key; did you mean "address"?',
    '4:64: protocols.a.target[2]: expected "host:port" or { address = "host:port", weight = 1 }, got the number 5',
  ],
  'protocol = "ssh"\ntarget = ["a:1"]\ntcp_load_balance = "none"': [
    "5:1: protocols.a.tcp_load_balance: is a key of a listener: write it above the first [table], " +
    "or in a table of listeners",
  ],
  'protocol = "ssh"\ntarget = ["a:1"]\ndrain_timeout = 1': [
    "5:1: protocols.a.drain_timeout: is a key of the top level: write it above the first [table]",
  ],
  'protocol = "ssh"\ntarget = ["a:1"]\nserver_names = ["a"]\nalpn = ["h2"]\nidle_lifetime = 3': [
    "5:1: protocols.a.server_names: is for tls, quic and dtls, and this entry is for ssh",
    "6:1: protocols.a.alpn: is for tls, quic and dtls, and this entry is for ssh",
    "7:1: protocols.a.idle_lifetime: is for protocols on UDP, and this entry is for ssh",
  ],
  'protocol = "tls"\ntarget = ["a:1"]\nhosts = ["a"]\npatterns = ["a"]\nmin_length = 3': [
    "5:1: protocols.a.hosts: is for http, and this entry is for tls",
    "6:1: protocols.a.patterns: is for regex, and this entry is for tls",
    "7:1: protocols.a.min_length: is for regex, and this entry is for tls",
  ],
  'protocol = "wireguard"\ntarget = ["a:1"]\nsend_proxy_protocol = "v1"': [
    "5:1: protocols.a.send_proxy_protocol: is for protocols on TCP, and this entry is for wireguard",
  ],
  'protocol = "quic"\ntarget = ["a:1"]\nech = { ech_config_list = "AAAA", private_keys = ["AAAA"], private_server_names = ["a"] }':
    ["5:1: protocols.a.ech: is for tls, and this entry is for quic"],
  'protocol = "tls"\ntarget = ["a:1"]\nech = { ech_config_list = "A", private_keys = ["*"], private_server_names = ["1.2.3.4"] }':
    [
      "5:27: protocols.a.ech.ech_config_list: expected bytes in base64",
      "5:48: protocols.a.ech.private_keys[0]: expected bytes in base64",
      '5:78: protocols.a.ech.private_server_names[0]: expected a name such as "example.com" or "example.com:443", ' +
      'got "1.2.3.4"',
    ],
  'protocol = "tls"\ntarget = ["a:1"]\nech = { private_keys = [] }': [
    "5:1: protocols.a.ech.ech_config_list: is missing",
    "5:1: protocols.a.ech.private_server_names: is missing",
    "5:24: protocols.a.ech.private_keys: expected at least one item: name the keys of the configurations",
  ],
  'protocol = "tls"\ntarget = ["a:1"]\nserver_names = ["*", "a.*.b", "bücher.example", "a:443"]': [
    '5:17: protocols.a.server_names[0]: "*" would be every name: leave this key out for that',
    '5:22: protocols.a.server_names[1]: expected a name such as "example.com" or "*.example.com", got "a.*.b"',
    '5:31: protocols.a.server_names[2]: expected a name such as "example.com" or "*.example.com", ' +
    'got "bücher.example"; write it as "xn--bcher-kva.example"',
    '5:49: protocols.a.server_names[3]: expected a name such as "example.com" or "*.example.com", got "a:443"',
  ],
  'protocol = "tls"\ntarget = ["a:1"]\nalpns = [""]\nalpn = ["h2"]': [
    '5:10: protocols.a.alpns[0]: expected 1 to 255 characters such as "h2", got ""',
  ],
  'protocol = "tls"\ntarget = ["a:1"]\nalpns = ["h2"]\nalpn = ["h2"]': [
    "6:1: protocols.a.alpn: is the same key as alpns: keep one of them",
  ],
  'protocol = "regex"\ntarget = ["a:1"]': [
    "2:1: protocols.a.patterns: is missing: a list of regular expressions",
  ],
  'protocol = "regex"\ntarget = ["a:1"]\npatterns = ["^a", "("]\nmin_length = 32769': [
    '5:19: protocols.a.patterns[1]: expected a regular expression, got "(": ',
    "6:14: protocols.a.min_length: is more than probe_max_bytes (32768)",
  ],
  'protocol = "ssh"\naction = "reject"\ntarget = ["a:1"]\nload_balance = "none"\nsend_proxy_protocol = "v1"':
    [
      '5:1: protocols.a.target: has no effect with action = "reject"',
      '6:1: protocols.a.load_balance: has no effect with action = "reject"',
      '7:1: protocols.a.send_proxy_protocol: has no effect with action = "reject"',
    ],
  'protocol = "syslog"\ntarget = ["a:1"]\ntransport = "udp"\nsend_proxy_protocol = "none"': [
    "6:1: protocols.a.send_proxy_protocol: is for protocols on TCP, and this entry is for syslog on UDP",
  ],
  'protocol = "openvpn"\ntarget = ["a:1"]\ntransport = "tcp"\nidle_lifetime = 1\nreply_timeout = 1':
    [
      "6:1: protocols.a.idle_lifetime: is for protocols on UDP, and this entry is for openvpn on TCP",
      "7:1: protocols.a.reply_timeout: is for protocols on UDP, and this entry is for openvpn on TCP",
    ],
  'protocol = "quic"\ntarget = ["a:1"]\ndns_names = ["a"]\nhosts = ["a"]': [
    "5:1: protocols.a.dns_names: is for dns, and this entry is for quic",
    "6:1: protocols.a.hosts: is for http, and this entry is for quic",
  ],
  'protocol = "dns"\ntarget = ["a:1"]\ndns_names = ["*"]\nserver_names = ["a"]': [
    '5:14: protocols.a.dns_names[0]: "*" would be every name: leave this key out for that',
    "6:1: protocols.a.server_names: is for tls, quic and dtls, and this entry is for dns",
  ],
  'protocol = "http"\ntarget = ["a:1"]\ntransport = "udp"': [
    '5:13: protocols.a.transport: expected "tcp", got "udp": http is on TCP alone',
  ],
  'protocol = "wireguard"\ntarget = ["a:1"]\ntransport = "tcp"': [
    '5:13: protocols.a.transport: expected "udp", got "tcp": wireguard is on UDP alone',
  ],
  'protocol = "any"\ntarget = ["a:1"]\ntransport = "upd"': [
    '5:13: protocols.a.transport: expected one of "tcp", "udp", got "upd"; did you mean "udp"?',
  ],
  'protocol = "dtls"\ntarget = ["a:1"]\nload_balance = "quic_cid"': [
    '5:16: protocols.a.load_balance: "quic_cid" is for quic, and this entry is for dtls',
  ],
  'protocol = "quic"\naction = "reject"\nidle_lifetime = 1\nreply_timeout = 1': [
    '5:1: protocols.a.idle_lifetime: has no effect with action = "reject"',
    '6:1: protocols.a.reply_timeout: has no effect with action = "reject"',
  ],
  'protocol = "dns"\ntarget = ["a:1"]\nudp_reply_timeout = 1': [
    "5:1: protocols.a.udp_reply_timeout: is a key of a listener: write it above the first [table], " +
    "or in a table of listeners",
  ],
  'target = ["a:1"]': ["2:1: protocols.a.protocol: is missing: one of "],
  'protocl = "ssh"\ntarget = ["a:1"]': [
    "2:1: protocols.a.protocol: is missing: one of ",
    '3:1: protocols.a.protocl: unknown key; did you mean "protocol"?',
  ],
};

const OTHER = '[protocols.other]\nprotocol = "socks5"\ntarget = ["a:1"]\n';

Deno.test("every wrong key of an entry is told by place, key, what was expected and what was found", async () => {
  assert.ok(Object.keys(WRONG_ENTRIES).length > 0);
  for (const [lines, expected] of Object.entries(WRONG_ENTRIES)) {
    const problems = await problemsOf(`listen_port = 443\n[protocols.a]\n${lines}\n${OTHER}`);
    const begins = problems.map((problem, i) =>
      problem.slice(0, 12 + (expected[i]?.length ?? 999))
    );
    assert.deepEqual(begins, expected.map((problem) => `config.toml:${problem}`), lines);
  }
});
