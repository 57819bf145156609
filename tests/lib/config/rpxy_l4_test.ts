import assert from "node:assert/strict";
import type { Pool, Route, RouteMatch } from "../../../lib/config/config.ts";
import { formatProblem, loadConfig } from "../../../lib/config/mod.ts";
import { parseBase64 } from "../../../lib/config/values.ts";
import { configOf, problemsOf, warningsOf } from "./loading.ts";

const text = Deno.readTextFileSync(new URL("rpxy_l4.toml", import.meta.url));

async function loadSample() {
  const loaded = await loadConfig(text, { file: "config.toml" });
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(formatProblem).join("\n"));
  const [listener, ...others] = loaded.config.tcp;
  assert.ok(listener !== undefined && others.length === 0);
  return { config: loaded.config, listener, warnings: loaded.warnings };
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

Deno.test("what is written for UDP is named in one warning", async () => {
  const { warnings } = await loadSample();
  assert.deepEqual(warnings.map(formatProblem), [
    "config.toml: UDP is not served by this version: udp_target, udp_load_balance, udp_max_connections, " +
    "udp_idle_lifetime, protocols.http3, protocols.wg have no effect",
  ]);
});

Deno.test("one key for UDP alone is warned of in the singular", async () => {
  const warnings = await warningsOf(
    'listen_port = 1\ntcp_target = ["a:1"]\nudp_target = ["a:1"]\n',
  );
  assert.deepEqual(warnings, [
    "config.toml: UDP is not served by this version: udp_target has no effect",
  ]);
});

Deno.test("a file for UDP alone has nothing to do", async () => {
  assert.deepEqual(await problemsOf('listen_port = 1\nudp_target = ["a:1"]\n'), [
    "config.toml: nothing to do: UDP is not served by this version",
  ]);
});

Deno.test("a listener for UDP alone is left out, and the others are served", async () => {
  const dns = '[listeners.dns]\nlisten_port = 53\nudp_target = ["a:53"]\n';
  const loaded = await loadConfig(`listen_port = 1\ntcp_target = ["a:1"]\n${dns}`, {
    file: "c.toml",
  });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.tcp.map(({ name }) => name), ["default"]);
  assert.deepEqual(loaded.warnings.map(formatProblem), [
    "c.toml: UDP is not served by this version: listeners.dns.udp_target has no effect",
  ]);
});

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
