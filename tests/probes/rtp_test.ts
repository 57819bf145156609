import assert from "node:assert/strict";
import { rtp } from "../../probes/rtp.ts";
import { bytes, concat } from "../support/bytes.ts";
import { range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const NEED = { kind: "need" };
const match = (payloadType: number) => ({
  kind: "match",
  facts: { protocol: "rtp", details: { payloadType } },
});

interface PacketParts {
  readonly first?: number;
  readonly type?: number;
  readonly source?: string;
  readonly timestamp?: string;
  readonly rest?: string;
}

function packet(sequenceNumber: number, parts: PacketParts = {}) {
  const { first = 0x80, type = 0, source = "\x12\x34\x56\x78", rest = "payload" } = parts;
  const { timestamp = "\0\x01\x02\x03" } = parts;
  return concat(first, type, sequenceNumber >> 8, sequenceNumber & 0xff, timestamp, source, rest);
}

Deno.test("two packets in sequence are RTP, and one is not enough", () => {
  assert.deepEqual(rtp([packet(7)], false), NEED);
  assert.deepEqual(rtp([packet(7)], true), NO);
  assert.deepEqual(rtp([packet(7), packet(8)], false), match(0));
  assert.deepEqual(rtp([packet(7), packet(8)], true), match(0));
});

Deno.test("sequence numbers start anew behind the last", () => {
  assert.deepEqual(rtp([packet(0xffff), packet(0)], false), match(0));
});

Deno.test("where some are lost or overtake others, four datagrams may pass", () => {
  assert.deepEqual(rtp([packet(1), packet(3)], false), NEED);
  assert.deepEqual(rtp([packet(1), packet(3), packet(2), packet(3)], false), match(0));
  assert.deepEqual(rtp([packet(1), packet(3), packet(5), packet(7)], false), NO);
  const five = [packet(1), packet(3), packet(5), packet(7), packet(8)];
  assert.deepEqual(rtp(five, false), NO);
});

Deno.test("a packet that comes again and again is no sequence", () => {
  assert.deepEqual(rtp(Array(4).fill(packet(1)), false), NO);
});

Deno.test("another source or payload type says no", () => {
  assert.deepEqual(rtp([packet(1), packet(2, { source: "\x12\x34\x56\x79" })], false), NO);
  assert.deepEqual(rtp([packet(1), packet(2, { type: 8 })], false), NO);
  assert.deepEqual(rtp([packet(1), packet(2, { type: 0x80 })], false), match(0), "a marker");
});

Deno.test("a payload type is none of those that RTCP on the same port would have", () => {
  const accepted = range(0, 256).filter((type) =>
    rtp([packet(1, { type })], false).kind === "need"
  );
  const types = [...range(0, 64), ...range(96, 128)];
  assert.deepEqual(accepted, [...types, ...types.map((type) => type + 128)]);
});

Deno.test("another version says no", () => {
  for (const first of range(0, 256).filter((first) => first >> 6 !== 2)) {
    assert.deepEqual(rtp([packet(1, { first })], false), NO, `${first}`);
  }
});

Deno.test("contributing sources and an extension are inside the packet", () => {
  const asked = (first: number, rest: string) => rtp([packet(1, { first, rest })], false).kind;
  assert.equal(asked(0x82, "12345678"), "need");
  assert.equal(asked(0x82, "1234567"), "no");
  assert.equal(asked(0x90, "\xbe\xde\0\x011234"), "need");
  assert.equal(asked(0x90, "\xbe\xde\0\x02123"), "no");
  assert.equal(asked(0x91, "1234\xbe\xde\0\0"), "need");
  assert.equal(asked(0x91, "1234\xbe\xde\0"), "no");
});

Deno.test("a header cut off says no", () => {
  const whole = packet(1, { rest: "" });
  for (const length of range(0, whole.length)) {
    assert.deepEqual(rtp([whole.subarray(0, length)], false), NO, `${length}`);
  }
  assert.deepEqual(rtp([packet(1), bytes("")], false), NO);
});

Deno.test("calls of ONC RPC with IDs that are counted up are no RTP", () => {
  const call = { timestamp: "\0\0\0\0", source: "\0\0\0\x02" };
  assert.deepEqual(rtp([packet(1, call), packet(2, call)], false), NO);
});
