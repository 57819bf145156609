import assert from "node:assert/strict";
import fc from "fast-check";
import { type Probe, type ProbeResult, tcpProbes } from "../../probes/mod.ts";
import { assertFacts } from "../support/facts.ts";
import { breach, sameResult } from "../support/probe_contract.ts";
import { samples } from "../support/samples.ts";

/** In the order in which the router asks them. */
const ORDER = [
  "tls",
  "ssh",
  "http",
  "rdp",
  "amqp",
  "xmpp",
  "adb",
  "tinc",
  "teamspeak",
  "postgres",
  "mqtt",
  "socks5",
  "socks4",
  "redis",
  "openvpn",
  "syslog",
];
const probes = Object.entries(tcpProbes);
const captures = samples();

Deno.test("the table asks the probes in the order that resolves their overlaps", () => {
  assert.deepEqual(Object.keys(tcpProbes), ORDER);
});

Deno.test("every probe has a sample, and there are strangers too", () => {
  const sampled = new Set(captures.map(({ protocol }) => protocol));
  assert.deepEqual([...sampled].sort(), [...Object.keys(tcpProbes), "none"].sort());
});

Deno.test("every sample is matched by its own probe alone, whether or not more may come", () => {
  for (const { name, protocol, bytes } of captures) {
    for (const final of [false, true]) {
      const matched = probes.filter(([, probe]) => probe(bytes, final).kind === "match");
      const expected = protocol === "none" ? [] : [protocol];
      assert.deepEqual(matched.map(([probe]) => probe), expected, `${name}, final: ${final}`);
    }
  }
});

Deno.test("no sample is kept waiting by a probe that is asked before its own", () => {
  for (const { name, protocol, bytes } of captures) {
    if (protocol === "none") continue;
    const own = probes.findIndex(([probe]) => probe === protocol);
    for (const [probe, ask] of probes.slice(0, own)) {
      assert.equal(ask(bytes, false).kind, "no", `${probe} on ${name}`);
    }
  }
});

Deno.test("every sample gives the facts that it is known to hold", () => {
  const known = captures.filter(({ facts }) => Object.keys(facts).length > 0);
  assert.ok(known.length > 0);
  for (const sample of known) {
    assertFacts(tcpProbes[sample.protocol]?.(sample.bytes, false), sample);
  }
});

Deno.test("byte for byte, match and no never change, and need is no more than the answer takes", () => {
  for (const { name, bytes } of captures) {
    for (const [probe, ask] of probes) {
      let answer: ProbeResult = { kind: "need", bytes: 0 };
      for (let length = 0; length <= bytes.length; length++) {
        const next = ask(bytes.subarray(0, length), false);
        const where = `${probe} on ${name} at ${length}`;
        if (answer.kind !== "need") assert.ok(sameResult(next, answer), where);
        else if (length < answer.bytes) assert.equal(next.kind, "need", where);
        if (next.kind === "need") assert.ok(next.bytes > length, where);
        answer = next;
      }
    }
  }
});

Deno.test("the answer does not depend on where the bytes were cut", () => {
  const capture = fc.constantFrom(...captures);
  const reads = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 20 });
  for (const [name, probe] of probes) {
    fc.assert(
      fc.property(capture, reads, ({ bytes }, lengths) => {
        assert.ok(sameResult(askInReads(probe, bytes, lengths), probe(bytes, true)), name);
      }),
      { numRuns: 300 },
    );
  }
});

/** Asks as a connection does: when as much has arrived as was needed, in reads of `lengths` and one with the rest. */
function askInReads(probe: Probe, bytes: Uint8Array, lengths: readonly number[]): ProbeResult {
  let answer = probe(bytes.subarray(0, 0), false);
  let arrived = 0;
  for (const length of [...lengths, bytes.length]) {
    arrived = Math.min(arrived + length, bytes.length);
    if (answer.kind !== "need") return answer;
    if (arrived >= answer.bytes) answer = probe(bytes.subarray(0, arrived), false);
  }
  return answer.kind === "need" ? probe(bytes, true) : answer;
}

Deno.test("random bytes break no probe's contract", () => {
  const input = fc.uint8Array({ maxLength: 400 });
  for (const [name, probe] of probes) {
    fc.assert(
      fc.property(input, fc.nat(400), (bytes, cut) => {
        assert.equal(breach(probe, bytes, Math.min(cut, bytes.length)), undefined, name);
      }),
      { numRuns: 500 },
    );
  }
});

Deno.test("a probe neither alters nor keeps what it is given", () => {
  for (const { name, bytes } of captures) {
    for (const [probe, ask] of probes) {
      const head = bytes.slice();
      const result = ask(head, false);
      assert.deepEqual(head, bytes, `${probe} altered ${name}`);
      const before = structuredClone(result);
      head.fill(0);
      assert.deepEqual(result, before, `${probe} kept ${name}`);
    }
  }
});
