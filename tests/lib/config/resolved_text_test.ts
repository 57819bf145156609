import assert from "node:assert/strict";
import fc from "fast-check";
import { formatProblem, loadConfig } from "../../../lib/config/mod.ts";
import { resolvedText } from "../../../lib/config/resolved_text.ts";
import { configOf } from "./loading.ts";

Deno.test("a small file is told in full", async () => {
  const config = await configOf(`
listen_port = 443
tcp_target = ["db.example.com:5432", { address = "[::1]:5432", weight = 2 }]
[protocols.web]
protocol = "http"
hosts = ["example.com"]
action = "reject"
acl = { deny = ["10.0.0.0/8"], message = "no\\n" }
[protocols.game]
protocol = "regex"
patterns = ['^\\d"']
target = ["a:1"]
`);
  assert.equal(
    resolvedText(config),
    `tcp_max_connections = 1024
drain_timeout = "30s"
dns_cache_min_ttl = "30s"
dns_cache_max_ttl = "1h"

[listeners.default]
listen_port = 443
listen_address_v4 = ["0.0.0.0"]
tcp_backlog = 1024
tcp_recv_proxy_protocol = false
probe_timeout = "5s"
probe_max_bytes = 32768
on_probe_timeout = "default"
connect_timeout = "5s"
connect_retries = 2
tcp_idle_timeout = "1h"
tcp_keepalive = "1m"
tcp_target = ["db.example.com:5432", { address = "[::1]:5432", weight = 2 }]
tcp_load_balance = "none"
tcp_send_proxy_protocol = "none"

[listeners.default.protocols.web]
protocol = "http"
hosts = ["example.com"]
action = "reject"

[listeners.default.protocols.web.acl]
deny = ["10.0.0.0/8"]
message = "no\\n"

[listeners.default.protocols.game]
protocol = "regex"
patterns = ["^\\\\d\\""]
min_length = 32
action = "forward"
target = ["a:1"]
load_balance = "none"
send_proxy_protocol = "none"
`,
  );
});

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((name) =>
    !["default", "close", "__proto__", "constructor", "prototype"].includes(name) &&
    !/^\d+$/.test(name)
  );
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const target = fc.tuple(
  fc.domain(),
  fc.integer({ min: 1, max: 65535 }),
  fc.integer({ min: 1, max: 9 }),
)
  .map(([host, port, weight]) => ({ address: `${host}:${port}`, weight }));
const targets = fc.uniqueArray(target, {
  minLength: 1,
  maxLength: 3,
  selector: ({ address }) => address,
});
const algorithm = fc.constantFrom("none", "source_ip", "round_robin", "random_two");
const network = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4().map((ip) => `${ip}/20`));
const acl = fc.record({
  allow: optional(fc.array(network, { minLength: 1, maxLength: 3 })),
  deny: optional(fc.array(network, { minLength: 1, maxLength: 3 })),
  message: optional(
    fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll("${", "$${")),
  ),
});
const seconds = fc.nat(100_000);
const entries = fc.dictionary(
  name,
  fc.record({
    protocol: fc.constant("tls"),
    server_names: fc.uniqueArray(fc.domain(), { minLength: 1, maxLength: 3 }),
    alpns: optional(fc.constant(["h2"])),
    target: targets,
    load_balance: optional(algorithm),
    send_proxy_protocol: optional(fc.constantFrom("v1", "v2", "none")),
    acl: optional(acl),
  }),
  { maxKeys: 3 },
);
const listener = fc.record({
  listen_address_v4: optional(fc.constant(["127.0.0.1", "127.0.0.2"])),
  listen_ipv6: optional(fc.boolean()),
  tcp_target: targets,
  tcp_load_balance: optional(algorithm),
  tcp_max_connections: optional(fc.integer({ min: 1, max: 99 })),
  max_connections_per_ip: optional(fc.integer({ min: 1, max: 99 })),
  probe_timeout: optional(seconds.map((n) => n + 1)),
  on_probe_timeout: optional(fc.constantFrom("default", "close")),
  tcp_idle_timeout: optional(seconds),
  tcp_send_proxy_protocol: optional(fc.constantFrom("v1", "v2", "none")),
  acl: optional(acl),
  protocols: optional(entries),
});
const file = fc.record({
  drain_timeout: optional(seconds),
  top: listener,
  listeners: optional(fc.dictionary(name, listener, { maxKeys: 2 })),
}).map(({ top, listeners, ...rest }) => ({
  ...rest,
  ...top,
  listen_port: 1,
  listeners: listeners && Object.fromEntries(
    Object.entries(listeners).map(([name, keys], i) => [name, { ...keys, listen_port: 2 + i }]),
  ),
}));

Deno.test("what is told is read back as the same configuration", async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(file, async (file) => {
      const loaded = await loadConfig(JSON.stringify(file), { file: "config.json" });
      // Names may by chance repeat in two entries.
      fc.pre(loaded.ok);
      read++;
      const text = resolvedText(loaded.config);
      const again = await loadConfig(text, { file: "told.toml" });
      assert.ok(
        again.ok,
        again.ok ? "" : `${again.problems.map(formatProblem).join("\n")}\n${text}`,
      );
      assert.deepEqual(again.config, loaded.config);
    }),
    { numRuns: 150 },
  );
  assert.ok(read > 0);
});

const ECH_CONFIG_LIST =
  "AEH+DQA9KgAgACCw0I81tGgzgUia+zKCXlkVLUfRm8ngUNbVqVSYTJ0eLAAEAAEAASAOcHVibGljLmV4YW1wbGUAAA==";
const PRIVATE_KEY = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=";

Deno.test("private keys are not told", async () => {
  const config = await configOf(`
listen_port = 443
[protocols.web]
protocol = "tls"
target = ["a:1"]
[protocols.web.ech]
ech_config_list = "${ECH_CONFIG_LIST}"
private_keys = ["${PRIVATE_KEY}"]
private_server_names = ["hidden.example", "other.example:1"]
`);
  const text = resolvedText(config);
  assert.ok(!text.includes(PRIVATE_KEY));
  assert.ok(text.endsWith(`[listeners.default.protocols.web.ech]
ech_config_list = "${ECH_CONFIG_LIST}"
private_keys = ["not shown"]
private_server_names = ["hidden.example:443", "other.example:1"]
`));
});
