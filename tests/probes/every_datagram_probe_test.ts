import assert from "node:assert/strict";
import fc from "fast-check";
import { udpProbes } from "../../probes/mod.ts";
import { assertFacts } from "../support/facts.ts";
import { datagramBreach } from "../support/datagram_contract.ts";
import { datagramSamples } from "../support/samples.ts";

/** In the order in which the router asks them. */
const ORDER = [
  "quic",
  "dtls",
  "wireguard",
  "stun",
  "openvpn",
  "dns",
  "sip",
  "ntp",
  "tftp",
  "teamspeak",
  "syslog",
  "rtp",
];
const probes = Object.entries(udpProbes);
const captures = datagramSamples();

Deno.test("the table asks the probes of datagrams in the order that resolves their overlaps", () => {
  assert.deepEqual(Object.keys(udpProbes), ORDER);
});

Deno.test("every probe of datagrams has a sample, and there are strangers too", () => {
  const sampled = new Set(captures.map(({ protocol }) => protocol));
  assert.deepEqual([...sampled].sort(), [...ORDER, "none"].sort());
});

Deno.test("every sample of datagrams is matched by its own probe alone", () => {
  for (const { name, protocol, datagrams } of captures) {
    for (const final of [false, true]) {
      const matched = probes.filter(([, probe]) => probe(datagrams, final).kind === "match");
      const expected = protocol === "none" ? [] : [protocol];
      assert.deepEqual(matched.map(([probe]) => probe), expected, `${name}, final: ${final}`);
    }
  }
});

Deno.test("no sample of datagrams is kept waiting by a probe that is asked before its own", () => {
  for (const { name, protocol, datagrams } of captures) {
    if (protocol === "none") continue;
    const own = probes.findIndex(([probe]) => probe === protocol);
    for (const [probe, ask] of probes.slice(0, own)) {
      assert.equal(ask(datagrams.slice(0, 1), false).kind, "no", `${probe} on ${name}`);
    }
  }
});

Deno.test("every sample of datagrams gives the facts that it is known to hold", () => {
  const known = captures.filter(({ facts }) => Object.keys(facts).length > 0);
  assert.ok(known.length > 0);
  for (const sample of known) {
    assertFacts(udpProbes[sample.protocol]?.(sample.datagrams, false), sample);
  }
});

Deno.test("datagram by datagram, match and no never change", () => {
  for (const { name, datagrams } of captures) {
    for (const [probe, ask] of probes) {
      const more = [...datagrams, ...datagrams, ...captures[0]!.datagrams];
      assert.equal(datagramBreach(ask, more), undefined, `${probe} on ${name}`);
    }
  }
});

Deno.test("a datagram cut off anywhere breaks no contract", () => {
  for (const { name, datagrams } of captures) {
    for (const [at, datagram] of datagrams.entries()) {
      for (let length = 0; length < datagram.length; length += length < 100 ? 1 : 37) {
        const cut = datagrams.with(at, datagram.subarray(0, length));
        for (const [probe, ask] of probes) {
          assert.equal(datagramBreach(ask, cut), undefined, `${probe} on ${name}: ${length}`);
        }
      }
    }
  }
});

Deno.test("random datagrams break no probe's contract", () => {
  const input = fc.array(fc.uint8Array({ maxLength: 1400 }), { minLength: 1, maxLength: 4 });
  for (const [name, probe] of probes) {
    fc.assert(
      fc.property(input, (datagrams) => {
        assert.equal(datagramBreach(probe, datagrams), undefined, name);
      }),
      { numRuns: 300 },
    );
  }
});

Deno.test("a probe of datagrams keeps nothing of what it is given", () => {
  for (const { name, datagrams } of captures) {
    for (const [probe, ask] of probes) {
      const given = datagrams.map((datagram) => datagram.slice());
      const result = ask(given, false);
      const before = structuredClone(result);
      for (const datagram of given) datagram.fill(0);
      assert.deepEqual(result, before, `${probe} kept ${name}`);
    }
  }
});
