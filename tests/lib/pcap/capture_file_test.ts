import assert from "node:assert/strict";
import { type Packet, readCaptureFile } from "../../../lib/pcap/capture_file.ts";
import { concat } from "../../support/bytes.ts";
import { block, enhancedPacket, pcap, section, simplePacket } from "../../support/capture.ts";

const ETHERNET = 1;
const RAW = 101;
const ONE = Uint8Array.of(1);
const FIVE = Uint8Array.of(1, 2, 3, 4, 5);

/** The packets of a whole file. */
function packetsOf(file: Uint8Array): readonly Packet[] {
  const { packets, isCutOff } = readCaptureFile(file);
  assert.equal(isCutOff, false);
  return packets;
}

Deno.test("a pcap file is read in both byte orders, with times in µs and in ns", () => {
  for (const little of [true, false]) {
    for (const magic of [0xa1b2c3d4, 0xa1b23c4d]) {
      assert.deepEqual(packetsOf(pcap([ONE, FIVE], { linkType: RAW, little, magic })), [
        { linkType: RAW, bytes: ONE },
        { linkType: RAW, bytes: FIVE },
      ]);
    }
  }
});

Deno.test("the length of a frame check sequence beside the link type is left out", () => {
  const [packet] = packetsOf(pcap([ONE], { linkType: 0xf000_0001 }));
  assert.equal(packet?.linkType, ETHERNET);
});

Deno.test("a pcapng file is read: both byte orders, several interfaces and sections, unknown blocks", () => {
  for (const little of [true, false]) {
    const interfaces = [{ linkType: ETHERNET }, { linkType: RAW }];
    const blocks = [enhancedPacket(1, FIVE, little), enhancedPacket(0, ONE, little)];
    const unknown = block(0x0bad, FIVE);
    const file = concat(
      section(interfaces, blocks, little),
      section([{ linkType: RAW }], [unknown, simplePacket(ONE)]),
    );
    assert.deepEqual(packetsOf(file), [
      { linkType: RAW, bytes: FIVE },
      { linkType: ETHERNET, bytes: ONE },
      { linkType: RAW, bytes: ONE },
    ]);
  }
});

Deno.test("a Simple Packet is as long as it was, or as its interface keeps", () => {
  const file = section([{ linkType: RAW, snapLength: 3 }], [
    simplePacket(FIVE, 3),
    simplePacket(ONE),
  ]);
  assert.deepEqual(packetsOf(file).map(({ bytes }) => bytes.length), [3, 1]);
});

Deno.test("a capture may have no packets", () => {
  assert.deepEqual(packetsOf(pcap([], { linkType: RAW })), []);
  assert.deepEqual(packetsOf(section([], [])), []);
});

Deno.test("a file that is cut off is read up to its last whole packet", () => {
  const raw = [{ linkType: RAW }];
  const files = [
    pcap([ONE, FIVE], { linkType: RAW }),
    section(raw, [enhancedPacket(0, ONE), simplePacket(FIVE)]),
    concat(section(raw, [enhancedPacket(0, ONE)]), section(raw, [enhancedPacket(0, FIVE)])),
  ];
  for (const file of files) {
    const whole = packetsOf(file);
    const seen = new Set<string>();
    for (let length = 4; length < file.length; length++) {
      const { packets, isCutOff } = readCaptureFile(file.subarray(0, length));
      assert.deepEqual(packets, whole.slice(0, packets.length));
      // A file may end behind any packet.
      if (!isCutOff) seen.add(`whole with ${packets.length}`);
      else seen.add(`cut behind ${packets.length}`);
    }
    const expected = ["cut behind 0", "cut behind 1", "whole with 0", "whole with 1"];
    assert.deepEqual([...seen].sort(), expected);
  }
});

Deno.test("a file that is no capture, or a damaged one, is refused with the reason", () => {
  const raw = [{ linkType: RAW }];
  const tooShort = Uint8Array.of(6, 0, 0, 0, 8, 0, 0, 0);
  const files: ReadonlyArray<readonly [file: Uint8Array, reason: RegExp]> = [
    [new Uint8Array(), /no capture file/],
    [Uint8Array.of(0xd4, 0xc3), /no capture file/],
    [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), /no capture file/],
    [section([], [enhancedPacket(0, ONE)]), /interface 0, which it does not describe/],
    [section(raw, [simplePacket(ONE), tooShort]), /a block of 8 bytes after packet 1$/],
    [section(raw, [simplePacket(ONE), block(6, new Uint8Array(16))]), /follows packet 1 does not/],
  ];
  for (const [file, message] of files) {
    assert.throws(() => readCaptureFile(file), { name: "SyntaxError", message });
  }
});
