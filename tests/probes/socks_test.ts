import assert from "node:assert/strict";
import { socks4, socks5 } from "../../probes/socks.ts";
import { bytes } from "../support/bytes.ts";

const NO = { kind: "no" };

Deno.test("an offer of methods is SOCKS5 once all of them are here (RFC 1928 §3)", () => {
  const match = { kind: "match", facts: { protocol: "socks5" } };
  assert.deepEqual(socks5(bytes("\x05\x02\x00\x02"), false), match);
  assert.deepEqual(socks5(bytes("\x05\x02\x00"), false), { kind: "need", bytes: 4 });
  assert.deepEqual(socks5(bytes("\x05\x02\x00"), true), NO);
  assert.deepEqual(socks5(bytes("\x05\x01\x00\x05\x01\x00\x01"), false), match, "request behind");
});

Deno.test("an offer of no method, or of the one that means none is acceptable, is not SOCKS5", () => {
  assert.deepEqual(socks5(bytes("\x05\x00"), false), NO);
  assert.deepEqual(socks5(bytes("\x05\x02\x00\xff"), false), NO);
  assert.deepEqual(socks5(bytes("\x05\x03\xff"), false), NO, "without waiting for the others");
});

const socks4Match = (version: string, command: string) => ({
  kind: "match",
  facts: { protocol: "socks4", details: { version, command } },
});

Deno.test("a request with an address is SOCKS4 once its user ID has ended", () => {
  const request = "\x04\x01\x00\x50\xc0\x00\x02\x01";
  assert.deepEqual(socks4(bytes(request + "\0"), false), socks4Match("4", "connect"));
  assert.deepEqual(socks4(bytes(request + "me\0"), false), socks4Match("4", "connect"));
  assert.deepEqual(socks4(bytes(request + "me"), false), { kind: "need", bytes: 11 });
  assert.deepEqual(socks4(bytes(request + "me"), true), NO);
});

Deno.test("an address 0.0.0.x is SOCKS4A, and a name must follow", () => {
  const request = "\x04\x02\x00\x50\x00\x00\x00\x07me\0";
  assert.deepEqual(socks4(bytes(request + "a.example\0"), false), socks4Match("4a", "bind"));
  assert.deepEqual(socks4(bytes(request), false), { kind: "need", bytes: 12 });
  assert.deepEqual(socks4(bytes(request + "\0"), false), NO, "an empty name");
  assert.deepEqual(
    socks4(bytes("\x04\x01\x00\x50\x00\x00\x00\x00\0"), false),
    socks4Match("4", "connect"),
    "0.0.0.0 is an address, not the sign of a name",
  );
});

Deno.test("a user ID or a name of more than 255 bytes is not SOCKS4", () => {
  const request = "\x04\x01\x00\x50\x00\x00\x00\x01";
  const long = "a".repeat(256);
  assert.deepEqual(socks4(bytes(request + long), false), NO);
  assert.deepEqual(socks4(bytes(request + "\0" + long), false), NO);
  assert.equal(
    socks4(bytes(request + long.slice(1) + "\0" + long.slice(1) + "\0"), false).kind,
    "match",
  );
});

Deno.test("the first byte that is of no SOCKS request says no", () => {
  assert.deepEqual(socks5(bytes("\x04"), false), NO);
  assert.deepEqual(socks4(bytes("\x05"), false), NO);
  assert.deepEqual(socks4(bytes("\x04\x03"), false), NO, "no such command");
  assert.deepEqual(socks4(bytes("\x04\x00"), false), NO, "no such command");
});
