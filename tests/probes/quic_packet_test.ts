import assert from "node:assert/strict";
import { ByteReader } from "../../probes/bytes.ts";
import { attempt } from "../../probes/probe.ts";
import {
  coalescedPackets,
  packetNumber,
  QUIC_V1,
  QUIC_V2,
  quicHeader,
  varint,
} from "../../probes/quic_packet.ts";
import { bytes, concat } from "../support/bytes.ts";
import { datagram, DCID, packet, retryPacket } from "../support/quic.ts";
import { parseHex } from "../support/samples.ts";

const NOTHING = new Uint8Array(0);
const LONG_ID = new Uint8Array(20).fill(0x99);

Deno.test("RFC 9000 A.1: the examples of variable-length integers", () => {
  const examples = [
    ["c2197c5eff14e88c", 151_288_809_941_952_652n],
    ["9d7f3e7d", 494_878_333n],
    ["7bbd", 15_293n],
    ["25", 37n],
    ["4025", 37n],
  ] as const;
  for (const [hex, value] of examples) {
    const reader = new ByteReader(parseHex(hex), false);
    assert.equal(varint(reader), Number(value), hex);
    assert.equal(reader.remaining, 0, hex);
  }
});

Deno.test("the bounds of each length of variable-length integers (RFC 9000 §16)", () => {
  const bounds = [
    ["00", 0],
    ["3f", 63],
    ["4000", 0],
    ["7fff", 16_383],
    ["80000000", 0],
    ["bfffffff", 2 ** 30 - 1],
    ["c000000000000000", 0],
    ["c01fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["ffffffffffffffff", 2 ** 62],
  ] as const;
  for (const [hex, value] of bounds) {
    assert.equal(varint(new ByteReader(parseHex(hex), false)), value, hex);
    const cut = attempt(varint, parseHex(hex).subarray(0, -1), true);
    assert.deepEqual(cut, { kind: "no" }, `${hex} cut off`);
  }
});

Deno.test("RFC 9000 A.3: the example of a packet number", () => {
  assert.equal(packetNumber(0xa82f30ea, 0x9b32, 2), 0xa82f9b32);
});

Deno.test("a packet number is the one nearest to what is expected next (RFC 9000 A.3)", () => {
  const cases = [
    // largest, truncated, length, full
    [-1, 0, 1, 0],
    [-1, 255, 1, 255],
    [-1, 0xffffffff, 4, 0xffffffff],
    [0, 1, 1, 1],
    [254, 255, 1, 255],
    [255, 0, 1, 256],
    [300, 255, 1, 255],
    [300, 0x80, 1, 0x180],
    [300, 0xad, 1, 0x1ad],
    [300, 0xae, 1, 0xae],
    [383, 0, 1, 512],
    [2 ** 32 + 5, 6, 4, 2 ** 32 + 6],
    [2 ** 32 - 2, 0, 1, 2 ** 32],
    [2 ** 40, 0xffff, 2, 2 ** 40 - 1],
  ] as const;
  for (const [largest, truncated, length, full] of cases) {
    assert.equal(packetNumber(largest, truncated, length), full, `${truncated} after ${largest}`);
  }
});

Deno.test("the type of a packet is read by its version (RFC 9369 §3.2)", () => {
  for (const version of [QUIC_V1, QUIC_V2] as const) {
    for (const type of ["initial", "0-rtt", "handshake"] as const) {
      const scid = Uint8Array.of(1, 2);
      const header = quicHeader(packet({ version, type, scid }));
      assert.deepEqual(header, { form: "long", type, version, dcid: DCID, scid });
    }
    const retry = quicHeader(retryPacket(version, DCID, LONG_ID, bytes("token"), 0));
    const type = "retry";
    assert.deepEqual(retry, { form: "long", type, version, dcid: NOTHING, scid: LONG_ID });
  }
});

Deno.test("connection IDs have up to 20 bytes, in versions that are not known up to 255", () => {
  const header = (version: string, dcid: number, scid: number) => {
    const ids = [concat(dcid, new Uint8Array(dcid)), concat(scid, new Uint8Array(scid))];
    return quicHeader(concat(0xc0, parseHex(version), ...ids));
  };
  for (const version of ["00000001", "6b3343cf"]) {
    for (const [dcid, scid] of [[0, 0], [20, 0], [0, 20], [20, 20]] as const) {
      assert.ok(header(version, dcid, scid), `${version}: ${dcid}, ${scid}`);
    }
    for (const [dcid, scid] of [[21, 0], [0, 21], [255, 255]] as const) {
      assert.equal(header(version, dcid, scid), undefined, `${version}: ${dcid}, ${scid}`);
    }
  }
  const unknown = header("1a2a3a4a", 255, 254);
  assert.deepEqual(unknown, {
    form: "long",
    type: "unknown",
    version: 0x1a2a3a4a,
    dcid: new Uint8Array(255),
    scid: new Uint8Array(254),
  });
});

Deno.test("a packet of version 0 is Version Negotiation (RFC 8999 §6)", () => {
  const negotiation = concat(0x80, 0, 0, 0, 0, 1, 7, 2, 8, 9, 0, 0, 0, 1);
  assert.deepEqual(quicHeader(negotiation), {
    form: "long",
    type: "version negotiation",
    version: 0,
    dcid: Uint8Array.of(7),
    scid: Uint8Array.of(8, 9),
  });
});

Deno.test("a short header holds an ID of the length that the receiver chose", () => {
  const short = concat(0x40, DCID, 1, 2, 3);
  assert.deepEqual(quicHeader(short, 8), { form: "short", dcid: DCID });
  assert.deepEqual(quicHeader(short), { form: "short", dcid: NOTHING });
  assert.equal(quicHeader(short, 11)?.dcid.length, 11);
  assert.equal(quicHeader(short, 12), undefined);
  assert.equal(quicHeader(NOTHING), undefined);
});

Deno.test("a long header that is cut off is none", () => {
  const whole = concat(0xc0, 0, 0, 0, 1, 8, DCID, 2, 1, 2);
  assert.ok(quicHeader(whole));
  for (let length = 0; length < whole.length; length++) {
    assert.equal(quicHeader(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
});

Deno.test("the packets of a datagram are told apart by their lengths", () => {
  const token = bytes("a token");
  const parts = [packet({ token }), packet({ type: "0-rtt" }), packet({ type: "handshake" })];
  for (const behind of [NOTHING, new Uint8Array(100), concat(0x40, DCID, 1, 2, 3)]) {
    const found = coalescedPackets(concat(...parts, behind));
    assert.deepEqual(found.map(({ bytes }) => bytes), parts);
    assert.deepEqual(found.map(({ header }) => header.type), ["initial", "0-rtt", "handshake"]);
    assert.deepEqual(found.map(({ token }) => token), [token, NOTHING, NOTHING]);
  }
});

Deno.test("packets of another connection or version are passed over (RFC 9000 §12.2)", () => {
  const first = packet();
  const stranger = packet({ dcid: LONG_ID });
  const otherVersion = packet({ version: QUIC_V2 });
  const last = packet({ number: 1 });
  const found = coalescedPackets(concat(first, stranger, otherVersion, last));
  assert.deepEqual(found.map(({ bytes }) => bytes), [first, last]);
});

Deno.test("a Retry, a Version Negotiation and an unknown packet end the datagram", () => {
  const others = [
    retryPacket(QUIC_V1, DCID, LONG_ID, bytes("token"), 0),
    concat(0xc0, 0, 0, 0, 0, 0, 0),
    concat(0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 0, 0),
  ];
  for (const other of others) {
    assert.equal(coalescedPackets(concat(packet(), other, packet())).length, 1);
    assert.equal(coalescedPackets(concat(other, packet())).length, 0);
  }
});

Deno.test("of a packet that is cut off nothing is read, of those in front of it everything", () => {
  const first = packet({ token: bytes("a token") });
  const whole = concat(first, packet());
  for (let length = 0; length < whole.length; length++) {
    const found = coalescedPackets(whole.subarray(0, length));
    assert.equal(found.length, length < first.length ? 0 : 1, `${length} bytes`);
  }
});

Deno.test("no more than four packets of a datagram are read", () => {
  const many = Array.from({ length: 20 }, (_, number) => packet({ number }));
  assert.equal(coalescedPackets(datagram(...many)).length, 4);
});
