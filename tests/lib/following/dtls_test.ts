import assert from "node:assert/strict";
import { dtls } from "../../../lib/following/dtls.ts";
import { NOWHERE, place } from "../../../lib/following/follower.ts";
import { concat } from "../../support/bytes.ts";
import { datagramSamples } from "../../support/samples.ts";

const ID = Uint8Array.of(1, 2, 3, 4, 5, 6);
const SEALED = new Uint8Array(40).fill(0xa7);

Deno.test("records with a connection ID have it behind the sequence number in DTLS 1.2 (RFC 9146 §4)", () => {
  const header = concat(25, 254, 253, 0, 1, 0, 0, 0, 0, 0, 7);
  assert.equal(dtls.addressed(concat(header, ID, 0, 40, SEALED)), place(11, 0));
  assert.equal(dtls.addressed(concat(25, 254, 255, header.subarray(3), ID, SEALED)), NOWHERE);
  assert.equal(dtls.addressed(concat(23, header.subarray(1), 0, 40, SEALED)), NOWHERE);
});

Deno.test("and behind the first byte in DTLS 1.3, where that has the bit for it (RFC 9147 §4)", () => {
  for (let first = 0; first < 256; first++) {
    const hasId = first >= 0x30 && first <= 0x3f;
    const expected = hasId ? place(1, 0) : NOWHERE;
    assert.equal(dtls.addressed(concat(first, ID, SEALED)), expected, `${first}`);
  }
});

Deno.test("the hello of every real client opens a session", () => {
  for (const { name, protocol, datagrams } of datagramSamples()) {
    for (const datagram of datagrams) assert.equal(dtls.opens(datagram), protocol === "dtls", name);
  }
});
