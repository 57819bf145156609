import assert from "node:assert/strict";
import { receiverIndex, senderIndex, wireguard, wireguardMessage } from "../../probes/wireguard.ts";
import { bytes, concat } from "../support/bytes.ts";
import { overlookedBytes, overlookedLengths } from "../support/datagrams.ts";
import { range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (datagram: Uint8Array) => wireguard([datagram], false);
const match = (details: Record<string, string | number>) => ({
  kind: "match",
  facts: { protocol: "wireguard", details },
});

/** A message of `length` bytes that begins with `start`; the rest is what encryption could make of anything. */
function message(start: string, length: number) {
  const rest = new Uint8Array(length - start.length).fill(0xa7);
  return concat(start, rest);
}

const INITIATION = message("\x01\0\0\0\x12\x34\x56\x78", 148);
const RESPONSE = message("\x02\0\0\0\xff\xff\xff\xff\x01\x02\x03\x84", 92);
const COOKIE = message("\x03\0\0\0\x01\0\0\0", 64);
const TRANSPORT = message("\x04\0\0\0\x01\x02\x03\x84\xff\xff\xff\xff\xff\0\0\0", 32);

Deno.test("each of the four messages is WireGuard, and its indices are little-endian", () => {
  assert.deepEqual(ask(INITIATION), match({ type: "initiation", sender: 0x78563412 }));
  assert.deepEqual(
    ask(RESPONSE),
    match({ type: "response", sender: 0xffffffff, receiver: 0x84030201 }),
  );
  assert.deepEqual(ask(COOKIE), match({ type: "cookie", receiver: 1 }));
  assert.deepEqual(ask(TRANSPORT), match({ type: "transport", receiver: 0x84030201 }));
});

Deno.test("handshake messages have one length each", () => {
  for (const handshake of [INITIATION, RESPONSE, COOKIE]) {
    assert.deepEqual(overlookedLengths(wireguard, handshake), []);
  }
});

Deno.test("a transport message is any length from that of a keep-alive on", () => {
  for (const length of [32, 33, 48, 1452, 65_507]) {
    const transport = message("\x04\0\0\0\x01\0\0\0\x05\0\0\0\0\0\0\0", length);
    assert.equal(ask(transport).kind, "match", `${length}`);
  }
  for (let length = 0; length < 32; length++) {
    assert.deepEqual(ask(TRANSPORT.subarray(0, length)), NO, `${length}`);
  }
});

Deno.test("another type, and reserved bytes that are not zero, say no", () => {
  for (const each of [INITIATION, RESPONSE, COOKIE, TRANSPORT]) {
    assert.deepEqual(overlookedBytes(wireguard, each, range(0, 4)), []);
  }
});

Deno.test("a counter that no session reaches says no", () => {
  assert.deepEqual(overlookedBytes(wireguard, TRANSPORT, range(13, 16)), []);
});

Deno.test("a DNS query whose ID and flags read as a type is no WireGuard", () => {
  const question = "\x07example\x03com\0\0\x01\0\x01";
  const query = bytes(`\x04\0\0\0\0\x01\0\0\0\0\0\0${question}`.padEnd(40, "\0"));
  assert.deepEqual(ask(query), NO);
});

Deno.test("the index readers say nothing of what has no such index, and of strangers", () => {
  const indices = (datagram: Uint8Array) => [senderIndex(datagram), receiverIndex(datagram)];
  assert.deepEqual(indices(INITIATION), [0x78563412, undefined]);
  assert.deepEqual(indices(RESPONSE), [0xffffffff, 0x84030201]);
  assert.deepEqual(indices(COOKIE), [undefined, 1]);
  assert.deepEqual(indices(TRANSPORT), [undefined, 0x84030201]);
  for (const stranger of [bytes(""), bytes("\x01\0\0\0"), INITIATION.subarray(1)]) {
    assert.deepEqual(indices(stranger), [undefined, undefined]);
    assert.equal(wireguardMessage(stranger), undefined);
  }
});
