import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { AddressSet } from "../../../lib/acl.ts";
import { parseCidr } from "../../../lib/addr.ts";
import type { Pool, UdpListenerConfig } from "../../../lib/config/config.ts";
import { type AskedDatagrams, datagramsOf } from "../../../lib/explain/asked_datagrams.ts";
import { explainDatagrams } from "../../../lib/explain/datagrams.ts";
import { formatDatagrams } from "../../../lib/explain/format_datagrams.ts";
import { bytes, concat } from "../../support/bytes.ts";
import { poolOf, udpDefaultTo, udpListenerWith, udpRouteTo } from "../../support/routes.ts";

const POOL: Pool = {
  algorithm: "quic_cid",
  targets: [1, 20].map((last) => ({ host: `10.0.1.${last}`, port: 443, weight: 1 })),
};
const DEFAULT = udpDefaultTo(poolOf("127.0.0.1", 22));
const LISTENER = udpListenerWith({
  routes: [
    udpRouteTo("org", { protocol: "quic", serverNames: ["a.example"] }),
    udpRouteTo("com", { protocol: "quic", serverNames: ["*.b.example"] }, POOL),
    udpRouteTo("names", { protocol: "dns", dnsNames: ["*.b.example"] }, poolOf("127.0.0.1", 53)),
  ],
  defaultRoute: DEFAULT,
});

const HELLO = datagramsOf({ serverName: "x.b.example", alpns: ["h3"] });
const LONG = datagramsOf({ alpns: Array.from({ length: 9 }, () => "x".repeat(200)) });
/** A packet of a QUIC connection, as far as anyone can see. */
const SHORT = concat(0x41, new Uint8Array(30));

function textOf(
  datagrams: readonly Uint8Array[],
  listener: UdpListenerConfig = LISTENER,
  more: Partial<AskedDatagrams> = {},
): string {
  const explanation = explainDatagrams(listener, { datagrams, isMadeUp: false, ...more });
  return formatDatagrams(explanation, { colour: false });
}

/** The lines of the text with this label, without it. */
function section(text: string, label: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(label.padEnd(10)));
  if (start < 0) return [];
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith(" ".repeat(10)));
  return lines.slice(start, start + 1 + length).map((line) => line.slice(10));
}

Deno.test("the verdict comes first, then why", () => {
  assert.equal(
    textOf(HELLO, LISTENER, { isMadeUp: true, peer: { address: "192.0.2.9" } }),
    `→ route com → 10.0.1.1:443 or 10.0.1.20:443

client    192.0.2.9
datagrams 1 datagram of 1200 bytes, more may come
probes    ✓ quic  match after 1 datagram → org, com
          · dns   no after 1 datagram, not asked
facts     SNI x.b.example · ALPN h3 · version 1 · dcid 0102030405060708 · scid - · packets 1 · cryptoRanges 0-109
routes    ✗ org  wants SNI a.example; got x.b.example
          ✓ com  takes it
backends  - 10.0.1.1:443
          - 10.0.1.20:443
          quic_cid: by the connection ID that the client makes up · up to 2 are tried
flow      ends after 30 s of silence, and is remembered for 600 s · goes to the next backend after 2 s without a reply
`,
  );
});

Deno.test("colours mark up the same text", () => {
  const explanation = explainDatagrams(LISTENER, { datagrams: HELLO, isMadeUp: false });
  const coloured = formatDatagrams(explanation, { colour: true });
  assert(coloured.startsWith("\x1b[1m\x1b[32m→ route com"));
  assert.equal(
    stripVTControlCharacters(coloured),
    formatDatagrams(explanation, { colour: false }),
  );
});

Deno.test("every outcome has its first line and its reasons", () => {
  const acl = {
    allow: new AddressSet([parseCidr("10.0.0.0/8")].filter((cidr) => cidr !== undefined)),
  };
  const names = LISTENER.routes.slice(2);
  const query = datagramsOf({ dnsName: "a.example" });
  const [reject] = names.map((route) => ({ ...route, action: { kind: "reject" } } as const));
  const cases: ReadonlyArray<
    readonly [UdpListenerConfig, readonly Uint8Array[], first: string, ...reasons: string[]]
  > = [
    [LISTENER, HELLO, "→ route com → 10.0.1.1:443"],
    [LISTENER, [bytes("\0")], "→ route default → 127.0.0.1:22", "no probe claims it"],
    [udpListenerWith({ defaultRoute: DEFAULT }), query, "→ route default → 127.0.0.1:22"],
    [
      LISTENER,
      LONG.slice(0, 1),
      "… undecided: another datagram is needed",
      "if none comes within 1 s: → route default → 127.0.0.1:22",
    ],
    [
      udpListenerWith({ routes: names }),
      [bytes("\0")],
      "✗ dropped: no_route",
      "no probe claims it, and there is no default target",
    ],
    [
      LISTENER,
      query,
      "✗ dropped: no_route",
      "dns has entries, and none of them takes this client",
    ],
    [
      udpListenerWith({ routes: [{ ...reject!, match: { ...reject!.match, dnsNames: [] } }] }),
      query,
      "✗ dropped: rejected (route names)",
      'the route has action = "reject"',
    ],
    [
      { ...LISTENER, acl },
      query,
      "✗ dropped: acl_denied",
      "the access list of the listener does not let this client in",
    ],
    [
      LISTENER,
      [SHORT],
      "→ route default → 127.0.0.1:22",
      "no probe claims it",
      "it may be a QUIC packet with a short header: if its session is known, by its connection ID or the client's port, it goes there instead",
    ],
    [
      { ...LISTENER, followClients: false },
      [SHORT],
      "→ route default → 127.0.0.1:22",
      "no probe claims it",
      "it may be a QUIC packet with a short header; follow_clients is off, so no session is known",
    ],
    [
      LISTENER,
      [concat(23, 0xfe, 0xfd, new Uint8Array(20))],
      "→ route default → 127.0.0.1:22",
      "no probe claims it",
      "it may be a DTLS record: if its session is known, by the client's port, it goes there instead",
    ],
  ];
  for (const [listener, datagrams, first, ...reasons] of cases) {
    const text = textOf(datagrams, listener, { peer: { address: "192.0.2.1" } });
    const lines = text.slice(0, text.indexOf("\n\n")).split("\n");
    const [firstLine, ...others] = lines;
    assert.equal(firstLine?.startsWith(first), true, firstLine);
    assert.deepEqual(others, reasons.map((reason) => `  ${reason}`));
  }
});

Deno.test("the datagrams are counted, and what a probe that is not sure wants is said", () => {
  const datagrams = (...all: Uint8Array[]) => section(textOf(all), "datagrams");
  assert.deepEqual(datagrams(bytes("\0")), ["1 datagram of 1 byte, more may come"]);
  assert.deepEqual(datagrams(new Uint8Array()), ["1 datagram of 0 bytes, more may come"]);
  const twice = [LONG[0]!, LONG[0]!];
  assert.deepEqual(datagrams(...twice), ["2 datagrams of 1200 + 1200 bytes, more may come"]);
  assert.deepEqual(section(textOf(twice), "probes"), [
    "… quic  needs another datagram",
    "· dns   no after 1 datagram, not asked",
  ]);
  assert.deepEqual(datagrams(...twice, ...twice, LONG[0]!), [
    "5 datagrams of 1200 + 1200 + 1200 + 1200 + … bytes, more may come",
  ]);
});

Deno.test("how long a flow lasts is said", () => {
  const flow = (changes: Partial<UdpListenerConfig>, idleLifetime = 500) => {
    const defaultRoute = { ...DEFAULT, idleLifetime };
    return section(textOf([bytes("\0")], udpListenerWith({ defaultRoute, ...changes })), "flow");
  };
  assert.deepEqual(flow({}), ["ends after 500 ms of silence, and is remembered for 600 s"]);
  assert.deepEqual(flow({ flowMemory: 0 }), ["ends after 500 ms of silence"]);
  assert.deepEqual(flow({ followClients: false }), ["ends after 500 ms of silence"]);
  assert.deepEqual(flow({}, 0), ["never ends by itself"]);
});

Deno.test("what a client says cannot command the terminal", () => {
  const name = concat(12, "\x1b]0;pwned\x07 x", 0, 0, 1, 0, 1);
  const query = concat(bytes("\0\0\x01\0\0\x01\0\0\0\0\0\0"), name);
  const text = textOf([query]);
  assert(text.includes("pwned"));
  const controls = [...text].filter((character) => character < " " && character !== "\n");
  assert.deepEqual(controls, []);
});
