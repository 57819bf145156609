import assert from "node:assert/strict";
import { rdp } from "../../probes/rdp.ts";
import { bytes, concat } from "../support/bytes.ts";
import { overlooked, range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const NEGOTIATION = "\x01\x00\x08\x00\x03\x00\x00\x00";
const CORRELATION = "\x06\x00\x24\x00" + "\xab".repeat(16) + "\0".repeat(16);

/** A connection request with `rest` behind the fixed part of X.224. */
function request(rest: string, length = 11 + rest.length, following = length - 5) {
  return concat(3, 0, length >> 8, length & 0xff, following & 0xff, "\xe0\0\0\x12\x34\0", rest);
}

const match = (details: Record<string, string> = {}) => ({
  kind: "match",
  facts: { protocol: "rdp", details },
});

Deno.test("the request of MS-RDPBCGR §4.1.1 is RDP, with the name in its cookie", () => {
  const rest = "Cookie: mstshash=eltons\r\n\x01\x00\x08\x00\x00\x00\x00\x00";
  assert.deepEqual(rdp(request(rest), false), match({ cookie: "eltons" }));
});

Deno.test("cookie, routing token, negotiation and correlation may each be there or not", () => {
  const correlated = NEGOTIATION.replace("\x01\x00", "\x01\x08") + CORRELATION;
  const cookie = "Cookie: mstshash=J\xf6rg\r\n";
  const token = "Cookie: msts=3640205228.15629.0000\r\n";
  assert.deepEqual(rdp(request(""), false), match());
  assert.deepEqual(rdp(request(NEGOTIATION), false), match());
  assert.deepEqual(rdp(request(correlated), false), match());
  assert.deepEqual(rdp(request(cookie), false), match({ cookie: "J\xf6rg" }));
  assert.deepEqual(rdp(request(cookie + correlated), false), match({ cookie: "J\xf6rg" }));
  assert.deepEqual(rdp(request(token + NEGOTIATION), false), match({ token: token.trimEnd() }));
});

Deno.test("one wrong byte in the headers says no", () => {
  const message = request("Cookie: mstshash=eltons\r\n" + NEGOTIATION);
  assert.deepEqual(overlooked(rdp, message, [0, 1]), []);
  assert.deepEqual(overlooked(rdp, message, [4, 5, 6, 7, 10]), []);
});

Deno.test("one wrong byte in the constant parts of the rest says no", () => {
  const message = request(NEGOTIATION.replace("\x01\x00", "\x01\x08") + CORRELATION);
  const constant = [11, 13, 14, ...range(19, 23)];
  assert.deepEqual(overlooked(rdp, message, constant, message.length), []);
});

Deno.test("lengths that contradict each other, or are none of a request, say no", () => {
  assert.deepEqual(rdp(request("", 10).subarray(0, 4), false), NO);
  assert.deepEqual(rdp(request("", 260).subarray(0, 4), false), NO);
  assert.deepEqual(rdp(request(NEGOTIATION, 19, 6).subarray(0, 5), false), NO);
  assert.deepEqual(rdp(request(NEGOTIATION, 18), false), NO, "too short inside");
  assert.deepEqual(rdp(request(NEGOTIATION + "\0"), false), NO, "too long inside");
  const longest = request("Cookie: mstshash=" + "a".repeat(229) + "\r\n");
  assert.equal(longest.length, 259);
  assert.equal(rdp(longest, false).kind, "match");
});

Deno.test("a rest that is neither text nor a negotiation says no", () => {
  const rests = [
    "\xc0\x01\x0a\xc1\x02\x01\x00", // The parameters of X.224, as S7 has them.
    "Cookie: mstshash=eltons",
    "Cookie: mstshash=eltons\n",
    "Cookie: mstshash=el\0ons\r\n",
    "\r\n",
    "Cookie: mstshash=eltons\r\n" + CORRELATION,
    NEGOTIATION + CORRELATION, // Not announced by the flags.
    NEGOTIATION.replace("\x01\x00", "\x01\x08"), // Announced, and not there.
  ];
  for (const rest of rests) assert.deepEqual(rdp(request(rest), false), NO, JSON.stringify(rest));
});

Deno.test("the whole packet is waited for", () => {
  const message = request(NEGOTIATION);
  assert.deepEqual(rdp(message.subarray(0, 12), false), { kind: "need", bytes: 19 });
  assert.deepEqual(rdp(message.subarray(0, 18), true), NO);
  assert.equal(rdp(concat(message, bytes("more")), false).kind, "match");
});
