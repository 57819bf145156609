import assert from "node:assert/strict";
import fc from "fast-check";
import { datagramsOf, type SaidInDatagrams } from "../../../lib/explain/asked_datagrams.ts";
import { type DatagramExplanation, explainDatagrams } from "../../../lib/explain/datagrams.ts";
import { concat, prefixed } from "../../support/bytes.ts";
import { helloBody } from "../../support/client_hello.ts";
import { cryptoFrame, datagram, packet } from "../../support/quic.ts";
import { CLIENT } from "../../support/rig.ts";
import {
  CLIENTS,
  dtlsFragments,
  EVERYTHING,
  H3,
  LISTENERS,
  LONG,
  NAMES,
  networks,
  OUTSIDERS,
} from "./datagram_clients.ts";

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
  const [first, second] = datagramsOf(LONG);
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
