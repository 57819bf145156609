import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Pool, Route, RouteMatch, UdpRoute } from "../../../lib/config/config.ts";
import { parseBase64 } from "../../../lib/config/values.ts";
import { datagramTable } from "../../../lib/datagram_routing.ts";
import { mismatch, routeTable } from "../../../lib/routing.ts";
import { configOf } from "./loading.ts";

const text = readFileSync(new URL("rpxy_l4.toml", import.meta.url), "utf8");

async function loadSample() {
  const config = await configOf(text);
  const [listener, ...others] = config.tcp;
  const [udpListener, ...udpOthers] = config.udp;
  assert.ok(listener !== undefined && udpListener !== undefined);
  assert.deepEqual([...others, ...udpOthers], []);
  return { config, listener, udpListener };
}

function match(protocol: string, conditions: Partial<RouteMatch> = {}): RouteMatch {
  const nothing = {
    serverNames: [],
    alpns: [],
    hosts: [],
    dnsNames: [],
    patterns: [],
    minLength: 32,
  };
  return { protocol, ...nothing, ...conditions };
}

function forward(
  pool: Pool,
  sendProxy: "none" | "v1" | "v2" = "v2",
): Route["action"] {
  return { kind: "forward", pool, sendProxy };
}

function pool(algorithm: Pool["algorithm"], ...targets: [string, number][]): Pool {
  return { targets: targets.map(([host, port]) => ({ host, port, weight: 1 })), algorithm };
}

Deno.test("every key of rpxy-l4 is taken over", async () => {
  const { config, listener } = await loadSample();
  assert.equal(config.maxConnections, 2000);
  assert.deepEqual(config.dns, { minTtl: 10_000, maxTtl: 7_200_000 });
  const { routes: _, defaultRoute, trustedProxies, ...rest } = listener;
  assert.deepEqual(rest, {
    name: "default",
    port: 8448,
    addresses: ["192.0.2.10", "192.0.2.11", "2001:db8::10", "2001:db8::11"],
    backlog: 512,
    probeTimeout: 5_000,
    probeMaxBytes: 32_768,
    onProbeTimeout: { kind: "default" },
    connectTimeout: 5_000,
    connectRetries: 2,
    idleTimeout: 3_600_000,
    keepalive: 60_000,
  });
  assert.deepEqual(trustedProxies?.networks, ["10.0.0.0/8", "2001:db8:1::/48", "203.0.113.5"]);
  assert.deepEqual(
    defaultRoute?.action,
    forward(pool(
      "source_socket",
      ["fallback.example.com", 53],
      ["198.51.100.1", 53],
      ["2001:db8::1", 53],
    )),
  );
});

Deno.test("every entry of rpxy-l4 is taken over, in the order of the file", async () => {
  const { listener } = await loadSample();
  const routes: readonly Route[] = [
    {
      name: "web",
      match: match("http"),
      action: forward(pool("none", ["198.51.100.2", 80]), "none"),
    },
    {
      name: "shell",
      match: match("ssh"),
      action: forward(pool("source_ip", ["198.51.100.3", 22])),
    },
    {
      name: "socks",
      match: match("socks5"),
      action: forward(pool("random", ["under_score.example.com", 1080]), "v1"),
    },
    {
      name: "tls any",
      match: match("tls"),
      action: forward(pool("none", ["198.51.100.4", 443])),
    },
    {
      name: "tls_names",
      match: match("tls", { serverNames: ["example.com", "example.org"] }),
      action: forward(pool("none", ["198.51.100.5", 443])),
    },
    {
      name: "tls_alpn",
      match: match("tls", { alpns: ["dot"] }),
      action: forward(pool("none", ["198.51.100.6", 443])),
    },
    {
      name: "tls_alpns",
      match: match("tls", { alpns: ["h2", "http/1.1"] }),
      action: forward(pool("none", ["198.51.100.7", 443])),
    },
    {
      name: "tls_hidden",
      match: match("tls", { serverNames: ["public.example.com"] }),
      ech: {
        configList: parseBase64(
          "AEH+DQA9KgAgACCw0I81tGgzgUia+zKCXlkVLUfRm8ngUNbVqVSYTJ0eLAAEAAEAASAOcHVibGljLmV4YW1wbGUAAA",
        ),
        privateKeys: [new Uint8Array(32).fill(0x5a), new Uint8Array(32).fill(0x5a)],
        privateServerNames: [
          { host: "one.example.com", port: 8448 },
          { host: "two.example.com", port: 443 },
        ],
      },
      action: forward(pool("none", ["198.51.100.8", 443])),
    },
  ];
  assert.deepEqual(listener.routes, routes);
});

Deno.test("every key of rpxy-l4 for UDP is taken over", async () => {
  const { config, listener, udpListener } = await loadSample();
  assert.equal(config.maxFlows, 4000);
  const { routes: _, defaultRoute, ...rest } = udpListener;
  assert.deepEqual(rest, {
    name: "default",
    port: 8448,
    addresses: listener.addresses,
    probeTimeout: 1_000,
    followClients: true,
    flowMemory: 600_000,
  });
  assert.deepEqual(
    defaultRoute?.action,
    forward(pool("random", ["fallback.example.com", 53]), "none"),
  );
  assert.deepEqual([defaultRoute.idleLifetime, defaultRoute.replyTimeout], [0, 0]);
});

Deno.test("every entry of rpxy-l4 for UDP is taken over, in the order of the file", async () => {
  const { udpListener } = await loadSample();
  const routes: readonly UdpRoute[] = [
    {
      name: "http3",
      match: match("quic", { serverNames: ["example.com"], alpns: ["h3"] }),
      action: forward(pool("source_ip", ["198.51.100.9", 443]), "none"),
      idleLifetime: 30_000,
      replyTimeout: 2_000,
    },
    {
      name: "wg",
      match: match("wireguard"),
      action: forward(pool("none", ["wg.example.com", 51820]), "none"),
      idleLifetime: 120_000,
      replyTimeout: 2_000,
    },
  ];
  assert.deepEqual(udpListener.routes, routes);
});

Deno.test("the routes of rpxy-l4's reference are found for TLS and for QUIC", async () => {
  const entry = (name: string, protocol: string, keys: string) =>
    `[protocols.${name}_${protocol}]\nprotocol = "${protocol}"\ntarget = ["a:1"]\n${keys}\n`;
  const rules = (protocol: string) =>
    entry("A", protocol, 'server_names = ["example.com"]') +
    entry("B", protocol, 'server_names = ["example.org"]') +
    entry("C", protocol, "") +
    entry("D", protocol, 'alpn = ["h2"]') +
    entry("E", protocol, 'server_names = ["example.com"]\nalpn = ["h2"]');
  const { tcp: [tcp], udp: [udp] } = await configOf(
    `listen_port = 1\n${rules("tls")}${rules("quic")}`,
  );
  assert.ok(tcp !== undefined && udp !== undefined);
  const detectors = [...routeTable(tcp).detectors, ...datagramTable(udp).detectors];
  assert.deepEqual(detectors.map(({ protocol }) => protocol), ["tls", "quic"]);
  for (const { protocol, routes } of detectors) {
    const taken = REFERENCE.map(([name, alpn]) => {
      const facts = { protocol, ...name && { serverName: name }, ...alpn && { alpns: [alpn] } };
      return routes.find((route) => mismatch(route, facts) === undefined)?.name;
    });
    assert.deepEqual(taken, REFERENCE.map(([, , name]) => `${name}_${protocol}`));
  }
});

/** A name and an ALPN that a client offers, and who takes it. */
const REFERENCE: readonly (readonly [name: string, alpn: string, route: string])[] = [
  ["example.com", "", "A"],
  ["example.org", "", "B"],
  ["example.net", "", "C"],
  ["", "h2", "D"],
  ["", "h3", "C"],
  ["example.com", "h2", "E"],
  ["example.com", "h3", "A"],
  ["example.org", "h2", "B"],
  ["example.net", "h3", "C"],
  ["example.gov", "h2", "D"],
];

Deno.test("[protocol.<name>] is [protocols.<name>]", async () => {
  const entry = 'protocol = "ssh"\ntarget = ["a:1"]\n';
  assert.deepEqual(
    await configOf(`listen_port = 1\n[protocol.a]\n${entry}`),
    await configOf(`listen_port = 1\n[protocols.a]\n${entry}`),
  );
});

Deno.test("listen_ipv6 alone is [::], and without it there is no IPv6", async () => {
  const rest = 'listen_port = 1\ntcp_target = ["a:1"]\n';
  const addresses = async (line: string) => (await configOf(line + rest)).tcp[0]?.addresses;
  assert.deepEqual(await addresses(""), ["0.0.0.0"]);
  assert.deepEqual(await addresses("listen_ipv6 = true\n"), ["0.0.0.0", "::"]);
  assert.deepEqual(await addresses('listen_address_v6 = "[::1]"\n'), ["0.0.0.0", "::1"]);
  assert.deepEqual(await addresses('listen_ipv6 = true\nlisten_address_v6 = "::1"\n'), [
    "0.0.0.0",
    "::1",
  ]);
});
