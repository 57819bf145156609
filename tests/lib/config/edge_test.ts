import assert from "node:assert/strict";
import { resolvedText } from "../../../lib/config/resolved_text.ts";
import { describeChanges } from "../../../lib/config_diff.ts";
import { configOf, problemsOf } from "./loading.ts";

const HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const OTHER = HASH.replaceAll("e", "f");

Deno.test("a file of three lines is an edge with every default, and needs no listener", async () => {
  const { tcp, udp, edge } = await configOf('[edge]\ndomain = "T.Example."\nlisten_port = 7835\n');
  assert.deepEqual([tcp, udp], [[], []]);
  assert.deepEqual(edge, {
    domain: "t.example",
    port: 7835,
    addresses: ["0.0.0.0"],
    listeners: [],
    ports: [],
    insecure: false,
    gracePeriod: 60_000,
    agents: [],
  });
});

const FULL = `
listen_port = 443
listen_ipv6 = true

[listeners.web]
listen_port = 80

[listeners.dns]
listen_port = 53
udp_target = ["127.0.0.1:5353"]

[edge]
domain = "tunnel.example.com"
listen_port = 7835
tcp_ports = ["20000-20009", "20010", 20020]
certificate = "edge.crt"
private_key = "edge.key"
state_dir = "/var/lib/sluice"
grace_period = 5

[edge.agents.alice]
token_sha256 = ["${HASH.toUpperCase()}", "${OTHER}"]
names = ["Blog", "dev-*"]
ports = "20005-20010,20003-20005"
max_connections = 200
max_bandwidth = "1.5MB"
max_names = 3

[edge.agents.bob]
token_sha256 = "${OTHER}"
`;

Deno.test("every key of the edge gets where it belongs; listeners that have nothing else to do take its visitors", async () => {
  const { tcp, udp, edge } = await configOf(FULL);
  assert.deepEqual(tcp.map(({ name }) => name), ["default", "web"]);
  assert.deepEqual(udp.map(({ name }) => name), ["dns"]);
  assert.deepEqual(edge, {
    domain: "tunnel.example.com",
    port: 7835,
    addresses: ["0.0.0.0", "::"],
    listeners: ["default", "web"],
    ports: [{ first: 20_000, last: 20_010 }, { first: 20_020, last: 20_020 }],
    certificate: { certificate: "edge.crt", privateKey: "edge.key" },
    stateDir: "/var/lib/sluice",
    insecure: false,
    gracePeriod: 5_000,
    agents: [
      {
        id: "alice",
        tokenHashes: [HASH, OTHER],
        names: ["blog", "dev-*"],
        ports: [{ first: 20_003, last: 20_010 }],
        maxConnections: 200,
        maxBandwidth: 1_500_000,
        maxNames: 3,
      },
      { id: "bob", tokenHashes: [OTHER], names: [], maxNames: 100 },
    ],
  });
});

Deno.test("what is told of an edge is read back as the same configuration", async () => {
  const config = await configOf(FULL);
  assert.deepEqual(await configOf(resolvedText(config)), config);
});

/** Lines of `[edge]` that are wrong, in a file that is good without them. */
const WRONG: Readonly<Record<string, string>> = {
  'domain = "a b"': 'edge.domain: expected a name such as "tunnel.example.com", got "a b"',
  'domain = "192.0.2.1"':
    'edge.domain: expected a name such as "tunnel.example.com", got "192.0.2.1"',
  "": "edge.domain: is missing",
  'domain = "e.x"\ndomian = "e.x"': 'edge.domian: unknown key; did you mean "domain"?',
  'domain = "e.x"\ninsecure = true':
    "edge.insecure: needs listen_port: without TLS agents cannot share a listener",
  'domain = "e.x"\ncertificate = "c"': "edge.certificate: needs private_key",
  'domain = "e.x"\nprivate_key = "c"': "edge.private_key: needs certificate",
  'domain = "e.x"\nlisten_port = 1\ninsecure = true\ncertificate = "c"':
    "edge.certificate: contradicts insecure = true",
  'domain = "e.x"\nlisteners = ["defualt"]':
    'edge.listeners[0]: there is no listener called "defualt"; did you mean "default"?',
  'domain = "e.x"\nlisteners = ["dns"]': 'edge.listeners[0]: listener "dns" takes UDP alone',
  'domain = "e.x"\nlisteners = []':
    "edge.listeners: expected at least one item: leave the key out for all",
  'domain = "e.x"\ntcp_ports = "9-5"': 'edge.tcp_ports: expected the lower port first, got "9-5"',
  'domain = "e.x"\ntcp_ports = "0-5"':
    'edge.tcp_ports: expected ports such as "20000-20999" or "20000,20010", got "0-5"',
  'domain = "e.x"\ntcp_ports = "400-500"':
    'edge.tcp_ports: 443 is not free: listener "default" listens on 0.0.0.0:443',
  'domain = "e.x"\ntcp_ports = "50-60"':
    'edge.tcp_ports: 53 is not free: listener "dns" listens on 0.0.0.0:53',
  'domain = "e.x"\nlisten_port = 443':
    "listen_port: 0.0.0.0:443 is not free: the edge listens on 0.0.0.0:443",
  'domain = "e.x"\nlisten_port = 7\ntcp_ports = "7"':
    "edge.tcp_ports: 7 is not free: the edge listens on 0.0.0.0:7",
  'domain = "e.x"\nlisten_address_v4 = ["0.0.0.0", "127.0.0.1"]':
    'edge.listen_address_v4: "0.0.0.0" is every address: name it alone, or leave it out',
  [`domain = "e.x"\nagents = { "a b" = { token_sha256 = "${HASH}" } }`]:
    'edge.agents."a b": expected a letter or a digit, then at most 62 more, ".", "_" or "-", got "a b"',
  'domain = "e.x"\nagents = { a = {} }': "edge.agents.a.token_sha256: is missing",
  'domain = "e.x"\nagents = { a = { token_sha256 = "alice.secret" } }':
    "edge.agents.a.token_sha256: expected 64 hexadecimal digits, as `sluice edge token` prints them; " +
    "the token itself belongs to the agent",
  [`domain = "e.x"\nagents = { a = { token_sha256 = "${HASH}", names = ["a.b"] } }`]:
    'edge.agents.a.names[0]: expected a name such as "blog" or "dev-*", got "a.b"',
  [`domain = "e.x"\nagents = { a = { token_sha256 = "${HASH}", ports = "7" } }`]:
    "edge.agents.a.ports: has no effect without tcp_ports",
  [`domain = "e.x"\ntcp_ports = "7-9"\nagents = { a = { token_sha256 = "${HASH}", ports = "9-10" } }`]:
    "edge.agents.a.ports: not all of 9-10 are in tcp_ports, 7-9",
  [`domain = "e.x"\nagents = { a = { token_sha256 = "${HASH}", max_bandwidth = "10" } }`]:
    'edge.agents.a.max_bandwidth: expected a size such as "500kB", "10MB" or "1GiB", got "10"',
  [`domain = "e.x"\nagents = { a = { token_sha256 = "${HASH}", max_conections = 1 } }`]:
    'edge.agents.a.max_conections: unknown key; did you mean "max_connections"?',
};

const TOP = 'listen_port = 443\ntcp_target = ["127.0.0.1:80"]\n';
const REST = `
[listeners.dns]
listen_port = 53
udp_target = ["127.0.0.1:5353"]
`;

Deno.test("everything that is wrong with an edge is told by key, what was expected and what was found", async () => {
  for (const [lines, problem] of Object.entries(WRONG)) {
    const problems = await problemsOf(`${TOP}[edge]\n${lines}\n${REST}`);
    assert.deepEqual(problems.map((each) => each.replace(/^config.toml:\d+:\d+: /, "")), [problem]);
  }
});

Deno.test("what is wrong with an edge is told by line and column", async () => {
  assert.deepEqual(await problemsOf('listen_port = 443\n[edge]\ndomian = "e.x"\n'), [
    "config.toml:2:1: edge.domain: is missing",
    'config.toml:3:1: edge.domian: unknown key; did you mean "domain"?',
  ]);
});

Deno.test("an edge that no agent could come to is an error", async () => {
  assert.deepEqual(await problemsOf('[edge]\ndomain = "e.x"\n'), [
    "config.toml:1:1: edge.listen_port: is missing: there is no listener of TCP either, so no agent could come",
  ]);
});

Deno.test("a listener that may take no visitors needs something else to do", async () => {
  const text =
    'listen_port = 443\n[listeners.web]\nlisten_port = 80\n[edge]\ndomain = "e.x"\nlisteners = ["web"]\n';
  assert.deepEqual(await problemsOf(text), [
    "config.toml: nothing to do: expected tcp_target, udp_target, or entries in protocols",
  ]);
});

Deno.test("what a reload changes of the edge is told in words", async () => {
  const before = await configOf(FULL);
  const changes = async (from: string, to: string) => {
    assert.ok(FULL.includes(from), from);
    return describeChanges(before, await configOf(FULL.replace(from, to)));
  };
  assert.equal(await changes("", ""), "nothing to do differently");
  assert.equal(await changes("max_names = 3", "max_names = 4"), "edge: agent alice changed");
  assert.equal(await changes(`"${OTHER}"]`, "]"), "edge: agent alice changed");
  assert.equal(
    await changes("[edge.agents.bob]", "[edge.agents.eve]"),
    "edge: agent bob removed, edge: agent eve added",
  );
  assert.equal(await changes(', "20010", 20020', ', "20010"'), "edge: tcp_ports changed");
  assert.equal(await changes("grace_period = 5", "grace_period = 6"), "edge: grace_period changed");
  const without = await configOf("listen_port = 443\ntcp_target = ['127.0.0.1:1']");
  const withEdge = await configOf(
    "listen_port = 443\ntcp_target = ['127.0.0.1:1']\n[edge]\ndomain = 'e.x'",
  );
  assert.equal(describeChanges(without, withEdge), "edge added");
  assert.equal(describeChanges(withEdge, without), "edge removed");
});
