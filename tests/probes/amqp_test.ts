import assert from "node:assert/strict";
import { amqp } from "../../probes/amqp.ts";
import { bytes } from "../support/bytes.ts";
import { overlooked } from "../support/near_misses.ts";

const NO = { kind: "no" };
const match = (details: Record<string, string>) => ({
  kind: "match",
  facts: { protocol: "amqp", details },
});

Deno.test("every protocol header that was ever in use is AMQP, of its version", () => {
  const headers: [string, Record<string, string>][] = [
    ["\x00\x00\x09\x01", { version: "0-9-1" }],
    ["\x00\x01\x00\x00", { version: "1.0" }],
    ["\x02\x01\x00\x00", { version: "1.0", layer: "tls" }],
    ["\x03\x01\x00\x00", { version: "1.0", layer: "sasl" }],
    ["\x01\x01\x00\x0a", { version: "0-10" }],
    ["\x01\x01\x00\x09", { version: "0-9" }],
    ["\x01\x01\x08\x00", { version: "0-8" }],
    ["\x01\x01\x09\x01", { version: "0-8" }],
  ];
  for (const [header, details] of headers) {
    assert.deepEqual(amqp(bytes(`AMQP${header}`), false), match(details), JSON.stringify(header));
  }
});

Deno.test("all eight bytes are waited for, one at a time", () => {
  for (let length = 0; length < 8; length++) {
    const head = bytes("AMQP\x01\x01\x09\x01").subarray(0, length);
    assert.deepEqual(amqp(head, false), { kind: "need", bytes: length + 1 });
    assert.deepEqual(amqp(head, true), NO);
  }
});

Deno.test("a wrong byte in the name or at the end of a header says no", () => {
  assert.deepEqual(overlooked(amqp, bytes("AMQP\x00\x00\x09\x01"), [0, 1, 2, 3, 6, 7]), []);
  assert.deepEqual(overlooked(amqp, bytes("AMQP\x03\x01\x00\x00"), [5, 6, 7]), []);
});

Deno.test("parts of two headers are no header", () => {
  for (const mixed of ["\x02\x00\x09\x01", "\x03\x00", "\x01\x00", "\x00\x01\x00\x0a", "\x04"]) {
    assert.deepEqual(amqp(bytes(`AMQP${mixed}`), false), NO, JSON.stringify(mixed));
  }
});

Deno.test("what a client sends behind the header changes nothing", () => {
  const header = "AMQP\x00\x01\x00\x00";
  assert.deepEqual(amqp(bytes(`${header}\x00\x00\x00\x10`), false), match({ version: "1.0" }));
});
