import assert from "node:assert/strict";
import { configOf, listenerOf, problemsOf } from "./loading.ts";

const FILE = 'listen_port = 443\ntcp_target = ["a:1"]\nprobe_timeout = "5s"\n';

Deno.test("a variable goes before the file, and the command line before both", async () => {
  const env = { SLUICE_LISTEN_PORT: "444", SLUICE_PROBE_TIMEOUT: "6s" };
  const overrides = { listen_port: "445" };
  const of = async (options: Parameters<typeof listenerOf>[1]) => {
    const { port, probeTimeout } = await listenerOf(FILE, options);
    return [port, probeTimeout];
  };
  assert.deepEqual(await of({}), [443, 5_000]);
  assert.deepEqual(await of({ env }), [444, 6_000]);
  assert.deepEqual(await of({ env, overrides }), [445, 6_000]);
});

Deno.test("a variable says numbers, switches, words, durations and lists in text", async () => {
  const config = await configOf("", {
    env: {
      SLUICE_LISTEN_PORT: "444",
      SLUICE_LISTEN_IPV6: "true",
      SLUICE_LISTEN_ADDRESS_V4: "127.0.0.1, 127.0.0.2",
      SLUICE_TCP_TARGET: "a:1",
      SLUICE_TCP_LOAD_BALANCE: "random",
      SLUICE_TCP_RECV_PROXY_PROTOCOL: "true",
      SLUICE_TCP_TRUSTED_PROXIES: "10.0.0.0/8,::1",
      SLUICE_CONNECT_TIMEOUT: "7",
      SLUICE_DRAIN_TIMEOUT: "1m",
      SLUICE_ENGINE: "linux",
      SLUICE_THREADS: "4",
      SLUICE_TCP_MAX_CONNECTIONS: "9",
    },
  });
  const [listener] = config.tcp;
  assert.equal(listener?.port, 444);
  assert.deepEqual(listener?.addresses, ["127.0.0.1", "127.0.0.2", "::"]);
  assert.deepEqual(listener?.trustedProxies?.networks, ["10.0.0.0/8", "::1"]);
  assert.equal(listener?.connectTimeout, 7_000);
  assert.equal(config.drainTimeout, 60_000);
  assert.equal(config.engine, "linux");
  assert.equal(config.threads, 4);
  assert.equal(config.maxConnections, 9);
  assert.ok(listener?.defaultRoute?.action.kind === "forward");
  assert.equal(listener.defaultRoute.action.pool.algorithm, "random");
});

Deno.test("variables and the command line say what holds on UDP, too", async () => {
  const { maxFlows, admin, udp: [listener] } = await configOf(
    "listen_port = 1\nfollow_clients = false\n",
    {
      env: {
        SLUICE_UDP_TARGET: "a:1,b:1",
        SLUICE_UDP_LOAD_BALANCE: "quic_cid",
        SLUICE_UDP_MAX_CONNECTIONS: "9",
        SLUICE_MAX_FLOWS_PER_IP: "3",
        SLUICE_UDP_PROBE_TIMEOUT: "2",
        SLUICE_UDP_IDLE_LIFETIME: "0",
        SLUICE_FOLLOW_CLIENTS: "true",
        SLUICE_ADMIN_ADDRESS: "127.0.0.1:9090",
      },
      overrides: { udp_reply_timeout: "1500ms", flow_memory: "1m" },
    },
  );
  assert.equal(maxFlows, 9);
  assert.deepEqual(admin, { address: "127.0.0.1", port: 9090 });
  const { defaultRoute, ...rest } = listener ?? assert.fail();
  assert.deepEqual(rest, {
    name: "default",
    port: 1,
    addresses: ["0.0.0.0"],
    maxFlowsPerIp: 3,
    probeTimeout: 2_000,
    followClients: true,
    flowMemory: 60_000,
    routes: [],
  });
  assert.ok(defaultRoute?.action.kind === "forward");
  assert.equal(defaultRoute.action.pool.algorithm, "quic_cid");
  assert.equal(defaultRoute.action.pool.targets.length, 2);
  assert.deepEqual([defaultRoute.idleLifetime, defaultRoute.replyTimeout], [0, 1_500]);
});

Deno.test("a wrong value from outside is told by the name of the variable", async () => {
  const env = {
    SLUICE_LISTEN_PORT: "70000",
    SLUICE_LISTEN_IPV6: "maybe",
    SLUICE_TCP_TARGET: "db, b:1",
    SLUICE_PROBE_MAX_BYTES: "many",
  };
  const problems = await problemsOf(`${FILE}tcp_backlog = "x"\n`, {
    env,
    overrides: { connect_retries: "-1" },
  });
  assert.deepEqual(problems.toSorted(), [
    'SLUICE_LISTEN_IPV6: listen_ipv6: expected true or false, got the text "maybe"',
    "SLUICE_LISTEN_PORT: listen_port: expected a whole number from 1 to 65535, got the number 70000",
    'SLUICE_PROBE_MAX_BYTES: probe_max_bytes: expected a number, got the text "many"',
    'SLUICE_TCP_TARGET: tcp_target[0]: expected host:port, got "db"',
    "command line: connect_retries: expected a whole number from 0 to 100, got the number -1",
    'config.toml:4:15: tcp_backlog: expected a number, got the text "x"',
  ]);
});

Deno.test("a contradiction is blamed on the variable that made it", async () => {
  const problems = await problemsOf(FILE, { env: { SLUICE_DNS_CACHE_MIN_TTL: "2h" } });
  assert.deepEqual(problems, [
    "SLUICE_DNS_CACHE_MIN_TTL: dns_cache_min_ttl: the least time (2h) is longer than the longest (1h)",
  ]);
});

Deno.test("an unknown variable of sluice is an error, and one of Kubernetes or the command line is not", async () => {
  const env = {
    SLUICE_LISTEN_PROT: "1",
    SLUICE_ACL: "10.0.0.0/8",
    SLUICE_CONFIG: "config.toml",
    SLUICE_LOG_LEVEL: "debug",
    SLUICE_LOG_FORMAT: "json",
    SLUICE_LOG_DIR: "logs",
    SLUICE_SERVICE_HOST: "10.96.0.1",
    SLUICE_SERVICE_PORT_HTTPS: "443",
    SLUICE_PORT: "tcp://10.96.0.1:443",
    SLUICE_PORT_443_TCP_ADDR: "10.96.0.1",
    SLUICE_TCP_BACKLOG: "",
    OTHER: "1",
  };
  assert.deepEqual(await problemsOf(FILE, { env, overrides: { listen_prot: "1" } }), [
    'SLUICE_LISTEN_PROT: unknown variable; did you mean "SLUICE_LISTEN_PORT"?',
    "SLUICE_ACL: unknown variable",
    'command line: listen_prot: unknown key; did you mean "listen_port"?',
  ]);
});

Deno.test("variables are put into every text, and fit where a number or a switch is expected", async () => {
  const listener = await listenerOf(
    `
listen_port = "\${PORT}"
listen_ipv6 = "\${IPV6}"
tcp_target = ["\${HOST:-a}:\${TARGET_PORT:-1}", { address = "b:1", weight = "\${WEIGHT}" }]
acl = { deny = ["\${NETWORK}"], message = "\${EMPTY}$\${HOST} \${EMPTY:-none}" }
`,
    { env: { PORT: "444", IPV6: "true", WEIGHT: "3", NETWORK: "10.0.0.0/8", EMPTY: "" } },
  );
  assert.equal(listener.port, 444);
  assert.deepEqual(listener.addresses, ["0.0.0.0", "::"]);
  assert.deepEqual(listener.acl?.deny?.networks, ["10.0.0.0/8"]);
  assert.equal(listener.acl?.message, "${HOST} none");
  assert.ok(listener.defaultRoute?.action.kind === "forward");
  assert.deepEqual(listener.defaultRoute.action.pool.targets, [
    { host: "a", port: 1, weight: 1 },
    { host: "b", port: 1, weight: 3 },
  ]);
});

Deno.test("a variable that is not set, and one that is not written well, are told by place", async () => {
  const text =
    'listen_port = 443\ntcp_target = ["a:1", "${HOST}:1", "${1}:1", "${HOST", "${A-b}"]\n';
  const reference = 'expected "${NAME}" or "${NAME:-default}"';
  const escape = 'for the characters themselves write "$${"';
  assert.deepEqual(await problemsOf(text), [
    'config.toml:2:22: tcp_target[1]: the variable HOST is not set; "${HOST:-default}" would give a default',
    `config.toml:2:35: tcp_target[2]: ${reference}, got "\${1}"; ${escape}`,
    `config.toml:2:45: tcp_target[3]: ${reference}, got "\${HOST"; ${escape}`,
    `config.toml:2:55: tcp_target[4]: ${reference}, got "\${A-b}"; ${escape}`,
  ]);
});

Deno.test("what every object has of itself is no variable, and no name", async () => {
  assert.deepEqual(await problemsOf('listen_port = 1\ntcp_target = ["${constructor}:1"]\n'), [
    'config.toml:2:15: tcp_target[0]: the variable constructor is not set; "${constructor:-default}" would give a default',
  ]);
  const entry = 'protocol = "ssh"\ntarget = ["a:1"]\n';
  assert.deepEqual(
    await problemsOf(
      `listen_port = 1\ntcp_target = ["a:1"]\n[protocols.constructor]\n${entry}[protocols.__proto__]\n${entry}`,
    ),
    [
      "config.toml:3:1: protocols.constructor: cannot be a name here",
      "config.toml:6:1: protocols.__proto__: cannot be a name here",
    ],
  );
});

Deno.test("a value that came from a variable in a text is blamed where the text stands", async () => {
  assert.deepEqual(
    await problemsOf('listen_port = "${PORT}"\ntcp_target = ["a:1"]\n', { env: { PORT: "https" } }),
    ['config.toml:1:15: listen_port: expected a number, got the text "https"'],
  );
});
