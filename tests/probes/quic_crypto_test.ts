import assert from "node:assert/strict";
import fc from "fast-check";
import { cryptoFrames, CryptoStream } from "../../probes/quic_crypto.ts";
import { bytes, concat } from "../support/bytes.ts";
import { cryptoFrame, varint } from "../support/quic.ts";

const STREAM = Uint8Array.from({ length: 1000 }, (_, i) => i * 7 % 251);
const PADDING = new Uint8Array(3);
const PING = concat(1);
/** Largest 70, delay 16, two ranges behind the first one. */
const ACK = concat(2, varint(70), varint(16), 2, 3, 1, 0, varint(100), 2);
const ACK_ECN = concat(3, 5, 0, 0, 0, 1, varint(2000), 3);
/** Error 0x0c, frame type 0, a reason. */
const CLOSE = concat(0x1c, 0x0c, 0, 4, bytes("gone"));

Deno.test("CRYPTO frames are found among every frame that an Initial packet may hold", () => {
  const others = [PADDING, PING, ACK, ACK_ECN, CLOSE];
  const crypto = [cryptoFrame(STREAM, 500, 900), cryptoFrame(STREAM, 0, 10)];
  for (const other of others) {
    const [first, second] = crypto;
    assert.deepEqual(cryptoFrames(concat(other, first!, other, other, second!, other)), [
      { offset: 500, data: STREAM.subarray(500, 900) },
      { offset: 0, data: STREAM.subarray(0, 10) },
    ]);
    assert.deepEqual(cryptoFrames(other), []);
  }
});

Deno.test("a frame that is cut off, and no frame at all, are malformed", () => {
  assert.equal(cryptoFrames(new Uint8Array(0)), undefined);
  for (const frame of [ACK, ACK_ECN, CLOSE, cryptoFrame(STREAM, 70, 80)]) {
    for (let length = 1; length < frame.length; length++) {
      assert.equal(cryptoFrames(frame.subarray(0, length)), undefined, `${frame[0]}: ${length}`);
    }
  }
});

Deno.test("a frame that may not be in an Initial packet is malformed (RFC 9000 §12.4)", () => {
  const allowed = new Set([0x00, 0x01, 0x02, 0x03, 0x06, 0x1c]);
  for (let type = 0; type < 256; type++) {
    const found = cryptoFrames(concat(PING, type, new Uint8Array(20)));
    assert.equal(found !== undefined, allowed.has(type), `type ${type}`);
  }
});

Deno.test("an acknowledgement of as many ranges as it says is not believed", () => {
  const claimed = concat(2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, PADDING);
  assert.equal(cryptoFrames(claimed), undefined);
});

Deno.test("a stream grows by what is next to its start, in whatever order it comes", () => {
  const stream = new CryptoStream();
  const steps = [
    [10, 20, 0],
    [30, 40, 0],
    [0, 10, 20],
    [15, 35, 40],
    [0, 40, 40],
    [40, 40, 40],
    [40, 1000, 1000],
  ] as const;
  for (const [start, end, known] of steps) {
    assert.ok(stream.add({ offset: start, data: STREAM.subarray(start, end) }));
    assert.deepEqual(stream.start, STREAM.subarray(0, known), `after ${start}-${end}`);
  }
});

Deno.test("a stream is what was cut, however it was cut, shuffled, repeated and overlapped", () => {
  const cut = fc.tuple(fc.nat(STREAM.length), fc.nat(STREAM.length));
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 40 }), (cuts) => {
      const stream = new CryptoStream();
      const known = new Set<number>();
      for (const [a, b] of cuts) {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        assert.ok(stream.add({ offset: start, data: STREAM.subarray(start, end) }));
        for (let at = start; at < end; at++) known.add(at);
        let length = 0;
        while (known.has(length)) length++;
        assert.deepEqual(stream.start, STREAM.subarray(0, length));
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("pieces that contradict each other are refused (RFC 9000 §2.2)", () => {
  for (const at of [0, 5, 9]) {
    const stream = new CryptoStream();
    assert.ok(stream.add({ offset: 100, data: STREAM.subarray(100, 110) }));
    const other = STREAM.slice(90, 120);
    other[10 + at]! ^= 1;
    assert.equal(stream.add({ offset: 90, data: other }), false, `byte ${at}`);
  }
});

Deno.test("a stream is read up to 16 KiB, and no offset makes it take more room", () => {
  const limit = 16 * 1024;
  const stream = new CryptoStream();
  assert.ok(stream.add({ offset: limit - 1, data: Uint8Array.of(1) }));
  assert.ok(stream.add({ offset: limit, data: new Uint8Array(0) }));
  for (const offset of [limit, 2 ** 31, 2 ** 53, 2 ** 62]) {
    assert.equal(stream.add({ offset, data: Uint8Array.of(1) }), false, `${offset}`);
  }
  assert.ok(stream.add({ offset: 0, data: new Uint8Array(limit - 1) }));
  assert.equal(stream.start.length, limit);
});
