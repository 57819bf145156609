import assert from "node:assert/strict";
import { tinc } from "../../probes/tinc.ts";
import { bytes } from "../support/bytes.ts";
import { overlooked } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (text: string, final = false) => tinc(bytes(text), final);
const match = (details: Record<string, string>) => ({
  kind: "match",
  facts: { protocol: "tinc", details },
});

Deno.test("an ID of tinc 1.0 or 1.1 gives the name and the version", () => {
  assert.deepEqual(ask("0 office 17\n"), match({ name: "office", version: "17" }));
  assert.deepEqual(ask("0 Branch_2 17.7\n"), match({ name: "Branch_2", version: "17.7" }));
  assert.deepEqual(ask("0 a 17.255\n1 2 3\n"), match({ name: "a", version: "17.255" }));
});

Deno.test("one who was invited has a key instead of a name", () => {
  assert.deepEqual(ask("0 ?aB-c_9 17.1\n"), match({ version: "17.1" }));
  assert.deepEqual(ask("0 ? 17.1\n"), NO, "no key");
  assert.deepEqual(ask("0 a? 17.1\n"), NO, "no name");
  assert.deepEqual(ask("0 a-b 17.1\n"), NO, "keys may have a hyphen, names may not");
});

Deno.test("the line must end", () => {
  assert.deepEqual(ask("0 office 17"), { kind: "need", bytes: 12 });
  assert.deepEqual(ask("0 office 17", true), NO);
  assert.deepEqual(ask("0 office 17.7"), { kind: "need", bytes: 14 });
});

Deno.test("the first byte that is of no ID says no", () => {
  const heads = [
    "1",
    "0\n",
    "00",
    "0  ",
    "0 of.",
    "0 of\n",
    "0 office 16",
    "0 office 17 ",
    "0 o\xe9",
  ];
  for (const head of [...heads, "0 o 17\r", "0 o 17.\n", "0 o 17.x", "0 o 17.1.", "0 o 170"]) {
    assert.deepEqual(ask(head), NO, JSON.stringify(head));
  }
  const fixed = [0, 1, 9, 10];
  assert.deepEqual(overlooked(tinc, bytes("0 office 17\n"), fixed), []);
});

Deno.test("a name of 255 characters is one, a longer one is not, nor is a minor version of four digits", () => {
  assert.equal(ask(`0 ${"a".repeat(255)} 17\n`).kind, "match");
  assert.deepEqual(ask(`0 ${"a".repeat(256)}`), NO);
  assert.deepEqual(ask("0 office 17.1000"), NO);
});
