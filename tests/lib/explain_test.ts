import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressSet } from "../../lib/acl.ts";
import { formatAddress, parseCidr } from "../../lib/addr.ts";
import type { Route, TcpListenerConfig } from "../../lib/config/config.ts";
import { explain, type Explanation, type Outcome } from "../../lib/explain.ts";
import { type Asked, connectionOf, type Said } from "../../lib/explain/asked.ts";
import { encodeProxyHeader } from "../../lib/proxy_protocol.ts";
import { CLIENT, Rig, settled } from "../support/rig.ts";
import { defaultTo, listenerWith, poolOf, routeTo } from "../support/routes.ts";
import { bytes, concat } from "../support/bytes.ts";
import { samples } from "../support/samples.ts";

const networks = (...texts: string[]) =>
  new AddressSet(texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined));

const SSH = routeTo("shell", { protocol: "ssh" }, poolOf("127.0.0.1", 22));
const API = routeTo(
  "api",
  { protocol: "tls", serverNames: ["*.example"] },
  poolOf("127.0.0.1", 443),
);
const H2 = routeTo("h2", { protocol: "tls", alpns: ["h2"] }, poolOf("127.0.0.1", 444));
const WEB = routeTo("web", { protocol: "http", hosts: ["a.example"] }, poolOf("127.0.0.1", 80));
const REFUSED: Route = {
  ...routeTo("refused", { protocol: "socks5" }),
  action: { kind: "reject" },
};
const DEFAULT = defaultTo(poolOf("127.0.0.1", 99));
const PORTS = [22, 443, 444, 80, 99];

const EVERYTHING = listenerWith({ routes: [SSH, H2, API, WEB, REFUSED], defaultRoute: DEFAULT });
const OUTSIDERS = { allow: networks("198.51.100.0/24") };

/** Listeners whose ways differ. */
const LISTENERS: Readonly<Record<string, TcpListenerConfig>> = {
  everything: EVERYTHING,
  "no default": { ...listenerWith({ routes: EVERYTHING.routes }) },
  "default only": listenerWith({ defaultRoute: DEFAULT }),
  "close at the timeout": { ...EVERYTHING, onProbeTimeout: { kind: "close" } },
  "a route at the timeout": { ...EVERYTHING, onProbeTimeout: { kind: "route", name: "shell" } },
  "a list": { ...EVERYTHING, acl: OUTSIDERS },
  "a list of a route": { ...EVERYTHING, acl: OUTSIDERS, routes: [{ ...SSH, acl: {} }, WEB] },
  "a refusing list of a route": {
    ...EVERYTHING,
    routes: [{ ...SSH, acl: OUTSIDERS }, WEB, REFUSED],
  },
  "behind a proxy": { ...EVERYTHING, trustedProxies: networks("192.0.2.0/24"), acl: OUTSIDERS },
  "behind another proxy": { ...EVERYTHING, trustedProxies: networks("203.0.113.0/24") },
  "a small head": { ...EVERYTHING, probeMaxBytes: 60 },
  "a regex and any": {
    ...listenerWith({}),
    routes: [
      routeTo(
        "letters",
        { protocol: "regex", patterns: [/^[a-z]+$/], minLength: 3 },
        poolOf("127.0.0.1", 80),
      ),
      routeTo("rest", { protocol: "any" }, poolOf("127.0.0.1", 99)),
    ],
    onProbeTimeout: { kind: "close" },
  },
};

const V2 = encodeProxyHeader("v2", { address: "198.51.100.7", port: 7 }, {
  address: "192.0.2.9",
  port: 9,
});
const HEADS: readonly Uint8Array[] = [
  bytes(""),
  bytes("SSH-2.0-x\r\n"),
  bytes("SSH-2.0"),
  bytes("abcd"),
  bytes("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
  bytes("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n"),
  bytes(`GET /${"x".repeat(60)} HTTP/1.1\r\nHost: a.example\r\n\r\n`),
  bytes("\x05\x01\x00"),
  bytes("\0\0"),
  bytes("PROXY UNKNOWN\r\nSSH-2.0-x\r\n"),
  bytes("PROXY TCP4"),
  concat(V2, "SSH-2.0-x\r\n"),
  V2,
  ...samples().filter(({ protocol }) => protocol === "tls").map(({ bytes }) => bytes),
];

/** What the proxy itself did, in the words of an explanation. */
async function happened(
  listener: TcpListenerConfig,
  { head, ended }: Asked,
  wait: number,
): Promise<string> {
  const rig = new Rig();
  for (const port of PORTS) rig.backend(port);
  await rig.apply([listener]);
  const client = await rig.client(CLIENT);
  await client.write(head);
  if (ended) await client.closeWrite();
  await settled();
  const waits = rig.server.activeConnections > 0 && wait > 0;
  if (waits) await rig.pass(wait);
  if (!ended) await client.closeWrite().catch(() => {});
  const { reason, route, backend } = await rig.record();
  await rig.close(client);
  return `${reason} ${route} ${backend && formatAddress(backend)}`;
}

function foretold({ outcome, onTimeout }: Explanation): string {
  const end: Outcome = onTimeout ?? outcome;
  if (end.kind === "forward") return `ended ${end.route} ${end.backends.targets[0]?.target}`;
  assert(end.kind === "close");
  return `${end.reason} ${end.route} undefined`;
}

for (const [name, listener] of Object.entries(LISTENERS)) {
  Deno.test(`what is foretold is what happens: ${name}`, async () => {
    for (const head of HEADS) {
      for (const ended of [false, true]) {
        const asked = { head, ended, peer: CLIENT };
        const explanation = explain(listener, asked);
        const wait = explanation.outcome.kind === "wait" ? listener.probeTimeout : 0;
        const what = `${
          JSON.stringify(new TextDecoder("latin1").decode(head.subarray(0, 50)))
        } ${ended}`;
        assert.equal(foretold(explanation), await happened(listener, asked, wait), what);
      }
    }
  });
}

/** Explains what becomes of a client that says this. */
function of(said: Said, listener: TcpListenerConfig = EVERYTHING, address?: string): Explanation {
  return explain(
    listener,
    connectionOf(said, address === undefined ? undefined : { address }, listener),
  );
}

Deno.test("the facts and the routes tried are those of the probe that decided", () => {
  const { outcome, facts, routes } = of({ serverName: "a.example", alpns: ["h2"] });
  assert.equal(outcome.kind === "forward" && outcome.route, "api");
  assert.deepEqual(facts, {
    protocol: "tls",
    serverName: "a.example",
    alpns: ["h2"],
    details: { versions: "1.3" },
  });
  assert.deepEqual(routes, [{ route: "api", verdict: "wins" }, { route: "h2", verdict: "later" }]);
});

Deno.test("a route that rejects is named as the one that decides", () => {
  const { outcome, routes } = explain(EVERYTHING, { head: bytes("\x05\x01\x00"), ended: false });
  assert.deepEqual(outcome, { kind: "close", reason: "rejected", route: "refused" });
  assert.deepEqual(routes, [{ route: "refused", verdict: "wins" }]);
});

Deno.test("what is undecided says how many bytes are needed and what the timeout brings", () => {
  const { outcome, onTimeout } = explain(EVERYTHING, { head: bytes("SSH-2"), ended: false });
  assert(outcome.kind === "wait" && outcome.bytes > 5);
  assert.equal(onTimeout?.kind === "forward" && onTimeout.route, "default");
  assert.equal(explain(EVERYTHING, { head: bytes("SSH-2"), ended: true }).onTimeout, undefined);
});

Deno.test("the head is cut at probe_max_bytes", () => {
  const head = bytes(`GET /${"x".repeat(100)}`);
  const small = { ...EVERYTHING, probeMaxBytes: 60 };
  assert.deepEqual(explain(small, { head, ended: false }).head, { bytes: 60, state: "full" });
  assert.deepEqual(explain(EVERYTHING, { head, ended: false }).head, { bytes: 105, state: "open" });
  assert.deepEqual(explain(EVERYTHING, { head, ended: true }).head, { bytes: 105, state: "ended" });
});

Deno.test("the list of the route decides before that of the listener, and its message is told", () => {
  const members = { allow: networks("192.0.2.0/24"), message: "members only\n" };
  const listener = { ...EVERYTHING, acl: OUTSIDERS, routes: [{ ...SSH, acl: members }, WEB] };
  const ask = (head: string, address?: string) =>
    explain(listener, { head: bytes(head), ended: false, ...address && { peer: { address } } });
  const ssh = "SSH-2.0-x\r\n";
  assert.deepEqual(ask(ssh, "192.0.2.1").acl, { list: "route", permits: true });
  assert.equal(ask(ssh, "192.0.2.1").outcome.kind, "forward");
  assert.deepEqual(ask(ssh, "198.51.100.1").outcome, {
    kind: "close",
    reason: "acl_denied",
    route: "shell",
    message: "members only\n",
  });
  assert.deepEqual(ask("\0\0", "198.51.100.1").acl, { list: "listener", permits: true });
  assert.deepEqual(ask("\0\0", "192.0.2.1").outcome, {
    kind: "close",
    reason: "acl_denied",
    route: "default",
  });
  assert.deepEqual(ask(ssh).acl, { list: "route" });
  assert.equal(ask(ssh).outcome.kind, "forward");
});

Deno.test("a list for all is asked before the probes, which are then asked for information alone", () => {
  const { outcome, probes, facts, acl } = of({ host: "a.example" }, {
    ...EVERYTHING,
    acl: OUTSIDERS,
  }, "192.0.2.1");
  assert.deepEqual(outcome, { kind: "close", reason: "acl_denied" });
  assert.deepEqual(acl, { list: "listener", permits: false });
  assert.equal(facts, undefined);
  assert.deepEqual(probes.filter(({ asked }) => asked), []);
  assert.equal(probes.find(({ protocol }) => protocol === "http")?.verdict, "match");
});

Deno.test("an address may be written in any form", () => {
  const listener = { ...EVERYTHING, acl: OUTSIDERS };
  assert.deepEqual(of({ host: "a.example" }, listener, "::ffff:198.51.100.1").client, {
    address: "198.51.100.1",
  });
  assert.throws(() => of({}, listener, "198.51.100"), {
    name: "SyntaxError",
    message: 'expected an IP address, got "198.51.100"',
  });
});

Deno.test("a client behind a proxy is the one that the header names", () => {
  const listener = { ...EVERYTHING, trustedProxies: networks("192.0.2.0/24"), acl: OUTSIDERS };
  const { client, proxyHeader, outcome, acl } = explain(listener, {
    head: concat(V2, "SSH-2.0-x\r\n"),
    ended: false,
    peer: CLIENT,
  });
  assert.deepEqual(client, { address: "198.51.100.7", port: 7 });
  assert.deepEqual(acl, { list: "listener", permits: true });
  assert.equal(outcome.kind, "forward");
  assert.deepEqual(proxyHeader, {
    expected: true,
    trusted: true,
    found: {
      version: "v2",
      source: { address: "198.51.100.7", port: 7 },
      destination: { address: "192.0.2.9", port: 9 },
      length: 28,
    },
  });
});

Deno.test("a header that the listener does not read is pointed out", () => {
  const { proxyHeader } = explain(EVERYTHING, { head: bytes("PROXY UNKNOWN\r\n"), ended: false });
  assert.deepEqual(proxyHeader, { expected: false, found: { version: "v1", length: 15 } });
});

Deno.test("of silence it says what comes, and when", () => {
  assert.deepEqual(of({}).silence.after, 5000);
  assert.equal(of({}).silence.outcome.kind, "forward");
  const close = of({}, { ...EVERYTHING, onProbeTimeout: { kind: "close" }, probeTimeout: 700 });
  assert.deepEqual(close.silence, {
    after: 700,
    outcome: { kind: "close", reason: "probe_timeout" },
  });
  const denied = of({}, { ...EVERYTHING, acl: OUTSIDERS }, "192.0.2.1");
  assert.deepEqual(denied.silence, { after: 0, outcome: { kind: "close", reason: "acl_denied" } });
  assert.equal(of({}, listenerWith({ defaultRoute: DEFAULT })).silence.after, 0);
});

Deno.test("an explanation is plain data", () => {
  const listeners = Object.values(LISTENERS);
  assert(listeners.length > 0);
  for (const listener of listeners) {
    for (const head of HEADS) {
      const explanation = explain(listener, { head, ended: false, peer: CLIENT });
      assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation);
    }
  }
});

Deno.test("any bytes are explained", () => {
  fc.assert(fc.property(
    fc.constantFrom(...Object.values(LISTENERS)),
    fc.uint8Array({ maxLength: 80 }),
    fc.boolean(),
    (listener, head, ended) => {
      const { outcome, onTimeout } = explain(listener, { head, ended });
      assert.equal(outcome.kind === "wait", onTimeout !== undefined);
      assert(!ended || outcome.kind !== "wait");
    },
  ));
});
