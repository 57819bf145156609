import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressSet } from "../../../lib/acl.ts";
import { formatIp, parseCidr, parseIp } from "../../../lib/addr.ts";
import type { Config } from "../../../lib/config/config.ts";
import { decodeConfig, encodeConfig } from "../../../lib/data_thread/plain_config.ts";
import { listenerWith } from "../../support/routes.ts";
import { configOf } from "../config/loading.ts";

/** From one thread to another. */
function cross(config: Config): Config {
  return decodeConfig(structuredClone(encodeConfig(config)));
}

const EMPTY: Config = {
  tcp: [],
  udp: [],
  maxConnections: 1,
  maxFlows: 1,
  drainTimeout: 1,
  engine: "auto",
  threads: 1,
  dns: { minTtl: 1, maxTtl: 1 },
};

type Arbitraries<Values> = { readonly [Key in keyof Values]: fc.Arbitrary<Values[Key]> };
const record = <Values>(values: Arbitraries<Values>) =>
  fc.record(values, { noNullPrototype: true });
/** With any of these keys. */
const some = <Values>(values: Arbitraries<Values>) =>
  fc.record(values, { requiredKeys: [], noNullPrototype: true });
const both = <A extends object, B extends object>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>) =>
  fc.tuple(a, b).map(([a, b]) => ({ ...a, ...b }));

const network = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([ip, prefix]) => `${ip}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([ip, prefix]) => `${ip}/${prefix}`),
).map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const addresses = fc.array(network, { maxLength: 5 }).map((networks) => new AddressSet(networks));
const text = fc.string({ unit: "grapheme", maxLength: 10 });
const duration = fc.nat(1_000_000);
const acl = some({ allow: addresses, deny: addresses, message: text });
const target = record({ host: text, port: fc.nat(65_535), weight: fc.nat(9) });
const match = record({
  protocol: fc.constantFrom("tls", "regex", "any"),
  serverNames: fc.array(text),
  alpns: fc.array(text),
  hosts: fc.array(text),
  dnsNames: fc.array(text),
  patterns: fc.array(fc.constantFrom(/^\xff\d/, /a|"b"/u, /(?:)/)),
  minLength: fc.nat(),
});
const ech = record({
  configList: fc.uint8Array({ maxLength: 20 }),
  privateKeys: fc.array(fc.uint8Array({ maxLength: 32 }), { maxLength: 2 }),
  privateServerNames: fc.array(record({ host: text, port: fc.nat(65_535) }), { maxLength: 2 }),
});
const action = fc.oneof(
  fc.constant({ kind: "reject" } as const),
  record({
    kind: fc.constant("forward" as const),
    pool: record({
      targets: fc.array(target, { minLength: 1, maxLength: 3 }),
      algorithm: fc.constantFrom("none" as const, "quic_cid" as const),
    }),
    sendProxy: fc.constantFrom("v1" as const, "none" as const),
  }),
);
const route = both(record({ name: text, match, action }), some({ acl, ech }));
const udpRoute = both(route, record({ idleLifetime: duration, replyTimeout: duration }));
const common = record({ name: text, port: fc.nat(65_535), addresses: fc.array(text) });
const tcpListener = both(
  both(
    common,
    record({
      backlog: fc.nat(),
      probeTimeout: duration,
      probeMaxBytes: fc.nat(),
      onProbeTimeout: fc.constantFrom(
        { kind: "close" } as const,
        { kind: "route", name: "a" } as const,
      ),
      connectTimeout: duration,
      connectRetries: fc.nat(),
      idleTimeout: duration,
      keepalive: duration,
      routes: fc.array(route, { maxLength: 3 }),
    }),
  ),
  some({ acl, maxConnections: fc.nat(), trustedProxies: addresses, defaultRoute: route }),
);
const udpListener = both(
  both(
    common,
    record({
      probeTimeout: duration,
      followClients: fc.boolean(),
      flowMemory: duration,
      routes: fc.array(udpRoute, { maxLength: 3 }),
    }),
  ),
  some({ acl, maxFlows: fc.nat(), maxFlowsPerIp: fc.nat(), defaultRoute: udpRoute }),
);
const config: fc.Arbitrary<Config> = both(
  record({
    tcp: fc.array(tcpListener, { maxLength: 3 }),
    udp: fc.array(udpListener, { maxLength: 3 }),
    maxConnections: fc.nat(),
    maxFlows: fc.nat(),
    drainTimeout: duration,
    engine: fc.constantFrom("auto" as const, "linux" as const),
    threads: fc.constantFrom(1, 4, "auto" as const),
    dns: record({ minTtl: duration, maxTtl: duration }),
  }),
  some({ admin: record({ address: text, port: fc.nat(65_535) }) }),
);

Deno.test("a configuration is the same in another thread", () => {
  fc.assert(fc.property(config, (config) => assert.deepEqual(cross(config), config)));
});

Deno.test("a set of addresses has the same ones in another thread", () => {
  const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => parseIp(text)!);
  fc.assert(
    fc.property(addresses, ip, (allow, ip) => {
      const set = cross({ ...EMPTY, tcp: [listenerWith({ acl: { allow } })] }).tcp[0]?.acl?.allow;
      assert.equal(set?.has(ip), allow.has(ip), formatIp(ip));
      for (const network of allow.networks) assert.ok(set?.has(parseCidr(network)!.ip), network);
    }),
  );
});

Deno.test("a file with everything in it crosses", async () => {
  const config = await configOf(`
listen_port = 443
udp_target = ["a:1"]
acl = { allow = ["10.0.0.0/8", "::1"], deny = ["10.0.0.1"], message = "no" }
tcp_recv_proxy_protocol = true
tcp_trusted_proxies = ["192.0.2.0/24"]
[protocols.game]
protocol = "regex"
patterns = ["^\\\\xff", "(?i:a)"]
target = ["b:1"]
acl = { deny = ["2001:db8::/32"] }
`);
  assert.deepEqual(cross(config), config);
  assert.ok(cross(config).tcp[0]?.routes[0]?.match.patterns[1]?.test("A"));
});
