import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeClientHello } from "../../lib/client_hello_encoder.ts";
import type { Route } from "../../lib/config/config.ts";
import { decide, type HeadState, nameMatches, routeTable } from "../../lib/routing.ts";
import { samples } from "../support/samples.ts";
import { defaultTo, poolOf, routeTo } from "../support/routes.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** In a word: the route's name, what is waited for, or why it is closed. */
function outcome(
  routes: readonly Route[],
  head: Uint8Array,
  { state = "open" as HeadState, defaultRoute = undefined as Route | undefined } = {},
): string {
  const table = routeTable({
    routes,
    onProbeTimeout: { kind: "default" },
    ...defaultRoute && { defaultRoute },
  });
  const decision = decide(table, head, state);
  switch (decision.kind) {
    case "forward":
      return decision.route.name;
    case "wait":
      return `wait ${decision.bytes}`;
    case "reject":
      return decision.reason;
  }
}

const REFERENCE = [
  routeTo("A", { protocol: "tls", serverNames: ["example.com"] }),
  routeTo("B", { protocol: "tls", serverNames: ["example.org"] }),
  routeTo("C", { protocol: "tls" }),
  routeTo("D", { protocol: "tls", alpns: ["h2"] }),
  routeTo("E", { protocol: "tls", serverNames: ["example.com"], alpns: ["h2"] }),
];

/** Name, ALPN, route. */
const REFERENCE_TABLE: ReadonlyArray<[string | undefined, string | undefined, string]> = [
  ["example.com", undefined, "A"],
  ["example.org", undefined, "B"],
  ["example.net", undefined, "C"],
  [undefined, "h2", "D"],
  [undefined, "h3", "C"],
  ["example.com", "h2", "E"],
  ["example.com", "h3", "A"],
  ["example.org", "h2", "B"],
  ["example.net", "h3", "C"],
  ["example.gov", "h2", "D"],
  [undefined, undefined, "C"],
];

Deno.test("name and ALPN go before name, name before ALPN, ALPN before neither", () => {
  assert.equal(REFERENCE_TABLE.length, 11);
  for (const [serverName, alpn, route] of REFERENCE_TABLE) {
    const hello = encodeClientHello({
      ...serverName !== undefined && { serverName },
      ...alpn !== undefined && { alpns: [alpn] },
    });
    assert.equal(outcome(REFERENCE, hello), route, `${serverName} / ${alpn}`);
  }
});

Deno.test("the reference table holds in any order of the file", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(REFERENCE, { minLength: REFERENCE.length }),
      fc.constantFrom(...REFERENCE_TABLE),
      (routes, [serverName, alpn, route]) => {
        const hello = encodeClientHello({
          ...serverName !== undefined && { serverName },
          ...alpn !== undefined && { alpns: [alpn] },
        });
        assert.equal(outcome(routes, hello), route);
      },
    ),
  );
});

Deno.test("within a class the order of the file decides", () => {
  const routes = [
    routeTo("first", { protocol: "tls", serverNames: ["*.example.com"] }),
    routeTo("second", { protocol: "tls", serverNames: ["a.example.com"] }),
  ];
  const hello = encodeClientHello({ serverName: "a.example.com" });
  assert.equal(outcome(routes, hello), "first");
  assert.equal(outcome(routes.toReversed(), hello), "second");
});

Deno.test("names are compared without case, ALPN values with it", () => {
  const routes = [routeTo("it", { protocol: "tls", serverNames: ["example.com"], alpns: ["h2"] })];
  const offer = (serverName: string, alpn: string) =>
    outcome(routes, encodeClientHello({ serverName, alpns: [alpn] }));
  assert.equal(offer("EXAMPLE.com", "h2"), "it");
  assert.equal(offer("example.com", "H2"), "no_route");
});

Deno.test("a protocol that has entries, none of which matches, is closed and not given to the default", () => {
  const defaultRoute = defaultTo(poolOf("127.0.0.1", 2));
  const routes = [routeTo("web", { protocol: "tls", serverNames: ["example.com"] })];
  assert.equal(
    outcome(routes, encodeClientHello({ serverName: "example.org" }), { defaultRoute }),
    "no_route",
  );
});

Deno.test("a protocol without entries goes to the default target, or is closed where there is none", () => {
  const routes = [routeTo("shell", { protocol: "ssh" })];
  const hello = encodeClientHello({ serverName: "example.org" });
  const defaultRoute = defaultTo(poolOf("127.0.0.1", 2));
  assert.equal(outcome(routes, hello, { defaultRoute }), "default");
  assert.equal(outcome(routes, hello), "no_route");
});

Deno.test("without entries nothing is read: a server may speak first", () => {
  const defaultRoute = defaultTo(poolOf("127.0.0.1", 2));
  assert.equal(outcome([], new Uint8Array(0), { defaultRoute }), "default");
  assert.equal(outcome([routeTo("all", { protocol: "any" })], new Uint8Array(0)), "all");
});

Deno.test("`any` waits until every other probe has said no", () => {
  const routes = [routeTo("rest", { protocol: "any" }), routeTo("shell", { protocol: "ssh" })];
  assert.match(outcome(routes, bytesOf("SSH")), /^wait/);
  assert.equal(outcome(routes, bytesOf("SSX")), "rest");
  assert.equal(outcome(routes, bytesOf("SSH-2.0-x\r\n")), "shell");
});

Deno.test("a probe that needs more is not overruled by one behind it", () => {
  const routes = [
    routeTo("pattern", { protocol: "regex", patterns: [/^S/], minLength: 1 }),
    routeTo("shell", { protocol: "ssh" }),
  ];
  assert.match(outcome(routes, bytesOf("S")), /^wait/);
  assert.equal(outcome(routes, bytesOf("SSH-2.0-x\r\n")), "shell");
  assert.equal(outcome(routes, bytesOf("SMTP")), "pattern");
});

Deno.test("regex entries are asked in the order of the file", () => {
  const routes = [
    routeTo("one", { protocol: "regex", patterns: [/^ab/], minLength: 4 }),
    routeTo("two", { protocol: "regex", patterns: [/^a/], minLength: 1 }),
  ];
  assert.equal(outcome(routes, bytesOf("abcd")), "one");
  assert.match(outcome(routes, bytesOf("a")), /^wait/);
  assert.equal(outcome(routes, bytesOf("axyz")), "two");
});

Deno.test("an entry that rejects closes what it matches", () => {
  const reject: Route = { ...routeTo("no", { protocol: "ssh" }), action: { kind: "reject" } };
  assert.equal(outcome([reject], bytesOf("SSH-2.0-x\r\n")), "rejected");
});

Deno.test("at the timeout the operator's answer counts, unless the bytes have decided", () => {
  const shell = routeTo("shell", { protocol: "ssh" });
  const short = routeTo("short", { protocol: "regex", patterns: [/^hi$/], minLength: 32 });
  const routes = [shell, short, routeTo("rest", { protocol: "any" })];
  const defaultRoute = defaultTo(poolOf("127.0.0.1", 2));
  const at = (onProbeTimeout: Parameters<typeof routeTable>[0]["onProbeTimeout"], text: string) => {
    const decision = decide(
      routeTable({ routes, defaultRoute, onProbeTimeout }),
      bytesOf(text),
      "timeout",
    );
    return decision.kind === "forward"
      ? decision.route.name
      : decision.kind === "reject"
      ? decision.reason
      : "wait";
  };
  assert.equal(at({ kind: "default" }, ""), "rest");
  assert.equal(at({ kind: "close" }, ""), "probe_timeout");
  assert.equal(at({ kind: "route", name: "shell" }, ""), "shell");
  assert.equal(at({ kind: "close" }, "hi"), "short");
});

Deno.test("a client that said too little, where nothing takes it, has run out of time and not out of routes", () => {
  const routes = [routeTo("shell", { protocol: "ssh" })];
  assert.equal(outcome(routes, bytesOf("SS"), { state: "timeout" }), "probe_timeout");
  assert.equal(outcome(routes, bytesOf("SS"), { state: "ended" }), "no_route");
});

Deno.test("no decision waits once no more bytes will come", () => {
  const routes = [...REFERENCE, routeTo("shell", { protocol: "ssh" })];
  const hello = encodeClientHello({ serverName: "example.com" });
  fc.assert(
    fc.property(
      fc.nat(hello.length),
      fc.constantFrom("ended" as const, "timeout" as const),
      (cut, state) => {
        assert.doesNotMatch(outcome(routes, hello.subarray(0, cut), { state }), /^wait/);
      },
    ),
  );
});

Deno.test("a wildcard covers every name below, not the name itself", () => {
  assert.ok(nameMatches("*.example.com", "a.example.com"));
  assert.ok(nameMatches("*.example.com", "a.b.example.com"));
  assert.ok(!nameMatches("*.example.com", "example.com"));
  assert.ok(!nameMatches("*.example.com", "badexample.com"));
  assert.ok(nameMatches("example.com", "example.com"));
});

Deno.test("HTTP/2 in clear is waited for until it names its host, where some entry asks for one", () => {
  const named = routeTo("named", { protocol: "http", hosts: ["h2.example"] });
  const rest = routeTo("rest", { protocol: "http" });
  const { bytes } = samples().find(({ name }) => name === "http_nghttp_h2c")!;
  const preface = bytes.subarray(0, 24);
  assert.equal(outcome([rest], preface), "rest");
  assert.match(outcome([named, rest], preface), /^wait /);
  assert.equal(outcome([named, rest], bytes), "named");
  assert.equal(outcome([named], bytes), "named");
  // A client that waits for the server names nobody.
  assert.equal(outcome([named, rest], preface, { state: "timeout" }), "rest");
  assert.equal(outcome([named], preface, { state: "timeout" }), "no_route");
});

Deno.test("an http entry with hosts goes before one without", () => {
  const routes = [
    routeTo("rest", { protocol: "http" }),
    routeTo("blog", { protocol: "http", hosts: ["blog.example.com", "*.blog.example.com"] }),
  ];
  const get = (host: string) => outcome(routes, bytesOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  assert.equal(get("blog.example.com:8080"), "blog");
  assert.equal(get("de.blog.example.com"), "blog");
  assert.equal(get("example.com"), "rest");
});
