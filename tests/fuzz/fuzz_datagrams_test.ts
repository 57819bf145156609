import assert from "node:assert/strict";
import { type DatagramProbe, udpProbes } from "../../probes/mod.ts";
import { fuzzDatagrams } from "./fuzz_datagrams.ts";

Deno.test("a short round of mutated datagrams breaks no probe's contract", () => {
  assert.deepEqual(fuzzDatagrams(udpProbes, 2000, 2026), []);
});

Deno.test("the fuzzer finds probes of datagrams that throw, change their mind, wait for ever or alter", () => {
  const match = (here: number) =>
    ({ kind: "match", facts: { protocol: "", details: { here } } }) as const;
  const broken: Record<string, DatagramProbe> = {
    throws: (datagrams) => {
      throw new RangeError(`${datagrams.length}`);
    },
    "changes its mind": (datagrams) => datagrams.length > 1 ? { kind: "no" } : match(0),
    "changes its facts": (datagrams) => match(datagrams.length),
    "asks at the end": () => ({ kind: "need" }),
    alters: ([first]) => {
      first?.fill(7);
      return { kind: "no" };
    },
  };
  const found = fuzzDatagrams(broken, 100, 1);
  assert.deepEqual(found.map(({ probe }) => probe).sort(), Object.keys(broken).sort());
});
