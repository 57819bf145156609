/** The offsets are those that a C compiler gives for glibc's headers, on x86-64 and on arm64. */
import assert from "node:assert/strict";
import {
  CONTROL_SIZE,
  findDestination,
  isLinkLocal,
  MAPPED,
  MESSAGE,
  NAME_SIZE,
  nameSize,
  PIECE,
  portInName,
  type RawAddress,
  writeName,
  writeSegment,
  writeSource,
} from "../../../../lib/runtime/linux/datagram_layout.ts";
import { AF_INET, AF_INET6, encodeAddress } from "../../../../lib/runtime/linux/layout.ts";

const IPV4: RawAddress = { a: 0, b: 0, c: MAPPED, d: 0x0100_007f, scope: 0 };
/** 2001:db8:0:1::2, and the same in fe80::/10 at interface 7. */
const IPV6: RawAddress = { a: 0xb80d_0120 | 0, b: 0x0100_0000, c: 0, d: 0x0200_0000, scope: 0 };
const LOCAL: RawAddress = { ...IPV6, a: 0x80fe, b: 0, scope: 7 };

function bytesOf(write: (words: Int32Array) => void, length: number): string {
  const words = new Int32Array(64).fill(-1);
  write(words);
  return new Uint8Array(words.buffer, 0, length).toHex();
}

Deno.test("struct mmsghdr and struct iovec", () => {
  assert.equal(MESSAGE.size, 64);
  const { name, nameLength, pieces, pieceCount, control, controlLength, length } = MESSAGE;
  assert.deepEqual(
    [name, nameLength, pieces, pieceCount, control, controlLength, length].map((word) => word * 4),
    [0, 8, 16, 24, 32, 40, 56],
  );
  assert.deepEqual([PIECE.size, PIECE.base * 4, PIECE.length * 4], [16, 0, 8]);
});

Deno.test("names are as bind(2) wants them", () => {
  for (
    const [raw, address, family] of [
      [IPV4, "127.0.0.1", AF_INET],
      [IPV4, "127.0.0.1", AF_INET6],
      [IPV6, "2001:db8:0:1::2", AF_INET6],
    ] as const
  ) {
    const expected = encodeAddress({ address, port: 0x1234 }, family);
    assert.equal(nameSize(family), expected.length);
    assert.ok(expected.length <= NAME_SIZE);
    // What is reserved behind an IPv4 address is anything.
    const length = family === AF_INET ? 8 : 28;
    const written = bytesOf((words) => writeName(words, 0, family, raw, 0x1234), length);
    assert.equal(written, expected.subarray(0, length).toHex());
  }
  const written = bytesOf((words) => writeName(words, 0, AF_INET6, LOCAL, 1), 28);
  assert.equal(written.slice(-8), "07000000");
});

Deno.test("the port is read from the first word of a name", () => {
  for (const port of [0, 1, 53, 0x1234, 65_535]) {
    for (const family of [AF_INET, AF_INET6] as const) {
      const words = new Int32Array(8);
      writeName(words, 0, family, IPV4, port);
      assert.equal(portInName(words[0]!), port);
    }
  }
});

Deno.test("a source is IP_PKTINFO of IPv4 and IPV6_PKTINFO of IPv6", () => {
  const head = (length: string, level: string, type: string) =>
    `${length}00000000000000${level}000000${type}000000`;
  assert.equal(
    bytesOf((words) => assert.equal(writeSource(words, 0, AF_INET, IPV4), 8), 28),
    head("1c", "00", "08") + "00000000" + "7f000001" + "00000000",
  );
  assert.equal(
    bytesOf((words) => assert.equal(writeSource(words, 0, AF_INET6, IPV4), 10), 36),
    head("24", "29", "32") + "00000000000000000000ffff7f000001" + "00000000",
  );
  assert.equal(
    bytesOf((words) => assert.equal(writeSource(words, 0, AF_INET6, LOCAL), 10), 36),
    head("24", "29", "32") + "fe800000000000000000000000000002" + "07000000",
  );
});

Deno.test("how a message is cut is UDP_SEGMENT, and fits behind the longest source", () => {
  const written = bytesOf((words) => assert.equal(writeSegment(words, 0, 1200), 6), 18);
  assert.equal(written, "1200000000000000" + "11000000" + "67000000" + "b004");
  const words = new Int32Array(64);
  assert.ok(writeSegment(words, writeSource(words, 0, AF_INET6, IPV6), 1) * 4 <= CONTROL_SIZE);
});

Deno.test("a destination is found where a source is written, and nowhere else", () => {
  const words = new Int32Array(64);
  const ends = { [AF_INET]: 28, [AF_INET6]: 36 };
  for (const family of [AF_INET, AF_INET6] as const) {
    writeSource(words, 8, family, LOCAL);
    const at = findDestination(words, 8, ends[family], family);
    assert.equal(words[at], family === AF_INET ? LOCAL.d : LOCAL.a);
    if (family === AF_INET6) assert.equal(words[at + 4], LOCAL.scope);
    assert.equal(findDestination(words, 8, 0, family), -1);
    assert.equal(findDestination(words, 8, ends[family] - 1, family), -1);
    for (const word of [8, 9, 10, 11]) {
      words[word]!++;
      assert.equal(findDestination(words, 8, ends[family], family), -1);
      words[word]!--;
    }
  }
  assert.equal(findDestination(words, 8, 36, AF_INET), -1);
});

Deno.test("link-local is fe80::/10", () => {
  const first = (...bytes: number[]) => new Int32Array(Uint8Array.from(bytes).buffer)[0]!;
  assert.ok(isLinkLocal(first(0xfe, 0x80, 0, 0)));
  assert.ok(isLinkLocal(first(0xfe, 0xbf, 0xff, 0xff)));
  assert.ok(!isLinkLocal(first(0xfe, 0xc0, 0, 0)));
  assert.ok(!isLinkLocal(first(0xff, 0x80, 0, 0)));
  assert.ok(!isLinkLocal(0));
});
