import assert from "node:assert/strict";
import { any, anyDatagram } from "../../probes/any.ts";
import { bytes } from "../support/bytes.ts";

Deno.test("anything is any, silence included", () => {
  const match = { kind: "match", facts: { protocol: "any" } };
  for (const head of ["", "\x00", "GET / HTTP/1.1\r\n\r\n"]) {
    assert.deepEqual(any(bytes(head), false), match);
    assert.deepEqual(any(bytes(head), true), match);
  }
});

Deno.test("any datagram is any, an empty one included", () => {
  const match = { kind: "match", facts: { protocol: "any" } };
  for (const datagram of ["", "\x00", "anything"]) {
    assert.deepEqual(anyDatagram([bytes(datagram)], false), match);
    assert.deepEqual(anyDatagram([bytes(datagram)], true), match);
  }
});
