import assert from "node:assert/strict";
import { NOWHERE, place } from "../../../lib/following/follower.ts";
import { quic } from "../../../lib/following/quic.ts";
import { QUIC_V1, QUIC_V2 } from "../../../probes/quic_packet.ts";
import { bytes, concat } from "../../support/bytes.ts";
import { datagram, DCID, packet, retryPacket } from "../../support/quic.ts";
import { datagramSamples, parseHex } from "../../support/samples.ts";

/** In the examples of both RFCs. */
const SERVER_ID = parseHex("f067a5502a4262b5");

Deno.test("RFC 9001 and RFC 9369, A.3 and A.4: the ID of a server is that of its Initial, and of its Retry", () => {
  const packets = [
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a",
    "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
    "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698",
    "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
  ];
  for (const hex of packets) assert.deepEqual(quic.issued(parseHex(hex)), SERVER_ID, hex);
});

Deno.test("the source of every packet with a long header is the ID of its sender", () => {
  for (const version of [QUIC_V1, QUIC_V2] as const) {
    for (const type of ["initial", "handshake"] as const) {
      const reply = packet({ version, type, dcid: DCID, scid: SERVER_ID });
      assert.deepEqual(quic.issued(concat(reply, packet())), SERVER_ID);
    }
    const retry = retryPacket(version, DCID, SERVER_ID, bytes("token"), 0);
    assert.deepEqual(quic.issued(retry), SERVER_ID);
  }
  const other = concat(0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 0, 8, SERVER_ID);
  assert.deepEqual(quic.issued(other), SERVER_ID);
});

Deno.test("Version Negotiation repeats what the client has made up: it issues nothing", () => {
  const negotiation = concat(0x80, 0, 0, 0, 0, 0, 8, DCID, 0, 0, 0, 1);
  assert.equal(quic.issued(negotiation), undefined);
});

Deno.test("a short header tells a server's ID to nobody, and a client's where its server knows it", () => {
  const short = concat(0x40, DCID, new Uint8Array(20));
  assert.equal(quic.issued(short), undefined);
  assert.equal(quic.addressed(short), place(1, 0));
  // RFC 9287: the fixed bit is anything.
  assert.equal(quic.addressed(concat(0x00, DCID)), place(1, 0));
});

Deno.test("a long header tells the ID that a client addresses, and how long it is", () => {
  assert.equal(quic.addressed(packet()), place(6, 8));
  assert.equal(quic.addressed(packet({ type: "handshake", dcid: SERVER_ID })), place(6, 8));
  assert.equal(quic.addressed(packet({ dcid: new Uint8Array(20) })), place(6, 20));
  assert.equal(quic.addressed(packet({ dcid: new Uint8Array(0) })), NOWHERE);
  assert.equal(quic.addressed(parseHex("c000000001")), NOWHERE);
});

Deno.test("the first datagram of every real client opens a session", () => {
  for (const { name, protocol, datagrams } of datagramSamples()) {
    assert.equal(quic.opens(datagrams[0]!), protocol === "quic", name);
  }
});

Deno.test("what comes later in a connection, and what servers send, opens none", () => {
  const strangers = {
    "handshake": packet({ type: "handshake" }),
    "short header": concat(0x40, DCID, new Uint8Array(1200)),
    "retry": datagram(retryPacket(QUIC_V1, DCID, SERVER_ID, bytes("token"), 0)),
    "version negotiation": datagram(concat(0xc0, 0, 0, 0, 0, 8, DCID, 0, 0, 0, 0, 1)),
    "a short one of another version": concat(0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, DCID, 0),
    "RTP": concat(0x80, 0x60, new Uint8Array(1300).fill(7)),
    "nothing": new Uint8Array(0),
  };
  for (const [name, bytes] of Object.entries(strangers)) assert.ok(!quic.opens(bytes), name);
});
