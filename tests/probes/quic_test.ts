import assert from "node:assert/strict";
import { quic } from "../../probes/quic.ts";
import { QUIC_V1, QUIC_V2 } from "../../probes/quic_packet.ts";
import { bytes, concat } from "../support/bytes.ts";
import { helloBody, helloMessage } from "../support/client_hello.ts";
import { cryptoFrame, datagram, DCID, packet, retryPacket } from "../support/quic.ts";
import { datagramSamples, parseHex } from "../support/samples.ts";

const HELLO = helloMessage(helloBody({ serverName: "a.example.com", alpns: ["h3"] }));
const HALF = HELLO.length >> 1;
const FIRST_HALF = cryptoFrame(HELLO, 0, HALF);
const SECOND_HALF = cryptoFrame(HELLO, HALF);
const OTHER_DCID = new Uint8Array(8).fill(0x42);

/** What the probe says of the hello at the end, without `need`. */
function serverName(...datagrams: readonly Uint8Array[]): string | undefined {
  const answer = quic(datagrams, true);
  return answer.kind === "match" ? answer.facts.serverName : undefined;
}

Deno.test("a hello in one packet is read, in both versions", () => {
  for (const [version, name] of [[QUIC_V1, "1"], [QUIC_V2, "2"]] as const) {
    const scid = Uint8Array.of(7, 8);
    const first = datagram(packet({ version, scid, frames: cryptoFrame(HELLO) }));
    assert.deepEqual(quic([first], false), {
      kind: "match",
      facts: {
        protocol: "quic",
        serverName: "a.example.com",
        alpns: ["h3"],
        quicCid: "8394c8f03e515708",
        details: {
          version: name,
          dcid: "8394c8f03e515708",
          scid: "0708",
          packets: 1,
          cryptoRanges: `0-${HELLO.length}`,
        },
      },
    });
  }
});

Deno.test("the nine bytes that end another proxy are not QUIC", () => {
  assert.deepEqual(quic([parseHex("c00000000100000000")], false), { kind: "no" });
});

Deno.test("a second Initial packet in a datagram is read as well", () => {
  const first = packet({ number: 0, frames: FIRST_HALF });
  const second = packet({ number: 1, frames: SECOND_HALF });
  assert.equal(serverName(datagram(first, second)), "a.example.com");
  assert.equal(serverName(datagram(second, first)), "a.example.com");
});

Deno.test("a hello in two datagrams needs the second one, whichever comes first", () => {
  const first = datagram(packet({ number: 0, frames: FIRST_HALF }));
  const second = datagram(packet({ number: 1, frames: SECOND_HALF }));
  for (const [one, other] of [[first, second], [second, first]] as const) {
    assert.deepEqual(quic([one], false), { kind: "need" });
    assert.deepEqual(quic([one, one], false), { kind: "need" });
    assert.deepEqual(quic([one], true), { kind: "no" });
    assert.equal(serverName(one, other), "a.example.com");
    assert.equal(serverName(one, one, other), "a.example.com");
  }
});

Deno.test("packet numbers go on from the largest so far", () => {
  const first = packet({ number: 255, frames: FIRST_HALF });
  const second = packet({ number: 256, numberLength: 1, frames: SECOND_HALF });
  assert.equal(serverName(datagram(first), datagram(second)), "a.example.com");
  assert.deepEqual(quic([datagram(second)], false), { kind: "no" });
});

Deno.test("0-RTT beside the Initial, and in front of it, does no harm", () => {
  const initial = packet({ frames: cryptoFrame(HELLO) });
  const early = packet({ type: "0-rtt" });
  assert.equal(serverName(datagram(initial, early)), "a.example.com");
  assert.equal(serverName(datagram(early, initial)), "a.example.com");
  assert.equal(serverName(early, datagram(initial)), "a.example.com");
  assert.deepEqual(quic([early], false), { kind: "need" });
  assert.deepEqual(quic([early, early], true), { kind: "no" });
});

Deno.test("after a Retry the keys come from the new connection ID, however short that is", () => {
  const frames = cryptoFrame(HELLO);
  const lost = datagram(packet({ frames: FIRST_HALF }));
  for (const length of [0, 4, 8, 20]) {
    const dcid = new Uint8Array(length).fill(0x17);
    const again = datagram(packet({ dcid, token: bytes("a token"), number: 1, frames }));
    assert.equal(serverName(again), "a.example.com");
    assert.equal(serverName(lost, again), "a.example.com");
    const answer = quic([lost, again], false);
    assert.ok(answer.kind === "match");
    assert.equal(answer.facts.details?.dcid, dcid.toHex());
    assert.equal(answer.facts.quicCid, dcid.toHex());
    assert.equal(answer.facts.details?.tokenLength, 7);
  }
});

Deno.test("hellos of two connections of one client are not mixed up", () => {
  const one = datagram(packet({ frames: FIRST_HALF }));
  const other = datagram(packet({ dcid: OTHER_DCID, frames: SECOND_HALF }));
  assert.deepEqual(quic([one, other], false), { kind: "need" });
  const rest = datagram(packet({ dcid: OTHER_DCID, number: 1, frames: FIRST_HALF }));
  assert.equal(serverName(one, other, rest), "a.example.com");
});

Deno.test("a client chooses an ID of 8 bytes at least, and nobody one of more than 20", () => {
  const frames = cryptoFrame(HELLO);
  for (let length = 0; length <= 30; length++) {
    const dcid = new Uint8Array(length).fill(0x17);
    const name = serverName(datagram(packet({ dcid, frames })));
    assert.equal(name, length >= 8 && length <= 20 ? "a.example.com" : undefined, `dcid ${length}`);
    const scid = new Uint8Array(length);
    const other = serverName(datagram(packet({ scid, frames })));
    assert.equal(other, length <= 20 ? "a.example.com" : undefined, `scid ${length}`);
  }
});

Deno.test("an Initial packet in a datagram of less than 1200 bytes is none (RFC 9000 §14.1)", () => {
  const first = packet({ frames: cryptoFrame(HELLO) });
  const padded = (length: number) => concat(first, new Uint8Array(length - first.length));
  assert.deepEqual(quic([padded(1199)], false), { kind: "no" });
  assert.equal(serverName(padded(1200)), "a.example.com");
  const half = datagram(packet({ frames: FIRST_HALF }));
  const rest = packet({ number: 1, frames: SECOND_HALF });
  assert.deepEqual(quic([half, rest], false), { kind: "need" });
});

Deno.test("a datagram that no client sends for its size is not opened", () => {
  const frames = (length: number) => concat(cryptoFrame(HELLO), new Uint8Array(length));
  assert.equal(serverName(packet({ frames: frames(3800) })), "a.example.com");
  assert.deepEqual(quic([packet({ frames: frames(5000) })], false), { kind: "no" });
});

Deno.test("a first datagram whose Initial does not open is not QUIC", () => {
  const first = datagram(packet({ frames: cryptoFrame(HELLO) }));
  const changed = first.slice();
  changed[60]! ^= 1;
  assert.deepEqual(quic([changed], false), { kind: "no" });
  assert.deepEqual(quic([changed, first], false), { kind: "no" });
});

Deno.test("a later datagram that does not open is passed over", () => {
  const half = datagram(packet({ frames: FIRST_HALF }));
  const garbage = [new Uint8Array(1200), bytes("x"), parseHex("c00000000100000000")];
  const rest = datagram(packet({ number: 1, frames: SECOND_HALF }));
  assert.equal(serverName(half, ...garbage, rest), "a.example.com");
});

Deno.test("of a datagram everything counts that is in front of a packet that does not open", () => {
  const broken = packet({ number: 1, frames: cryptoFrame(HELLO) });
  broken[broken.length - 1]! ^= 1;
  const whole = packet({ number: 2, frames: cryptoFrame(HELLO) });
  assert.equal(serverName(datagram(whole, broken)), "a.example.com");
  assert.deepEqual(quic([datagram(broken, whole)], false), { kind: "no" });
  const half = packet({ frames: FIRST_HALF });
  assert.deepEqual(quic([datagram(half, broken, whole)], false), { kind: "need" });
});

Deno.test("pieces of a hello that contradict each other make it none (RFC 9000 §2.2)", () => {
  const other = HELLO.slice();
  other[HALF - 1]! ^= 1;
  const half = datagram(packet({ frames: FIRST_HALF }));
  const contradicting = datagram(packet({ number: 1, frames: cryptoFrame(other) }));
  assert.deepEqual(quic([half, contradicting], false), { kind: "no" });
});

Deno.test("what is not a ClientHello is not what a client begins with", () => {
  const no = (stream: Uint8Array) =>
    assert.deepEqual(quic([datagram(packet({ frames: cryptoFrame(stream) }))], false).kind, "no");
  no(concat(2, HELLO.subarray(1)));
  no(helloMessage(concat(helloBody({ serverName: "a" }), 0)));
  no(concat(1, 0, 0x40, 0, HELLO.subarray(4))); // One of 16 KiB: with its header, too long to be read.
  const frames = concat(cryptoFrame(HELLO), 0x08, 0, 1);
  assert.equal(quic([datagram(packet({ frames }))], false).kind, "no");
});

Deno.test("a ClientHello may be followed by other bytes of the handshake", () => {
  const frames = cryptoFrame(concat(HELLO, 5, 0, 0, 0));
  assert.equal(serverName(datagram(packet({ frames }))), "a.example.com");
});

Deno.test("a client of another version is matched, without names", () => {
  const ids = concat(8, DCID, 4, 1, 2, 3, 4);
  const first = (version: string) => datagram(concat(0xc0, parseHex(version), ids));
  for (const version of ["1a2a3a4a", "ff00001d", "51303530"]) {
    const details = { version: `0x${version}`, dcid: DCID.toHex(), scid: "01020304" };
    const facts = { protocol: "quic", quicCid: DCID.toHex(), details };
    assert.deepEqual(quic([first(version)], false), { kind: "match", facts });
    assert.deepEqual(quic([first(version), first("00000001")], true), { kind: "match", facts });
    assert.equal(quic([first(version).subarray(0, 1199)], false).kind, "no");
    const withoutFixedBit = first(version);
    withoutFixedBit[0] = 0x80;
    assert.equal(quic([withoutFixedBit], false).kind, "no");
  }
});

Deno.test("what servers send, and what comes later in a connection, opens none", () => {
  const hello = cryptoFrame(HELLO);
  const strangers = {
    "version negotiation": concat(0xc0, 0, 0, 0, 0, 8, DCID, 0, 0, 0, 0, 1),
    "retry": retryPacket(QUIC_V1, DCID, OTHER_DCID, bytes("token"), 0),
    "handshake": packet({ type: "handshake", frames: hello }),
    "short header": concat(0x40, DCID, new Uint8Array(50)),
    "nothing": new Uint8Array(0),
  };
  for (const [name, bytes] of Object.entries(strangers)) {
    for (const first of [bytes, datagram(bytes)]) {
      assert.deepEqual(quic([first], false), { kind: "no" }, name);
    }
  }
});

Deno.test("a hello that does not end is not waited for beyond eight datagrams", () => {
  const half = datagram(packet({ frames: FIRST_HALF }));
  const rest = datagram(packet({ number: 1, frames: SECOND_HALF }));
  const halves = (count: number) => Array.from({ length: count }, () => half);
  assert.deepEqual(quic(halves(7), false), { kind: "need" });
  assert.deepEqual(quic(halves(8), false), { kind: "no" });
  assert.equal(serverName(...halves(7), rest), "a.example.com");
  assert.deepEqual(quic([...halves(8), rest], false), { kind: "no" });
});

Deno.test("no more than 32 pieces of a hello are listed", () => {
  const pieces = Array.from(HELLO, (_, at) => cryptoFrame(HELLO, at, at + 1));
  const answer = quic([datagram(packet({ frames: concat(...pieces) }))], false);
  assert.ok(answer.kind === "match");
  assert.equal(`${answer.facts.details?.cryptoRanges}`.split(",").length, 32);
});

Deno.test("a hello with a post-quantum key takes two or three datagrams", () => {
  const counts = { go_post_quantum: 2, go_v2_post_quantum: 2, go_three_datagrams: 3 };
  for (const [name, count] of Object.entries(counts)) {
    const sample = datagramSamples().find((each) => each.name === `quic_${name}`);
    assert.ok(sample !== undefined);
    for (let arrived = 1; arrived <= count; arrived++) {
      const { kind } = quic(sample.datagrams.slice(0, arrived), false);
      assert.equal(kind, arrived < count ? "need" : "match", `${name}: ${arrived}`);
    }
  }
});
