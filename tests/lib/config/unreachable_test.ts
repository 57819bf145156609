import assert from "node:assert/strict";
import fc from "fast-check";
import type { Route } from "../../../lib/config/config.ts";
import { formatProblem, loadConfig } from "../../../lib/config/mod.ts";
import { mismatch, routeTable } from "../../../lib/routing.ts";
import { problemsOf, warningsOf } from "./loading.ts";

/** Entries called `a`, `b` … with these keys, in this order. */
function file(...entries: readonly string[]): string {
  const tables = entries.map((keys, i) => {
    const name = String.fromCharCode(0x61 + i);
    return `[protocols.${name}]\n${keys}\ntarget = ["t:1"]\n`;
  });
  return `listen_port = 443\n${tables.join("")}`;
}

const tls = (keys: string) => `protocol = "tls"\n${keys}`;

/** Entries of which the last is never reached, and which ones take it all. */
const UNREACHABLE: readonly (readonly [taker: string, ...entries: string[]])[] = [
  ["protocols.a", 'protocol = "ssh"', 'protocol = "ssh"'],
  ["protocols.a", 'protocol = "any"', 'protocol = "any"'],
  ["protocols.a", tls(""), tls("")],
  ["protocols.a", 'protocol = "quic"', 'protocol = "quic"', 'protocol = "ssh"'],
  ["protocols.a", tls('server_names = ["x"]'), tls('server_names = ["X."]')],
  ["protocols.a", tls('server_names = ["x", "y"]'), tls('server_names = ["y"]')],
  ["protocols.a", tls('server_names = ["*.x"]'), tls('server_names = ["a.x", "b.a.x", "*.c.x"]')],
  [
    "protocols.a and protocols.b",
    tls('server_names = ["x"]'),
    tls('server_names = ["y"]'),
    tls('server_names = ["x", "y"]'),
  ],
  ["protocols.a", tls('alpns = ["h2", "h3"]'), tls('alpns = ["h2"]')],
  [
    "protocols.a",
    tls('server_names = ["*.x"]\nalpns = ["h2", "h3"]'),
    tls('server_names = ["a.x"]\nalpns = ["h3"]'),
  ],
  ["protocols.a", 'protocol = "dtls"\nalpns = ["c"]', 'protocol = "dtls"\nalpns = ["c"]'],
  [
    "protocols.a",
    'protocol = "dns"\ndns_names = ["*.x"]',
    'protocol = "dns"\ndns_names = ["a.x", "*.b.x"]',
  ],
  ["protocols.a", 'protocol = "any"', 'protocol = "any"\ntransport = "udp"'],
  [
    "protocols.a and protocols.b",
    'protocol = "syslog"\ntransport = "tcp"',
    'protocol = "syslog"\ntransport = "udp"',
    'protocol = "syslog"',
  ],
  ["protocols.a", 'protocol = "http"\nhosts = ["*.x"]', 'protocol = "http"\nhosts = ["a.x"]'],
  [
    "protocols.a",
    'protocol = "regex"\npatterns = ["^a", "^b"]',
    'protocol = "regex"\npatterns = ["^b"]',
  ],
];

Deno.test("an entry that earlier ones leave nothing is an error", async () => {
  assert.ok(UNREACHABLE.length > 0);
  for (const [taker, ...entries] of UNREACHABLE) {
    const text = file(...entries);
    const problems = await problemsOf(text);
    assert.equal(problems.length, 1, `${problems}`);
    assert.match(problems[0] ?? "", / never gets a (connection|client): /, text);
    const takes = taker.includes(" and ") ? "take" : "takes";
    const suffix = `: ${taker}, earlier in the file, ${takes} all that it would`;
    assert.ok(problems[0]?.endsWith(suffix), problems[0]);
  }
});

/** Entries that all get something. */
const REACHABLE: readonly (readonly string[])[] = [
  [
    tls(""),
    tls('server_names = ["x"]'),
    tls('alpns = ["h2"]'),
    tls('server_names = ["x"]\nalpns = ["h2"]'),
  ],
  [tls('server_names = ["a.x"]'), tls('server_names = ["*.x"]')],
  [tls('server_names = ["*.x"]'), tls('server_names = ["x"]')],
  [tls('server_names = ["*.a.x"]'), tls('server_names = ["*.x"]')],
  [tls('server_names = ["*.x"]'), tls('server_names = ["a.yx"]')],
  [tls('alpns = ["h2"]'), tls('alpns = ["H2"]')],
  [tls('server_names = ["x"]\nalpns = ["h2"]'), tls('server_names = ["x"]\nalpns = ["h3"]')],
  ['protocol = "http"', tls(""), 'protocol = "ssh"', 'protocol = "any"'],
  [
    'protocol = "regex"\npatterns = ["^a"]',
    'protocol = "regex"\npatterns = ["^a"]\nmin_length = 1',
  ],
  ['protocol = "regex"\npatterns = ["^a"]', 'protocol = "regex"\npatterns = ["^b"]'],
  ['protocol = "any"\ntransport = "tcp"', 'protocol = "any"\ntransport = "udp"'],
  ['protocol = "any"\ntransport = "tcp"', 'protocol = "any"'],
  ['protocol = "openvpn"\ntransport = "udp"', 'protocol = "openvpn"'],
  [
    'protocol = "regex"\npatterns = ["^a", "^b"]\ntransport = "tcp"',
    'protocol = "regex"\npatterns = ["^b"]\ntransport = "udp"',
    'protocol = "regex"\npatterns = ["^a", "^c"]',
  ],
  ['protocol = "dns"\ndns_names = ["a.x"]', 'protocol = "dns"', tls('server_names = ["a.x"]')],
];

Deno.test("entries that each get something are neither wrong nor worth a warning", async () => {
  assert.ok(REACHABLE.length > 0);
  for (const entries of REACHABLE) assert.deepEqual(await warningsOf(file(...entries)), []);
});

Deno.test("a name that an earlier entry takes is worth a warning, where others are left", async () => {
  const text = file(tls('server_names = ["*.x"]'), tls('server_names = ["y", "a.x"]'));
  assert.deepEqual(await warningsOf(text), [
    'config.toml:8:22: protocols.b.server_names[1]: "a.x" never gets here: protocols.a takes it',
  ]);
  const regex = (keys: string) => `protocol = "regex"\n${keys}`;
  const both = file(
    regex('patterns = ["^a"]\ntransport = "tcp"'),
    regex('patterns = ["^a"]\ntransport = "udp"'),
    regex('patterns = ["^a", "^b"]'),
  );
  assert.deepEqual(await warningsOf(both), [
    'config.toml:14:13: protocols.c.patterns[0]: "^a" never gets here: protocols.a and protocols.b take it',
  ]);
});

Deno.test("a default target behind any of the same transport is an error", async () => {
  const text = (target: string, transport = "") =>
    `listen_port = 1\n${target} = ["a:1"]\n[protocols.rest]\nprotocol = "any"\ntarget = ["b:1"]\n${transport}`;
  const tcp = 'transport = "tcp"\n';
  const udp = 'transport = "udp"\n';
  const message = "is never reached: protocols.rest takes all that no other entry takes";
  const inTcp = [`config.toml:2:1: tcp_target: ${message}`];
  assert.deepEqual(await problemsOf(text("tcp_target")), inTcp);
  assert.deepEqual(await problemsOf(text("tcp_target", tcp)), inTcp);
  assert.deepEqual(await problemsOf(text("udp_target")), [
    `config.toml:2:1: udp_target: ${message}; if that is for TCP alone, add transport = "tcp" to it`,
  ]);
  assert.deepEqual(await problemsOf(text("udp_target", udp)), [
    `config.toml:2:1: udp_target: ${message}`,
  ]);
  assert.deepEqual(await warningsOf(text("tcp_target", udp)), []);
  assert.deepEqual(await warningsOf(text("udp_target", tcp)), []);
});

Deno.test("an entry with a wrong condition neither takes from others nor is called unreachable", async () => {
  const text = file(tls('server_names = ["*"]'), tls(""), tls('alpns = [""]'));
  const problems = await problemsOf(text);
  assert.deepEqual(problems.filter((problem) => problem.includes("never")), []);
  assert.equal(problems.length, 2);
});

Deno.test("what is called unreachable is exactly what routing never chooses", async () => {
  const names = ["x", "*.x", "a.x", "*.a.x", "b.a.x", "y"];
  const alpns = ["h2", "h3"];
  const entry = fc.record({
    names: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }),
    alpns: fc.uniqueArray(fc.constantFrom(...alpns), { maxLength: 2 }),
  });
  // Every name that the patterns tell apart, and every offer; an offer of one tells most.
  const clients = ["x", "a.x", "b.a.x", "c.a.x", "d.x", "y", "z", undefined].flatMap((serverName) =>
    [["h2"], ["h3"], []].map((alpns) => ({
      protocol: "tls",
      alpns,
      ...serverName && { serverName },
    }))
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 5 }), async (entries) => {
      const text = file(...entries.map(({ names, alpns }) =>
        tls([
          ...names.length > 0 ? [`server_names = ${JSON.stringify(names)}`] : [],
          ...alpns.length > 0 ? [`alpns = ${JSON.stringify(alpns)}`] : [],
        ].join("\n"))
      ));
      const loaded = await loadConfig(text, { file: "c" });
      const told = loaded.ok ? [] : loaded.problems.map(formatProblem);
      const routes: Route[] = entries.map(({ names, alpns }, i) => ({
        name: String.fromCharCode(0x61 + i),
        match: {
          protocol: "tls",
          serverNames: names,
          alpns,
          dnsNames: [],
          hosts: [],
          patterns: [],
          minLength: 0,
        },
        action: { kind: "reject" },
      }));
      const { detectors: [detector] } = routeTable({ routes, onProbeTimeout: { kind: "default" } });
      const chosen = new Set(
        clients.map((facts) =>
          detector?.routes.find((route) => mismatch(route, facts) === undefined)?.name
        ),
      );
      for (const { name } of routes) {
        const isTold = told.some((line) => line.includes(`protocols.${name}: never`));
        assert.equal(isTold, !chosen.has(name), `${name} of\n${text}\n${told.join("\n")}`);
      }
    }),
    { numRuns: 300 },
  );
});
