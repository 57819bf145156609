import assert from "node:assert/strict";
import { stun } from "../../probes/stun.ts";
import { concat, prefixed } from "../support/bytes.ts";
import { overlookedBytes, overlookedLengths } from "../support/datagrams.ts";
import { range } from "../support/near_misses.ts";
import { parseHex } from "../support/samples.ts";

const NO = { kind: "no" };
const ask = (datagram: Uint8Array) => stun([datagram], false);
const match = (messageClass: string, method: string) => ({
  kind: "match",
  facts: { protocol: "stun", details: { class: messageClass, method } },
});

const COOKIE = "\x21\x12\xa4\x42";
const TRANSACTION = "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

/** A message of `type` with attributes that are already padded. */
function message(type: number, ...attributes: (string | Uint8Array)[]) {
  const all = concat(...attributes);
  const [high = 0, low = 0, ...body] = prefixed(2, all);
  return concat(type >> 8, type & 0xff, high, low, COOKIE, TRANSACTION, Uint8Array.from(body));
}

/** RFC 5769 §2.1, whose fingerprint is its last eight bytes. */
const SAMPLE_REQUEST = parseHex(`
  00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74
  00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020
  00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf`);
const FINGERPRINT_AT = SAMPLE_REQUEST.length - 8;

Deno.test("a message without attributes is STUN", () => {
  assert.deepEqual(ask(message(0x0001)), match("request", "binding"));
});

Deno.test("class and method are read from the bits that they are spread over (RFC 8489 §5)", () => {
  const table: [number, string, string][] = [
    [0x0001, "request", "binding"],
    [0x0011, "indication", "binding"],
    [0x0101, "success", "binding"],
    [0x0111, "error", "binding"],
    [0x0003, "request", "allocate"],
    [0x0016, "indication", "send"],
    [0x0009, "request", "channel_bind"],
    [0x0113, "error", "allocate"],
    [0x0200, "request", "0x080"],
    [0x3eef, "request", "0xfff"],
    [0x0020, "request", "0x010"],
  ];
  for (const [type, messageClass, method] of table) {
    assert.deepEqual(ask(message(type)), match(messageClass, method), type.toString(16));
  }
});

Deno.test("the sample request of RFC 5769 §2.1 is STUN, and any wrong byte in it is noticed", () => {
  assert.deepEqual(ask(SAMPLE_REQUEST), match("request", "binding"));
  // But for what hides the fingerprint: its own type, and lengths of the attributes before it.
  const hiding = [FINGERPRINT_AT, FINGERPRINT_AT + 1, 23, 43, 51, 63, 79];
  const covered = range(0, SAMPLE_REQUEST.length).filter((at) => !hiding.includes(at));
  assert.deepEqual(overlookedBytes(stun, SAMPLE_REQUEST, covered), []);
});

Deno.test("a message as long as its header says is one of exactly that length", () => {
  assert.deepEqual(overlookedLengths(stun, SAMPLE_REQUEST), []);
  assert.deepEqual(overlookedLengths(stun, message(0x0001)), []);
});

Deno.test("one wrong byte in the magic cookie, and a bit before the type, say no", () => {
  const plain = message(0x0001);
  assert.deepEqual(overlookedBytes(stun, plain, range(4, 8)), []);
  for (const first of [0x40, 0x80, 0xc0]) {
    assert.deepEqual(ask(concat(first, plain.subarray(1))), NO, `${first}`);
  }
});

Deno.test("attributes are padded to four bytes, and none goes past the end", () => {
  assert.equal(ask(message(0x0001, "\x80\x22\0\x03abc\0")).kind, "match");
  assert.equal(ask(message(0x0001, "\x80\x22\0\0")).kind, "match");
  assert.deepEqual(ask(message(0x0001, "\x80\x22\0\x03abc")), NO, "not padded");
  assert.deepEqual(ask(message(0x0001, "\x80\x22\0\x05abcd")), NO, "too long");
  assert.deepEqual(ask(message(0x0001, "\x80\x22\xff\xff")), NO, "far too long");
  assert.deepEqual(ask(message(0x0001, "\x80\x22")), NO, "half a header");
});

Deno.test("a fingerprint is the last attribute, and four bytes long", () => {
  const fingerprint = SAMPLE_REQUEST.subarray(FINGERPRINT_AT);
  const before = SAMPLE_REQUEST.subarray(20, FINGERPRINT_AT);
  assert.equal(ask(message(0x0001, before, fingerprint)).kind, "match");
  assert.deepEqual(ask(message(0x0001, before, fingerprint, "\x80\x22\0\0")), NO);
  assert.deepEqual(ask(message(0x0001, fingerprint, before)), NO);
  assert.deepEqual(ask(message(0x0001, before, "\x80\x28\0\x08", "\0".repeat(8))), NO);
  assert.deepEqual(ask(message(0x0001, before, "\x80\x28\0\0")), NO);
});
