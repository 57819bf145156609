import assert from "node:assert/strict";
import { openvpn, openvpnDatagram } from "../../probes/openvpn.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { overlookedBytes, overlookedLengths } from "../support/datagrams.ts";
import { overlooked, range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const match = (wrapping: string) => ({
  kind: "match",
  facts: { protocol: "openvpn", details: { wrapping } },
});

const V1 = 0x08;
const V2 = 0x38;
const V3 = 0x50;
const SESSION = "\x41\x2d\xc4\x30\x1f\x3c\x0b\xc5";
const RESET = "\0\0\0\0\0";
const REPLAY = "\0\0\0\x01\x6b\x01\x3f\xc0";

/** A packet with `body` behind its session ID. */
function packet(opcode: number, ...body: (string | Uint8Array)[]) {
  return prefixed(2, concat(opcode, SESSION, ...body));
}

/** A wrapped client key of `length` bytes, the last two of which say so. */
function wrappedKey(length: number, said = length) {
  return concat("\xaa".repeat(length - 2), said >> 8, said & 0xff);
}

const TLS_CRYPT = REPLAY + "\xbb".repeat(37);

Deno.test("a reset without a wrapping is OpenVPN, of version 1 and 2", () => {
  assert.deepEqual(openvpn(packet(V2, RESET), false), match("none"));
  assert.deepEqual(openvpn(packet(V1, RESET), false), match("none"));
});

Deno.test("a reset with tls-auth is OpenVPN with every length of HMAC", () => {
  for (const length of [16, 20, 28, 32, 48, 64]) {
    const hmac = "\xcc".repeat(length);
    assert.deepEqual(
      openvpn(packet(V2, hmac, REPLAY, RESET), false),
      match("tls-auth"),
      `${length}`,
    );
  }
  for (const length of [15, 17, 36, 65]) {
    const hmac = "\xcc".repeat(length);
    assert.deepEqual(
      openvpn(packet(V2, hmac, REPLAY, RESET).subarray(0, 3), false),
      NO,
      `${length}`,
    );
  }
});

Deno.test("a reset with tls-crypt is OpenVPN", () => {
  assert.deepEqual(openvpn(packet(V2, TLS_CRYPT), false), match("tls-crypt"));
});

Deno.test("a reset with tls-crypt-v2 is OpenVPN with every length of wrapped key", () => {
  for (const length of [290, 299, 1024]) {
    assert.deepEqual(
      openvpn(packet(V3, TLS_CRYPT, wrappedKey(length)), false),
      match("tls-crypt-v2"),
      `${length}`,
    );
  }
  for (const length of [289, 1025]) {
    const long = packet(V3, TLS_CRYPT, wrappedKey(length));
    assert.deepEqual(openvpn(long.subarray(0, 3), false), NO, `${length}`);
  }
  assert.deepEqual(openvpn(packet(V3, TLS_CRYPT, wrappedKey(300, 299)), false), NO);
});

Deno.test("a client that can negotiate early says so in its replay ID", () => {
  for (const id of ["\x0f\0\0\0", "\x0f\0\0\x01"]) {
    const body = TLS_CRYPT.replace("\0\0\0\x01", id);
    assert.equal(openvpn(packet(V3, body, wrappedKey(290)), false).kind, "match");
  }
  const body = TLS_CRYPT.replace("\0\0\0\x01", "\0\0\0\x02");
  assert.deepEqual(openvpn(packet(V3, body, wrappedKey(290)), false), NO);
  assert.deepEqual(openvpn(packet(V2, body), false), NO);
});

Deno.test("one wrong byte in the constant parts says no", () => {
  const plain = packet(V2, RESET);
  assert.deepEqual(overlooked(openvpn, plain, range(11, 16), plain.length), []);
  const auth = packet(V2, "\xcc".repeat(20), REPLAY, RESET);
  // The first byte of the replay ID may be 0x0f as well.
  assert.deepEqual(
    overlooked(openvpn, auth, [...range(32, 35), ...range(39, 44)], auth.length),
    [],
  );
});

Deno.test("opcodes of a server, of data and of later packets say no, and so does another key ID", () => {
  const plain = packet(V2, RESET);
  const accepted = range(0, 256).filter((opcode) => {
    plain[2] = opcode;
    return openvpn(plain.subarray(0, 3), false).kind !== "no";
  });
  assert.deepEqual(accepted, [V1, V2], "V3 is never so short");
});

Deno.test("a session ID of zeros says no", () => {
  const plain = packet(V2, RESET);
  plain.fill(0, 3, 11);
  assert.deepEqual(openvpn(plain.subarray(0, 11), false), NO);
});

Deno.test("a length that no reset has says no as soon as the opcode is known", () => {
  for (const head of ["\x00\x0d\x38", "\x00\x0f\x38", "\x00\x36\x50", "\x04\x37", "\xff\xff"]) {
    assert.deepEqual(openvpn(bytes(head), false), NO, JSON.stringify(head));
  }
});

Deno.test("the whole packet is waited for", () => {
  const plain = packet(V2, RESET);
  assert.deepEqual(openvpn(plain.subarray(0, 12), false), { kind: "need", bytes: 16 });
  assert.deepEqual(openvpn(plain.subarray(0, 15), true), NO);
  assert.deepEqual(openvpn(concat(plain, plain), false), match("none"));
});

const ask = (packet: Uint8Array) => openvpnDatagram([packet], false);
/** A packet without the length that TCP puts in front. */
const datagram = (opcode: number, ...body: (string | Uint8Array)[]) =>
  packet(opcode, ...body).subarray(2);
/** With the replay ID `id`. */
const replayed = (id: string) => REPLAY.replace("\0\0\0\x01", id);

Deno.test("a datagram is a reset with every wrapping, without a length in front", () => {
  assert.deepEqual(ask(datagram(V1, RESET)), match("none"));
  assert.deepEqual(ask(datagram(V2, RESET)), match("none"));
  assert.deepEqual(ask(datagram(V2, "\xcc".repeat(20), REPLAY, RESET)), match("tls-auth"));
  assert.deepEqual(ask(datagram(V2, TLS_CRYPT)), match("tls-crypt"));
  assert.deepEqual(ask(datagram(V3, TLS_CRYPT, wrappedKey(1024))), match("tls-crypt-v2"));
  assert.deepEqual(ask(packet(V2, RESET)), NO, "as over TCP");
});

Deno.test("a datagram is one whole reset, no more and no less", () => {
  assert.deepEqual(overlookedLengths(openvpnDatagram, datagram(V2, RESET)), []);
  assert.deepEqual(
    overlookedLengths(openvpnDatagram, datagram(V3, TLS_CRYPT, wrappedKey(290))),
    [],
  );
});

Deno.test("one wrong byte in the constant parts of a datagram says no", () => {
  const plain = datagram(V2, RESET);
  assert.deepEqual(overlookedBytes(openvpnDatagram, plain, [0, ...range(9, 14)]), [
    "0x8 at 0: match",
  ]);
});

Deno.test("a reset that is sent again has the next replay ID, over UDP alone", () => {
  const accepted = range(0, 256).filter((last) => {
    const id = `\0\0\0${String.fromCharCode(last)}`;
    return ask(datagram(V2, "\xcc".repeat(20), replayed(id), RESET)).kind === "match";
  });
  assert.deepEqual(accepted, range(1, 33));
  const early = (id: string) =>
    ask(datagram(V3, replayed(id) + "\xbb".repeat(37), wrappedKey(290))).kind;
  assert.equal(early("\x0f\0\0\x02"), "match");
  assert.equal(early("\x0f\0\0\x20"), "match");
  assert.equal(early("\x0f\0\0\x21"), "no");
  assert.deepEqual(openvpn(packet(V2, "\xcc".repeat(20), replayed("\0\0\0\x02"), RESET), true), NO);
});
