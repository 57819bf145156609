import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressSet } from "../../../lib/acl.ts";
import { formatAddress, parseCidr } from "../../../lib/addr.ts";
import type { Pool, UdpListenerConfig } from "../../../lib/config/config.ts";
import { datagramsOf, type SaidInDatagrams } from "../../../lib/explain/asked_datagrams.ts";
import { type DatagramExplanation, explainDatagrams } from "../../../lib/explain/datagrams.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { extension, helloBody } from "../../support/client_hello.ts";
import { cryptoFrame, datagram, packet } from "../../support/quic.ts";
import { CLIENT, Rig, settled } from "../../support/rig.ts";
import { poolOf, udpDefaultTo, udpListenerWith, udpRouteTo } from "../../support/routes.ts";
import { datagramSamples } from "../../support/samples.ts";

const networks = (...texts: string[]) =>
  new AddressSet(texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined));

const BALANCED: Pool = {
  algorithm: "quic_cid",
  targets: [443, 444, 445].map((port) => ({ host: "127.0.0.1", port, weight: 1 })),
};
const H3 = udpRouteTo("h3", { protocol: "quic", serverNames: ["*.example"] }, BALANCED);
const DOQ = udpRouteTo("doq", { protocol: "quic", alpns: ["doq"] }, poolOf("127.0.0.1", 853));
const NAMES = udpRouteTo("names", { protocol: "dns", dnsNames: ["*.example"] }, BALANCED);
const PHONES = udpRouteTo("phones", { protocol: "dtls" }, poolOf("127.0.0.1", 5061));
const TUNNEL = udpRouteTo("tunnel", { protocol: "wireguard" }, poolOf("127.0.0.1", 51_820));
const REFUSED = {
  ...udpRouteTo("refused", { protocol: "stun" }),
  action: { kind: "reject" },
} as const;
const DEFAULT = udpDefaultTo(poolOf("127.0.0.1", 99));
const PORTS = [443, 444, 445, 853, 5061, 51_820, 99];

const ROUTES = [DOQ, H3, NAMES, PHONES, TUNNEL, REFUSED];
const EVERYTHING = udpListenerWith({ routes: ROUTES, defaultRoute: DEFAULT });
const OUTSIDERS = { allow: networks("198.51.100.0/24") };

/** Listeners whose ways differ. */
const LISTENERS: Readonly<Record<string, UdpListenerConfig>> = {
  everything: EVERYTHING,
  "no default": udpListenerWith({ routes: ROUTES }),
  "default only": udpListenerWith({ defaultRoute: DEFAULT }),
  "nobody is followed": { ...EVERYTHING, followClients: false },
  "a list": { ...EVERYTHING, acl: OUTSIDERS },
  "a list of a route": { ...EVERYTHING, acl: OUTSIDERS, routes: [{ ...H3, acl: {} }, PHONES] },
  "a refusing list of a route": { ...EVERYTHING, routes: [{ ...H3, acl: OUTSIDERS }, NAMES] },
  "a regex and any": udpListenerWith({
    routes: [
      udpRouteTo(
        "letters",
        { protocol: "regex", patterns: [/^[a-z]+$/], minLength: 3 },
        poolOf("127.0.0.1", 853),
      ),
      udpRouteTo("rest", { protocol: "any" }, poolOf("127.0.0.1", 99)),
    ],
  }),
};

/** A ClientHello, with so many bytes of padding in it, in datagrams of up to `size` bytes of it. */
function dtlsFragments(size: number, padding = 0): Uint8Array[] {
  const padded = extension(21, new Uint8Array(padding));
  const hello = helloBody({ serverName: "a.example", extensions: [padded] });
  // DTLS has its own version, and a cookie behind the session ID.
  const body = concat(0xfe, 0xfd, hello.subarray(2, 67), 0, hello.subarray(67));
  const number = (value: number) => concat(value >> 16, value >> 8 & 0xff, value & 0xff);
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => {
    const piece = body.subarray(at * size, (at + 1) * size);
    const fragment = concat(1, number(body.length), 0, 0, number(at * size), prefixed(3, piece));
    return concat(22, 0xfe, 0xfd, 0, 0, new Uint8Array(6), prefixed(2, fragment));
  });
}

const long = { serverName: "a.example", alpns: Array.from({ length: 9 }, () => "x".repeat(200)) };

const CLIENTS: readonly (readonly Uint8Array[])[] = [
  [new Uint8Array()],
  [bytes("abc")],
  [bytes("ab1")],
  ...[
    { serverName: "a.example" },
    { serverName: "a.test", alpns: ["doq"] },
    { serverName: "a.test" },
    { dnsName: "a.example" },
    { dnsName: "a.test" },
    long,
  ].map(datagramsOf),
  datagramsOf(long).slice(0, 1),
  datagramsOf(long).toReversed(),
  // From the middle of a session that nobody knows.
  [concat(0x41, new Uint8Array(30).fill(7))],
  [concat(4, 0, 0, 0, 1, 2, 3, 4, new Uint8Array(24))],
  // As many as can wait and more, by their number …
  dtlsFragments(8).slice(0, 7),
  dtlsFragments(8).slice(0, 8),
  dtlsFragments(8).slice(0, 9),
  dtlsFragments(8),
  // … and by their bytes: four datagrams of 16384 together, and of 16388.
  dtlsFragments(4071, 18_000).slice(0, 4),
  dtlsFragments(4071, 18_000),
  dtlsFragments(4072, 18_000).slice(0, 4),
  dtlsFragments(4072, 18_000),
  ...datagramSamples().map(({ datagrams }) => datagrams),
];

/** What the proxy itself did, in the words of an explanation. */
async function happened(
  listener: UdpListenerConfig,
  datagrams: readonly Uint8Array[],
): Promise<string> {
  const rig = new Rig();
  const backends = PORTS.map((port) => rig.responder(port));
  await rig.applyUdp([listener]);
  const client = rig.net.peer(CLIENT);
  for (const each of datagrams) client.send(each, { address: "127.0.0.1", port: listener.port });
  await settled();
  const waited = rig.server.activeFlows === 0 && rig.server.drops.size === 0;
  if (waited) await rig.pass(listener.probeTimeout);
  const [reason] = rig.server.drops.keys();
  let text = `${reason} undefined`;
  if (reason === undefined) {
    rig.server.close();
    const { route, backend } = await rig.record();
    const { received } = backends.find(({ address }) => address.port === backend?.port)!;
    assert.equal(received.length, datagrams.length);
    text = `${route} ${backend && formatAddress(backend)}`;
  }
  await rig.close();
  return `${text}${waited ? " late" : ""}`;
}

function foretold({ outcome, onTimeout }: DatagramExplanation): string {
  const end = onTimeout?.outcome ?? outcome;
  const late = onTimeout === undefined ? "" : " late";
  if (end.kind === "forward") return `${end.route} ${end.backends.targets[0]?.target}${late}`;
  assert(end.kind === "drop");
  return `${end.reason} undefined${late}`;
}

for (const [name, listener] of Object.entries(LISTENERS)) {
  Deno.test(`what is foretold of datagrams is what happens: ${name}`, async () => {
    for (const datagrams of CLIENTS) {
      const explanation = explainDatagrams(listener, { datagrams, isMadeUp: false, peer: CLIENT });
      const what = datagrams.map((each) => each.subarray(0, 20).toHex()).join(" ");
      assert.equal(foretold(explanation), await happened(listener, datagrams), what);
    }
  });
}

/** Explains what becomes of a client that says this. */
function of(said: SaidInDatagrams, listener = EVERYTHING, address?: string): DatagramExplanation {
  const peer = address !== undefined && { peer: { address } };
  return explainDatagrams(listener, { datagrams: datagramsOf(said), isMadeUp: true, ...peer });
}

/** Explains what becomes of a client that sends these. */
function sent(datagrams: readonly Uint8Array[], listener = EVERYTHING): DatagramExplanation {
  return explainDatagrams(listener, { datagrams, isMadeUp: false });
}

Deno.test("the facts and the routes tried are those of the probe that decided", () => {
  const { outcome, facts, routes, probes } = of({ serverName: "a.example", alpns: ["h3"] });
  assert(outcome.kind === "forward");
  assert.deepEqual([outcome.route, outcome.idleLifetime, outcome.replyTimeout], [
    "h3",
    30_000,
    2000,
  ]);
  assert.equal(facts?.serverName, "a.example");
  assert.deepEqual(facts?.alpns, ["h3"]);
  assert.deepEqual(facts?.details?.["version"], "1");
  assert.deepEqual(routes, [
    { route: "h3", verdict: "wins" },
    { route: "doq", verdict: "mismatch", on: "alpn", wanted: ["doq"], got: ["h3"] },
  ]);
  assert.deepEqual(probes.map(({ protocol, asked }) => [protocol, asked]), [
    ["quic", true],
    ["dtls", false],
    ["wireguard", false],
    ["stun", false],
    ["dns", false],
  ]);
});

Deno.test("of a DNS query the name is compared", () => {
  const { outcome, facts, routes } = of({ dnsName: "a.test" });
  assert.deepEqual(outcome, { kind: "drop", reason: "no_route" });
  assert.equal(facts?.dnsName, "a.test");
  assert.deepEqual(routes, [
    { route: "names", verdict: "mismatch", on: "dns_name", wanted: ["*.example"], got: ["a.test"] },
  ]);
});

Deno.test("a hello of two datagrams is undecided after the first one, and what comes at the timeout is said", () => {
  const [first, second] = datagramsOf(long);
  const { outcome, onTimeout, probes } = sent([first!]);
  assert.deepEqual(outcome, { kind: "wait" });
  assert.equal(onTimeout?.after, 1000);
  assert(onTimeout?.outcome.kind === "forward" && onTimeout.outcome.route === "default");
  assert.deepEqual([probes[0]?.verdict, probes[0]?.datagrams], ["need", 1]);

  const whole = sent([first!, second!]);
  assert.deepEqual([whole.probes[0]?.verdict, whole.probes[0]?.datagrams], ["match", 2]);
  assert.equal(whole.onTimeout, undefined);
  const dropped = sent([first!], LISTENERS["no default"]);
  assert.deepEqual(dropped.onTimeout?.outcome, { kind: "drop", reason: "no_route" });
});

Deno.test("datagrams behind the decision, and behind what can wait, are not looked at", () => {
  const [query] = datagramsOf({ dnsName: "a.example" });
  assert.deepEqual(sent([query!, query!, query!]).datagrams, {
    lengths: [query!.length],
    state: "open",
  });
  const { datagrams, outcome } = sent(dtlsFragments(8));
  assert.deepEqual([datagrams.lengths.length, datagrams.state, outcome.kind], [
    9,
    "full",
    "forward",
  ]);
  assert.equal(sent(dtlsFragments(15)).datagrams.state, "open");
});

Deno.test("QUIC clients are balanced by their connection ID, unless sluice made it up", () => {
  const frames = cryptoFrame(concat(1, prefixed(3, helloBody({ serverName: "a.example" }))));
  const firsts = new Set<string>();
  for (let last = 0; last < 20; last++) {
    const dcid = concat("connect", last);
    const { outcome } = sent([datagram(packet({ dcid, frames }))]);
    assert(outcome.kind === "forward" && outcome.backends.known === "order");
    assert.equal(outcome.backends.attempts, 3);
    firsts.add(outcome.backends.targets[0]!.target);
  }
  assert(firsts.size > 1, "twenty connections all have one backend");
  const { outcome } = of({ serverName: "a.example" }, EVERYTHING, "192.0.2.1");
  assert(outcome.kind === "forward" && outcome.backends.known === "connection_id");
  const other = of({ dnsName: "a.example" }, EVERYTHING, "192.0.2.1").outcome;
  assert(other.kind === "forward" && other.backends.known === "order");
});

Deno.test("lists of addresses decide as for TCP, and a list for all goes before the probes", () => {
  const members = { allow: networks("192.0.2.0/24") };
  const own = { ...EVERYTHING, acl: OUTSIDERS, routes: [{ ...H3, acl: members }, NAMES] };
  const h3 = { serverName: "a.example" };
  assert.deepEqual(of(h3, own, "192.0.2.1").acl, { list: "route", permits: true });
  assert.deepEqual(of(h3, own, "198.51.100.1").outcome, {
    kind: "drop",
    reason: "acl_denied",
    route: "h3",
  });
  assert.deepEqual(of(h3, own).acl, { list: "route" });
  assert.equal(of(h3, own).outcome.kind, "forward");

  const { outcome, acl, facts, probes } = of(h3, { ...EVERYTHING, acl: OUTSIDERS }, "192.0.2.1");
  assert.deepEqual(outcome, { kind: "drop", reason: "acl_denied" });
  assert.deepEqual(acl, { list: "listener", permits: false });
  assert.equal(facts, undefined);
  assert(probes.every(({ asked }) => !asked));
  assert.equal(probes[0]?.verdict, "match");
});

Deno.test("an address may be written in any form", () => {
  const { client } = of({ dnsName: "a.example" }, EVERYTHING, "::ffff:198.51.100.1");
  assert.deepEqual(client, { address: "198.51.100.1" });
  assert.throws(() => of({ dnsName: "a.example" }, EVERYTHING, "198.51.100"), {
    name: "SyntaxError",
    message: 'expected an IP address, got "198.51.100"',
  });
});

Deno.test("what goes on with a session is said, and whether it is known", () => {
  const transport = concat(4, 0, 0, 0, 1, 2, 3, 4, new Uint8Array(24));
  const { continues, followed } = sent([transport]);
  assert.deepEqual(continues, {
    protocol: "wireguard",
    what: "transport message",
    knownBy: "receiver index",
  });
  assert.deepEqual(followed, { memory: 600_000 });
  assert.equal(sent([transport], LISTENERS["nobody is followed"]).followed, undefined);
  assert.deepEqual(sent([transport], LISTENERS["default only"]).continues, continues);
  assert.equal(sent(dtlsFragments(200)).continues, undefined);
  assert.equal(sent(dtlsFragments(8).slice(0, 1)).continues, undefined);
});

Deno.test("nobody is asked about who sends nothing", () => {
  assert.throws(() => sent([]), RangeError);
});

Deno.test("an explanation of datagrams is plain data", () => {
  for (const listener of Object.values(LISTENERS)) {
    for (const datagrams of CLIENTS) {
      const explanation = explainDatagrams(listener, { datagrams, isMadeUp: false, peer: CLIENT });
      assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation);
    }
  }
});

Deno.test("any datagrams are explained", () => {
  fc.assert(fc.property(
    fc.constantFrom(...Object.values(LISTENERS)),
    fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 12 }),
    (listener, datagrams) => {
      const { outcome, onTimeout } = sent(datagrams, listener);
      assert.equal(outcome.kind === "wait", onTimeout !== undefined);
      assert(onTimeout?.outcome.kind !== "wait");
    },
  ));
});
