import assert from "node:assert/strict";
import { AddressSet } from "../../lib/acl.ts";
import { parseCidr } from "../../lib/addr.ts";
import type { Config, TcpListenerConfig, UdpListenerConfig } from "../../lib/config/config.ts";
import { describeChanges } from "../../lib/config_diff.ts";
import {
  listenerWith,
  poolOf,
  routeTo,
  udpDefaultTo,
  udpListenerWith,
  udpRouteTo,
} from "../support/routes.ts";

function configWith(
  listeners: readonly TcpListenerConfig[],
  changes: Partial<Config> = {},
): Config {
  const dns = { minTtl: 1, maxTtl: 2 };
  return {
    tcp: listeners,
    udp: [],
    maxFlows: 2048,
    maxConnections: 1024,
    drainTimeout: 30_000,
    engine: "auto",
    threads: 1,
    dns,
    ...changes,
  };
}

const setOf = (...networks: string[]) =>
  new AddressSet(networks.map((network) => {
    const cidr = parseCidr(network);
    assert.ok(cidr);
    return cidr;
  }));

const ssh = routeTo("ssh", { protocol: "ssh" });
const web = routeTo("web", { protocol: "http" });
const wg = udpRouteTo("wg", { protocol: "wireguard" });
const http3 = udpRouteTo("http3", { protocol: "quic" });
const vpn = routeTo("vpn", { protocol: "openvpn" });
const udpVpn = udpRouteTo("vpn", { protocol: "openvpn" });
const udpOnly = (...udp: UdpListenerConfig[]) => configWith([], { udp });

const cases: ReadonlyArray<[change: string, before: Config, after: Config, words: string]> = [
  [
    "nothing",
    configWith([listenerWith({ routes: [ssh] })]),
    configWith([listenerWith({ routes: [routeTo("ssh", { protocol: "ssh" })] })]),
    "nothing to do differently",
  ],
  [
    "a route more, one less, one that goes elsewhere",
    configWith([listenerWith({ routes: [ssh, routeTo("old", { protocol: "mqtt" })] })]),
    configWith([
      listenerWith({
        routes: [routeTo("ssh", { protocol: "ssh" }, poolOf("127.0.0.1", 9)), web],
      }),
    ]),
    "default: route old removed, default: route ssh changed, default: route web added",
  ],
  [
    "the order of routes",
    configWith([listenerWith({ routes: [ssh, web] })]),
    configWith([listenerWith({ routes: [web, ssh] })]),
    "default: order of routes changed",
  ],
  [
    "a listener more, one less",
    configWith([listenerWith({}), listenerWith({ name: "b", port: 2 })]),
    configWith([listenerWith({}), listenerWith({ name: "c", port: 2 })]),
    "listener b removed, listener c added",
  ],
  [
    "keys of a listener and of the top level",
    configWith([listenerWith({})]),
    configWith([listenerWith({ probeTimeout: 1, maxConnectionsPerIp: 3 })], { drainTimeout: 1 }),
    "default: probe_timeout changed, default: max_connections_per_ip changed, drain_timeout changed",
  ],
  [
    "keys that have another name in the file",
    configWith([listenerWith({})]),
    configWith([listenerWith({ idleTimeout: 1, backlog: 1, defaultRoute: web })], {
      dns: { minTtl: 1, maxTtl: 3 },
      maxConnections: 1,
    }),
    "default: tcp_backlog (at the next start) changed, default: tcp_idle_timeout changed, " +
    "default: route default changed, tcp_max_connections changed, dns_cache_ttl bounds changed",
  ],
  [
    "a pattern",
    configWith([listenerWith({ routes: [routeTo("x", { protocol: "regex", patterns: [/a/] })] })]),
    configWith([listenerWith({ routes: [routeTo("x", { protocol: "regex", patterns: [/b/] })] })]),
    "default: route x changed",
  ],
  [
    "a network of an access list",
    configWith([listenerWith({ acl: { allow: setOf("10.0.0.0/8", "::1") } })]),
    configWith([listenerWith({ acl: { allow: setOf("10.0.0.0/9", "::1") } })]),
    "default: acl changed",
  ],
  [
    "routes of UDP",
    udpOnly(udpListenerWith({ routes: [wg, udpVpn] })),
    udpOnly(udpListenerWith({
      routes: [udpVpn, http3, { ...wg, idleLifetime: 1 }],
    })),
    "default: route http3 added, default: route wg changed, default: order of routes changed",
  ],
  [
    "an entry that stood between entries of different transports",
    configWith([listenerWith({ routes: [vpn, ssh] })], {
      udp: [udpListenerWith({ routes: [wg, udpVpn] })],
    }),
    configWith([listenerWith({ routes: [ssh] })], { udp: [udpListenerWith({ routes: [wg] })] }),
    "default: route vpn removed",
  ],
  [
    "a listener on UDP",
    udpOnly(udpListenerWith({ name: "a" }), udpListenerWith({ name: "b" })),
    udpOnly(udpListenerWith({ name: "c" }), udpListenerWith({ name: "a" })),
    "listener b removed, listener c added",
  ],
  [
    "keys of UDP, under the names that they have in the file",
    udpOnly(udpListenerWith({})),
    configWith([], {
      udp: [udpListenerWith({
        maxFlows: 1,
        maxFlowsPerIp: 1,
        probeTimeout: 1,
        followClients: false,
        flowMemory: 0,
        defaultRoute: udpDefaultTo(poolOf("127.0.0.1", 1)),
      })],
    }),
    "default: udp_probe_timeout changed, default: follow_clients changed, default: flow_memory changed, " +
    "default: udp_max_connections changed, default: max_flows_per_ip changed, " +
    "default: route default of UDP changed",
  ],
  [
    "keys of the top level that are about UDP or nothing of the two",
    configWith([]),
    configWith([], {
      maxFlows: 1,
      engine: "linux",
      admin: { address: "127.0.0.1", port: 9090 },
    }),
    "udp_max_connections changed, engine (at the next start) changed, admin_address changed",
  ],
  [
    "what holds for both transports",
    configWith([listenerWith({ routes: [ssh, vpn] })], {
      udp: [udpListenerWith({ routes: [udpVpn, wg] })],
    }),
    configWith([
      listenerWith({
        port: 1,
        routes: [ssh, routeTo("vpn", { protocol: "openvpn" }, poolOf("127.0.0.1", 9))],
      }),
    ], {
      udp: [udpListenerWith({
        port: 1,
        routes: [udpRouteTo("vpn", { protocol: "openvpn" }, poolOf("127.0.0.1", 9)), wg],
      })],
    }),
    "default: route vpn changed, default: listen_port changed",
  ],
  [
    "which transports there are",
    configWith([listenerWith({ name: "a", routes: [vpn] }), listenerWith({ name: "b" })], {
      udp: [udpListenerWith({ name: "b" })],
    }),
    configWith([listenerWith({ name: "a", routes: [vpn] })], {
      udp: [
        udpListenerWith({ name: "a", routes: [udpVpn, wg] }),
        udpListenerWith({ name: "b" }),
      ],
    }),
    "a: UDP added, a: route vpn changed, a: route wg added, b: TCP removed",
  ],
];

assert.ok(cases.length > 0);
for (const [change, before, after, words] of cases) {
  Deno.test(`a reload that changes ${change} says so`, () => {
    assert.equal(describeChanges(before, after), words);
  });
}

Deno.test("a reload that changes a hundred routes is told in one line that can be read", () => {
  const routes = Array.from({ length: 100 }, (_, i) => routeTo(`r${i}`, { protocol: "ssh" }));
  const words = describeChanges(
    configWith([listenerWith({})]),
    configWith([listenerWith({ routes })]),
  );
  assert.match(words, / and 92 more changes$/);
  assert.ok(words.length < 400);
});
