import assert from "node:assert/strict";
import { datagramProbe, probe, tcpProbes, udpProbes } from "../../probes/mod.ts";
import { samples } from "../support/samples.ts";
import { fuzz, fuzzDatagrams } from "./fuzz.ts";
import { Mutator } from "./mutator.ts";

Deno.test("a short round of mutated captures breaks no probe's contract", () => {
  assert.deepEqual(fuzz(tcpProbes, 20_000, 2026), []);
});

Deno.test("the fuzzer finds probes that throw, change their mind, ask too little or too much", () => {
  const broken = {
    throws: probe((head) => {
      throw new RangeError(`${head.offset}`);
    }),
    "changes its mind": probe((head) => head.remaining > 3 ? { protocol: "" } : undefined),
    "changes its facts": probe((head) => ({ protocol: "", details: { here: head.remaining } })),
    "asks too little": () => ({ kind: "need", bytes: 1 }) as const,
    "asks too much": probe((head) => {
      if (head.remaining < 10) head.skip(20);
      return undefined;
    }),
    "asks at the end": (head: Uint8Array) => ({ kind: "need", bytes: head.length + 1 }) as const,
  };
  const found = fuzz(broken, 1000, 1);
  assert.deepEqual(found.map(({ probe }) => probe).sort(), Object.keys(broken).sort());
});

Deno.test("a short round of mutated datagrams breaks no probe's contract", () => {
  assert.deepEqual(fuzzDatagrams(udpProbes, 5000, 2026), []);
});

Deno.test("the fuzzer finds probes of datagrams that throw, change their mind, wait at the end or alter", () => {
  const broken = {
    throws: datagramProbe((datagram) => {
      throw new RangeError(`${datagram.offset}`);
    }),
    "changes its mind": (datagrams: readonly Uint8Array[]) =>
      datagrams.length < 2
        ? { kind: "no" } as const
        : { kind: "match", facts: { protocol: "" } } as const,
    "changes its facts": ({ length }: readonly Uint8Array[]) =>
      ({ kind: "match", facts: { protocol: "", details: { here: length } } }) as const,
    "waits at the end": () => ({ kind: "need" }) as const,
    alters: ([first]: readonly Uint8Array[]) => {
      first?.fill(0x55);
      return { kind: "no" } as const;
    },
  };
  const found = fuzzDatagrams(broken, 500, 1);
  assert.deepEqual(found.map(({ probe }) => probe).sort(), Object.keys(broken).sort());
});

Deno.test("a seed makes the same inputs, another seed others", () => {
  const corpus = samples().map(({ bytes }) => bytes);
  const inputs = (seed: number) => {
    const mutator = new Mutator(corpus, seed);
    return Array.from({ length: 50 }, () => mutator.next().slice());
  };
  assert.deepEqual(inputs(1), inputs(1));
  assert.notDeepEqual(inputs(1), inputs(2));
});

Deno.test("an input differs from the samples, and the samples stay as they are", () => {
  const corpus = [new Uint8Array(100), new Uint8Array(5000).fill(1)];
  const before = structuredClone(corpus);
  const mutator = new Mutator(corpus, 7);
  let changed = 0;
  for (let i = 0; i < 1000; i++) {
    const input = mutator.next();
    assert.ok(input.length <= 4096);
    if (input.length !== 100 || input.some((byte) => byte !== 0)) changed++;
  }
  assert.ok(changed > 900, `${changed} of 1000`);
  assert.deepEqual(corpus, before);
});
