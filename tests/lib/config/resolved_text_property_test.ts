import assert from "node:assert/strict";
import fc from "fast-check";
import { formatProblem, loadConfig } from "../../../lib/config/mod.ts";
import { resolvedText } from "../../../lib/config/resolved_text.ts";

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
const proxyVersion = fc.constantFrom("v1", "v2", "none");
const lifetimes = { idle_lifetime: optional(seconds), reply_timeout: optional(seconds) };
const names = fc.uniqueArray(fc.domain(), { minLength: 1, maxLength: 3 });
const alpns = optional(fc.constant(["h2"]));
const forwards = { target: targets, load_balance: optional(algorithm), acl: optional(acl) };
const entries = fc.dictionary(
  name,
  fc.oneof(
    fc.record({
      protocol: fc.constant("tls"),
      server_names: names,
      alpns,
      send_proxy_protocol: optional(proxyVersion),
      ...forwards,
    }),
    fc.record({
      protocol: fc.constant("quic"),
      server_names: names,
      alpns,
      ...forwards,
      load_balance: optional(fc.oneof(algorithm, fc.constant("quic_cid"))),
      ...lifetimes,
    }),
    fc.record({ protocol: fc.constant("dns"), dns_names: names, ...forwards, ...lifetimes }),
    // Each has a length of its own, so that none hides another.
    fc.record({
      protocol: fc.constant("regex"),
      patterns: fc.constant(["^a"]),
      min_length: fc.integer({ min: 1, max: 256 }),
      transport: optional(fc.constantFrom("tcp", "udp")),
      ...forwards,
    }),
    fc.record({
      protocol: fc.constant("regex"),
      patterns: fc.constant(["^a"]),
      min_length: fc.integer({ min: 1, max: 256 }),
      transport: optional(fc.constantFrom("tcp", "udp")),
      action: fc.constant("reject"),
      acl: optional(acl),
    }),
  ),
  { maxKeys: 4 },
);
const limit = optional(fc.integer({ min: 1, max: 99 }));
const listener = fc.record({
  listen_address_v4: optional(fc.constant(["127.0.0.1", "127.0.0.2"])),
  listen_ipv6: optional(fc.boolean()),
  tcp_target: optional(targets),
  tcp_load_balance: optional(algorithm),
  tcp_max_connections: limit,
  max_connections_per_ip: limit,
  probe_timeout: optional(seconds.map((n) => n + 1)),
  on_probe_timeout: optional(fc.constantFrom("default", "close")),
  tcp_idle_timeout: optional(seconds),
  tcp_send_proxy_protocol: optional(proxyVersion),
  udp_target: optional(targets),
  udp_load_balance: optional(fc.oneof(algorithm, fc.constant("quic_cid"))),
  udp_max_connections: limit,
  max_flows_per_ip: limit,
  udp_probe_timeout: optional(seconds.map((n) => n + 1)),
  udp_idle_lifetime: optional(seconds),
  udp_reply_timeout: optional(seconds),
  follow_clients: optional(fc.boolean()),
  flow_memory: optional(seconds),
  acl: optional(acl),
  protocols: optional(entries),
});
const file = fc.record({
  drain_timeout: optional(seconds),
  engine: optional(fc.constantFrom("auto", "portable", "linux")),
  threads: optional(fc.oneof(fc.constant("auto"), fc.integer({ min: 1, max: 64 }))),
  admin_address: optional(fc.constantFrom("127.0.0.1:9090", "[::1]:9090")),
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
  let onBoth = 0;
  await fc.assert(
    fc.asyncProperty(file, async (file) => {
      const loaded = await loadConfig(JSON.stringify(file), { file: "config.json" });
      // Names may by chance repeat in two entries, and there may be nothing to do.
      fc.pre(loaded.ok);
      if (loaded.config.tcp.length > 0 && loaded.config.udp.length > 0) onBoth++;
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
  assert.ok(onBoth > 20);
});
