/**
 * The import rules of the architecture, executable. A rule that names a file which no longer exists fails too.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Every file of the product, and what it imports: paths from the root, or names of packages. */
const imports = new Map<string, ReadonlySet<string>>(
  ["probes", "lib"].flatMap(filesBelow).concat("main.ts", "main_bun.ts")
    .map((file) => [file, importsOf(file)]),
);

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): ReadonlySet<string> {
  const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found = source.matchAll(/(?:\bfrom\s*|^import\s*|\bimport\(\s*)"([^"]+)"/gm);
  return new Set(
    Array.from(
      found,
      ([, name = ""]) => name.startsWith(".") ? normalize(join(dirname(file), name)) : name,
    ),
  );
}

/** What is loaded together with a file: itself, and what it imports for more than types and not on demand. */
function loadedWith(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  if (!imports.has(file)) return loaded;
  const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found = source.matchAll(/^(?:import|export)\s(?!type\s)(?:[^"';]*\sfrom\s*)?"([^"]+)"/gm);
  for (const [, name = ""] of found) {
    loadedWith(name.startsWith(".") ? normalize(join(dirname(file), name)) : name, loaded);
  }
  return loaded;
}

/** A file without its comments and texts. */
function codeOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8").replaceAll(
    /\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"/g,
    "",
  );
}

/** Imports of values and types that are no part of the graph at run time count as well: a layer is a layer. */
function violations(
  of: (file: string) => boolean,
  allowed: (imported: string, file: string) => boolean,
): string[] {
  const files = [...imports.keys()].filter(of);
  assert.ok(files.length > 0, "the rule is about no file");
  return files.flatMap((file) =>
    [...imports.get(file)!].filter((imported) => !allowed(imported, file))
      .map((imported) => `${file} → ${imported}`)
  );
}

function named(...files: string[]): (file: string) => boolean {
  for (const file of files) {
    assert.ok(existsSync(join(ROOT, file)), `${file} is named by a rule and does not exist`);
  }
  return (file) => files.some((each) => each.endsWith("/") ? file.startsWith(each) : file === each);
}

const PURE = [
  "lib/acl.ts",
  "lib/addr.ts",
  "lib/web/http.ts",
  "lib/balancing/",
  "lib/client_hello_encoder.ts",
  "lib/config/",
  "lib/count.ts",
  "lib/data_thread/exchange.ts",
  "lib/data_thread/plain_config.ts",
  "lib/datagram_routing.ts",
  "lib/ech/alert.ts",
  "lib/ech/config_list.ts",
  "lib/ech/hpke.ts",
  "lib/ech/inner_hello.ts",
  "lib/ech/opener.ts",
  "lib/ech/route.ts",
  "lib/explain.ts",
  "lib/explain/",
  "lib/following/",
  "lib/ip_bytes.ts",
  "lib/log_text.ts",
  "lib/pcap.ts",
  "lib/pcap/",
  "lib/proxy_protocol.ts",
  "lib/ring.ts",
  "lib/routing.ts",
  "lib/runtime/linux/layout.ts",
  "lib/sessions.ts",
  "lib/timeouts.ts",
  "lib/tunnel/agent/agent_file.ts",
  "lib/tunnel/agent/agent_schema.ts",
  "lib/tunnel/agent/back_off.ts",
  "lib/tunnel/agent/config.ts",
  "lib/tunnel/agent/exposure.ts",
  "lib/tunnel/agent/journal.ts",
  "lib/tunnel/agent/json_journal.ts",
  "lib/tunnel/agent/text_journal.ts",
  "lib/tunnel/auth.ts",
  "lib/tunnel/edge/addresses.ts",
  "lib/tunnel/edge/attempts.ts",
  "lib/tunnel/edge/demand.ts",
  "lib/tunnel/edge/endpoints.ts",
  "lib/tunnel/edge/names.ts",
  "lib/tunnel/edge/tickets.ts",
  "lib/tunnel/edge/words.ts",
  "lib/tunnel/frames.ts",
  "lib/tunnel/http/",
  "lib/tunnel/inspector/guard.ts",
  "lib/tunnel/inspector/redact.ts",
  "lib/tunnel/inspector/store.ts",
  "lib/tunnel/messages.ts",
  "lib/tunnel/pin.ts",
  "lib/tunnel/tap.ts",
  "lib/tunnel/visit_end.ts",
];

/** The data path: of each transport, and what both use. */
const TCP = named(
  "lib/head.ts",
  "lib/head_buffers.ts",
  "lib/pipe.ts",
  "lib/tcp.ts",
  "lib/tcp_parts.ts",
  "lib/tcp_server.ts",
);
const UDP = named(
  "lib/admission.ts",
  "lib/datagram_routing.ts",
  "lib/flow.ts",
  "lib/flow_backend.ts",
  "lib/flow_table.ts",
  "lib/following/",
  "lib/sessions.ts",
  "lib/udp.ts",
  "lib/udp_parts.ts",
  "lib/udp_server.ts",
  "lib/waiting.ts",
);
const SHARED = named("lib/dial.ts", "lib/listener_load.ts", "lib/pool.ts", "lib/ports.ts");

/** The packages that decide nothing and touch nothing outside. */
const PURE_PACKAGES = [
  "@noble/ciphers/aes.js",
  "@noble/ciphers/chacha.js",
  "@noble/hashes/hkdf.js",
  "@noble/hashes/hmac.js",
  "@noble/hashes/sha2.js",
  "@valibot/to-json-schema",
  "node:buffer",
  "node:crypto",
  "smol-toml",
  "toml-eslint-parser",
  "valibot",
];

/** What a protocol that cannot be told without a key opens its packets with. */
const usesCiphers = named("probes/quic_keys.ts");
const isCipher = (name: string) => name.startsWith("@noble/");

Deno.test("the graph was read", () => {
  assert.ok(imports.size > 40, `${imports.size} files`);
  assert.ok(imports.get("lib/routing.ts")?.has("probes/tcp.ts"));
});

Deno.test("probes import probes and their ciphers, and nothing else", () => {
  const allowed = (name: string, file: string) =>
    named("probes/")(name) || usesCiphers(file) && isCipher(name);
  assert.deepEqual(violations(named("probes/"), allowed), []);
});

Deno.test("one protocol does not import another", () => {
  const shared = named(
    "probes/bytes.ts",
    "probes/probe.ts",
    "probes/client_hello.ts",
    "probes/datagram.ts",
  );
  // A protocol of several files names them after the first: quic.ts, quic_keys.ts.
  const protocolOf = (file: string) => /^probes\/([^_.]+)/.exec(file)?.[1];
  const own = (imported: string, file: string) => protocolOf(imported) === protocolOf(file);
  const tables = named("probes/mod.ts", "probes/tcp.ts", "probes/udp.ts");
  assert.deepEqual(
    violations(
      (file) => named("probes/")(file) && !tables(file),
      (imported, file) => shared(imported) || own(imported, file) || isCipher(imported),
    ),
    [],
  );
});

Deno.test("what serves TCP does not load the probes of UDP", () => {
  const udpOnly = named("lib/datagram_routing.ts");
  const ofUdp = named("probes/mod.ts", "probes/udp.ts", "probes/quic.ts");
  assert.deepEqual(
    violations((file) => !named("probes/")(file) && !udpOnly(file), (name) => !ofUdp(name)),
    [],
  );
});

Deno.test("one balancing algorithm does not import another", () => {
  const shared = named(
    "lib/addr.ts",
    "lib/balancing/backend.ts",
    "lib/balancing/rendezvous.ts",
    "lib/balancing/weighted.ts",
    "lib/config/config.ts",
    "lib/count.ts",
  );
  const algorithms = (file: string) =>
    named("lib/balancing/")(file) && file !== "lib/balancing/mod.ts";
  assert.deepEqual(violations(algorithms, shared), []);
});

Deno.test("decisions are pure: no I/O, no clock of their own, no runtime", () => {
  const pure = named(...PURE, "probes/");
  const types = named("lib/runtime/runtime.ts", "lib/runtime/process.ts");
  assert.deepEqual(
    violations(pure, (name) => pure(name) || types(name) || PURE_PACKAGES.includes(name)),
    [],
  );
  const names =
    /\bDeno\.|\bBun\.|\bprocess\.|\bperformance\.|\bDate\.now|\bsetTimeout|\bMath\.random/;
  for (const file of [...imports.keys()].filter(pure)) {
    assert.doesNotMatch(codeOf(file), names, file);
  }
});

Deno.test("only files of lib/runtime name their runtime, and only its entry point imports them", () => {
  const platforms = [
    { main: "main.ts", own: /^lib\/runtime\/(deno|linux)/, names: /\bDeno\b/ },
    { main: "main_bun.ts", own: /^lib\/runtime\/bun/, names: /\bBun\b/ },
  ];
  for (const { main, own, names } of platforms) {
    const isOf = (file: string) => own.test(file) || file === main;
    assert.ok([...imports.keys()].some((file) => own.test(file) && names.test(codeOf(file))));
    for (const file of [...imports.keys()].filter((file) => !isOf(file))) {
      assert.doesNotMatch(codeOf(file), names, file);
    }
    assert.deepEqual(violations((file) => !isOf(file), (name) => !own.test(name)), []);
  }
});

Deno.test("the data path knows nothing of the command line, the demo or the file of the configuration", () => {
  const above = named(
    "lib/cli.ts",
    "lib/cli_program.ts",
    "lib/run.ts",
    "lib/demo/",
    "lib/explain.ts",
    "lib/server.ts",
  );
  assert.deepEqual(
    violations((file) => TCP(file) || UDP(file) || SHARED(file), (name) => !above(name)),
    [],
  );
});

Deno.test("the way of TCP and the way of UDP do not know each other", () => {
  assert.deepEqual(violations(TCP, (name) => !UDP(name)), []);
  assert.deepEqual(violations(UDP, (name) => !TCP(name)), []);
});

Deno.test("of metrics and the admin endpoint nobody knows but who runs them", () => {
  const admin = named("lib/admin/", "lib/metrics.ts");
  assert.deepEqual(
    violations((file) => !admin(file) && file !== "lib/run.ts", (name) => !admin(name)),
    [],
  );
});

Deno.test("what few configurations need is not loaded at the start", () => {
  const onDemand = [
    "@logtape/file",
    "commander",
    "node:dns/promises",
    "prom-client",
    "lib/metrics.ts",
    "lib/web/server.ts",
    "lib/udp_server.ts",
    "probes/udp.ts",
    "toml-eslint-parser",
  ];
  const known = new Set([...imports.values()].flatMap((names) => [...names]));
  for (const name of onDemand) assert.ok(known.has(name), `${name} is imported nowhere`);
  const started = ["main.ts", "main_bun.ts", "lib/run.ts", "lib/server.ts"];
  const loaded = new Set(started.flatMap((file) => [...loadedWith(file)]));
  assert.ok(loaded.has("lib/tcp.ts") && loaded.has("valibot"), "the graph was not read");
  assert.deepEqual(onDemand.filter((name) => loaded.has(name)), []);
});

Deno.test("of data threads nobody knows but who chooses the engine, and their platform", () => {
  const threads = named("lib/data_thread/");
  const above = named(
    "lib/engine.ts",
    "lib/run.ts",
    "lib/run_proxy.ts",
    "lib/runtime/linux/",
  );
  assert.deepEqual(
    violations((file) => !threads(file) && !above(file), (name) => !threads(name)),
    [],
  );
});

Deno.test("no engine is loaded before it is chosen, and nothing foreign before it may be", () => {
  const started = ["main.ts", "main_bun.ts", "lib/run.ts", "lib/engine.ts"];
  const loaded = new Set(started.flatMap((file) => [...loadedWith(file)]));
  assert.ok(loaded.has("lib/config/mod.ts"), "the graph was not read");
  const engines = named("lib/server.ts", "lib/data_thread/", "lib/runtime/linux/", "probes/");
  assert.deepEqual([...loaded].filter(engines), []);
  const starter = loadedWith("lib/runtime/linux/start_thread.ts");
  const foreign = named("lib/runtime/linux/libc.ts", "lib/runtime/linux/event_fd.ts");
  assert.deepEqual([...starter].filter(foreign), []);
  assert.deepEqual([...loadedWith("lib/runtime/linux/doorbell.ts")].filter(foreign), [
    "lib/runtime/linux/event_fd.ts",
  ]);
});

Deno.test("of the tunnel nobody knows but who runs an edge or an agent, and neither knows the other", () => {
  const tunnel = named("lib/tunnel/");
  const above = named(
    "lib/edge_slot.ts",
    "lib/edge_commands.ts",
    "lib/explain_command.ts",
    "lib/expose_command.ts",
  );
  assert.deepEqual(
    violations((file) => !tunnel(file) && !above(file), (name) => !tunnel(name)),
    [],
  );
  const [edge, agent] = [named("lib/tunnel/edge/"), named("lib/tunnel/agent/")];
  assert.deepEqual(violations(edge, (name) => !agent(name)), []);
  assert.deepEqual(violations(agent, (name) => !edge(name)), []);
});

Deno.test("an agent loads nothing of the proxy", () => {
  const loaded = loadedWith("lib/expose_command.ts");
  assert.ok(loaded.has("lib/tunnel/agent/agent.ts"), "the graph was not read");
  const proxy = named("lib/run.ts", "lib/server.ts", "lib/config/mod.ts", "probes/tcp.ts");
  const isOfProxy = (file: string) => proxy(file) || TCP(file) || UDP(file) || SHARED(file);
  assert.deepEqual([...loaded].filter(isOfProxy), []);
  assert.deepEqual([...loaded].filter(named("lib/tunnel/inspector/")), []);
});

Deno.test("a configuration without an edge loads nothing of the tunnel", () => {
  const started = ["main.ts", "main_bun.ts", "lib/run.ts", "lib/edge_slot.ts"];
  const loaded = new Set(started.flatMap((file) => [...loadedWith(file)]));
  assert.ok(loaded.has("lib/edge_slot.ts"), "the graph was not read");
  assert.deepEqual([...loaded].filter(named("lib/tunnel/", "lib/runtime/node_tls.ts")), []);
});

Deno.test("there is no cycle", () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), [...path, file].join(" → "));
    if (done.has(file)) return;
    for (const imported of imports.get(file) ?? []) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
});
