import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { AddressSet } from "../../../lib/acl.ts";
import { parseCidr } from "../../../lib/addr.ts";
import type { Pool, Route, TcpListenerConfig } from "../../../lib/config/config.ts";
import { explain } from "../../../lib/explain.ts";
import { type Asked, connectionOf } from "../../../lib/explain/asked.ts";
import { formatExplanation } from "../../../lib/explain/format.ts";
import { bytes } from "../../support/bytes.ts";
import { defaultTo, listenerWith, poolOf, routeTo } from "../../support/routes.ts";

const DEFAULT = defaultTo(poolOf("127.0.0.1", 22));
const POOL: Pool = {
  algorithm: "none",
  targets: [{ host: "10.0.1.1", port: 443, weight: 1 }, {
    host: "10.0.1.20",
    port: 443,
    weight: 2,
  }],
};
const LISTENER = listenerWith({
  routes: [
    routeTo("web", { protocol: "http" }, poolOf("127.0.0.1", 8080)),
    routeTo("org", { protocol: "tls", serverNames: ["a.example"] }),
    routeTo("com", { protocol: "tls", serverNames: ["*.b.example"] }, POOL),
    routeTo("all", { protocol: "tls" }),
  ],
  defaultRoute: DEFAULT,
});

function textOf(listener: TcpListenerConfig, asked: Asked): string {
  return formatExplanation(explain(listener, asked), { colour: false });
}

/** The lines of the text whose label is `label`, without it. */
function section(text: string, label: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(label.padEnd(10)));
  if (start < 0) return [];
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith(" ".repeat(10)));
  return lines.slice(start, start + 1 + length).map((line) => line.slice(10));
}

Deno.test("the verdict comes first, then why", () => {
  const asked = connectionOf(
    { serverName: "x.b.example", alpns: ["h2"] },
    { address: "192.0.2.9" },
    LISTENER,
  );
  assert.equal(
    textOf(LISTENER, asked),
    `→ route com → 10.0.1.1:443

client    192.0.2.9
head      114 bytes, more may come
probes    ✓ tls   match after 114 bytes → org, com, all
          · http  no after 1 byte, not asked
facts     SNI x.b.example · ALPN h2 · versions 1.3
routes    ✗ org  wants SNI a.example; got x.b.example
          ✓ com  takes it
          · all  would take it too, but comes later
backends  1. 10.0.1.1:443   weight 1
          2. 10.0.1.20:443  weight 2
          none: in this order · up to 2 are tried
silence   after 5 s: → route default → 127.0.0.1:22
`,
  );
});

Deno.test("colours mark up the same text", () => {
  const explanation = explain(LISTENER, { head: bytes("\0"), ended: false });
  const coloured = formatExplanation(explanation, { colour: true });
  assert(coloured.startsWith("\x1b[1m\x1b[32m→ route default"));
  assert.equal(
    stripVTControlCharacters(coloured),
    formatExplanation(explanation, { colour: false }),
  );
});

Deno.test("every outcome has its first line and its reason", () => {
  const acl = {
    allow: new AddressSet([parseCidr("10.0.0.0/8")].filter((cidr) => cidr !== undefined)),
    message: "go away\n",
  };
  const web = LISTENER.routes.slice(0, 1);
  const rejecting = (route: Route): Route => ({ ...route, action: { kind: "reject" } });
  const request = bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const peer = { address: "192.0.2.1" };
  const cases: ReadonlyArray<
    readonly [TcpListenerConfig, Uint8Array, first: string, reason: string | undefined]
  > = [
    [LISTENER, request, "→ route web → 127.0.0.1:8080", undefined],
    [LISTENER, bytes("\0"), "→ route default → 127.0.0.1:22", "no probe claims it"],
    [listenerWith({ defaultRoute: DEFAULT }), request, "→ route default → 127.0.0.1:22", undefined],
    [
      LISTENER,
      bytes("GET"),
      "… undecided: 4 bytes are needed",
      "if no more comes within 5 s: → route default → 127.0.0.1:22",
    ],
    [
      listenerWith({ routes: web }),
      bytes("\0"),
      "✗ closed: no_route",
      "no probe claims it, and there is no default target",
    ],
    [
      listenerWith({ routes: [routeTo("web", { protocol: "http", hosts: ["b"] })] }),
      request,
      "✗ closed: no_route",
      "http has entries, and none of them takes this connection",
    ],
    [
      listenerWith({ routes: web.map(rejecting) }),
      request,
      "✗ closed: rejected (route web)",
      'the route has action = "reject"',
    ],
    [
      { ...LISTENER, acl },
      request,
      "✗ closed: acl_denied",
      'the access list of the listener does not let this client in; it is told "go away\\n"',
    ],
    [
      { ...LISTENER, trustedProxies: new AddressSet([]) },
      request,
      "✗ closed: bad_proxy_header",
      "only trusted proxies may connect here, and this peer is none",
    ],
  ];
  for (const [listener, head, first, reason] of cases) {
    const [firstLine, secondLine] = textOf(listener, { head, ended: false, peer }).split("\n");
    assert.equal(firstLine, first);
    assert.equal(secondLine, reason === undefined ? "" : `  ${reason}`);
  }
});

Deno.test("silence that is not waited for, or that ends the connection, is said", () => {
  const silence = (listener: TcpListenerConfig) =>
    section(textOf(listener, { head: bytes(""), ended: false }), "silence");
  assert.deepEqual(silence(listenerWith({ defaultRoute: DEFAULT })), [
    "at once: → route default → 127.0.0.1:22",
  ]);
  const close = { ...LISTENER, onProbeTimeout: { kind: "close" as const }, probeTimeout: 250 };
  assert.deepEqual(silence(close), ["after 250 ms: ✗ closed: probe_timeout"]);
});

Deno.test("backends whose order is not known are listed as the choice they are", () => {
  const targets = [1, 2, 3, 4].map((last) => ({ host: `10.0.0.${last}`, port: 80, weight: 1 }));
  const poolsOf = (count: number): Pool => ({
    algorithm: "round_robin",
    targets: targets.slice(0, count),
  });
  const text = (count: number) =>
    textOf(listenerWith({ defaultRoute: defaultTo(poolsOf(count)) }), {
      head: bytes(""),
      ended: false,
    });
  assert.match(text(2), /^→ route default → 10.0.0.1:80 or 10.0.0.2:80\n/);
  assert.match(text(4), /^→ route default → one of 4 backends\n/);
  assert.deepEqual(section(text(2), "backends"), [
    "- 10.0.0.1:80",
    "- 10.0.0.2:80",
    "round_robin: each in its turn · up to 2 are tried",
  ]);
});

Deno.test("the listener is named when it is not the default one, and a header to the backend when it is sent", () => {
  const route = {
    ...DEFAULT,
    action: { kind: "forward", pool: poolOf("db", 5432), sendProxy: "v2" },
  } as const;
  const text = textOf(listenerWith({ name: "mail", defaultRoute: route }), {
    head: bytes(""),
    ended: false,
  });
  assert.deepEqual(section(text, "listener"), ["mail"]);
  assert.deepEqual(section(text, "backends"), ["db:5432", "gets a PROXY v2 header first"]);
});

Deno.test("what a client says cannot command the terminal", () => {
  const asked = { head: bytes("SSH-2.0-\x1b]0;pwned\x07\r\n"), ended: false };
  const text = textOf(listenerWith({ routes: [routeTo("shell", { protocol: "ssh" })] }), asked);
  assert(text.includes("software"));
  const controls = [...text].filter((character) => character < " " && character !== "\n");
  assert.deepEqual(controls, []);
});
