import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  encodeFrame,
  type End,
  type Frame,
  FrameReader,
  type FrameType,
  LONGEST_DATA,
  LONGEST_DATAGRAM,
  ProtocolError,
} from "../../../lib/tunnel/frames.ts";

const concat = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

interface Sent {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

/** Reads `bytes` in pieces of `cuts` bytes, in turn, and joins what came of each `data` frame with its neighbours. */
function readAll(from: End, bytes: Uint8Array, cuts: readonly number[]): readonly Sent[] {
  const reader = new FrameReader(from);
  const frames: Sent[] = [];
  let turn = 0;
  for (let at = 0; at < bytes.length;) {
    const room = reader.room();
    const length = Math.min(room.length, cuts[turn++ % cuts.length] ?? 1, bytes.length - at);
    room.set(bytes.subarray(at, at + length));
    reader.filled(length);
    at += length;
    for (let frame: Frame | undefined; (frame = reader.next()) !== undefined;) {
      frames.push({ type: frame.type, payload: frame.payload.slice() });
    }
  }
  assert.ok(reader.isBetweenFrames);
  return joinedData(frames);
}

function joinedData(frames: readonly Sent[]): readonly Sent[] {
  const joined: Sent[] = [];
  for (const frame of frames) {
    const last = joined.at(-1);
    if (frame.type !== "data" || last?.type !== "data") joined.push(frame);
    else {
      const payload = concat(last.payload, frame.payload);
      joined[joined.length - 1] = { type: "data", payload };
    }
  }
  return joined;
}

const LENGTHS: Partial<Record<FrameType, number>> = {
  visit: 16_384,
  tickets: 16_384,
  goodbye: 16_384,
  data: LONGEST_DATA,
  datagram: LONGEST_DATAGRAM,
  ping: 0,
  end: 0,
};

const sent: fc.Arbitrary<Sent> = fc.constantFrom(...Object.entries(LENGTHS)).chain(
  ([type, longest]) =>
    fc.oneof({ weight: 4, arbitrary: fc.nat(Math.min(longest, 300)) }, fc.nat(longest)).map((
      length,
    ) => ({
      type: type as FrameType,
      payload: new Uint8Array(length).fill(length),
    })),
);

Deno.test("wherever the stream is cut, the same frames come out of it", () => {
  const cuts = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 70_000 })),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 12 }), cuts, (frames, cuts) => {
      const bytes = concat(...frames.map(({ type, payload }) => encodeFrame(type, payload)));
      const read = readAll("edge", bytes, cuts);
      const whole = joinedData(frames);
      assert.deepEqual(read.map(({ type }) => type), whole.map(({ type }) => type));
      // assert.deepEqual looks at every byte by itself.
      for (const [i, { payload }] of read.entries()) {
        assert.ok(Buffer.compare(payload, whole[i]!.payload) === 0);
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("whatever comes, nothing but a protocol error is thrown, and memory is bounded", () => {
  const almostFrames = fc.array(
    fc.tuple(fc.nat(255), fc.nat(70_000), fc.uint8Array({ maxLength: 200 })),
    { maxLength: 20 },
  ).map((frames) =>
    concat(
      ...frames.map(([type, length, payload]) =>
        Uint8Array.of(type, length >> 16, length >> 8, length, ...payload)
      ),
    )
  );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 5000 }), almostFrames), (bytes) => {
      const reader = new FrameReader("agent");
      try {
        for (let at = 0; at < bytes.length;) {
          const room = reader.room();
          assert.ok(room.length > 0 && room.buffer.byteLength <= 278_528);
          const length = Math.min(room.length, bytes.length - at);
          room.set(bytes.subarray(at, at += length));
          reader.filled(length);
          while (reader.next() !== undefined);
        }
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a reader takes memory as bytes come, not as they are announced", () => {
  const reader = new FrameReader("edge");
  const header = Uint8Array.of(
    37,
    LONGEST_DATAGRAM >> 16,
    LONGEST_DATAGRAM >> 8 & 255,
    LONGEST_DATAGRAM & 255,
  );
  reader.room().set(header);
  reader.filled(header.length);
  assert.equal(reader.next(), undefined);
  assert.ok(reader.room().buffer.byteLength <= 4096);
});

Deno.test("a reader whose stream is fast takes more at once, and gives the memory back", () => {
  const reader = new FrameReader("edge");
  const sizes = new Set<number>();
  const fill = (length: number) => {
    const room = reader.room();
    sizes.add(room.buffer.byteLength);
    reader.filled(Math.min(length, room.length));
  };
  // One endless row of `data` frames, as long as may be.
  const frame = encodeFrame("data", new Uint8Array(LONGEST_DATA));
  let at = 0;
  const more = (length: number) => {
    const room = reader.room();
    const count = Math.min(room.length, length);
    for (let i = 0; i < count; i++) room[i] = frame[(at + i) % frame.length]!;
    at += count;
    fill(count);
    while (reader.next() !== undefined);
  };
  for (let i = 0; i < 10; i++) more(1_000_000);
  assert.deepEqual([...sizes], [4096, 69_632, 278_528]);
  for (let i = 0; i < 10; i++) more(100);
  assert.equal(reader.room().buffer.byteLength, 4096);
});

const REFUSED: Readonly<Record<string, [End, Uint8Array, RegExp]>> = {
  "of a type that there is not": ["agent", Uint8Array.of(13, 0, 0, 0), /no frame of type 13/],
  "of type 0": ["agent", Uint8Array.of(0, 0, 0, 0), /no frame of type 0/],
  "that only the other end sends": [
    "agent",
    Uint8Array.of(33, 0, 0, 2),
    /visit does not come from the agent/,
  ],
  "that is longer than its type may be": [
    "agent",
    Uint8Array.of(1, 0, 0x40, 1),
    /hello: 16385 bytes are announced, and 16384 are allowed/,
  ],
  "with bytes where there are none": ["edge", Uint8Array.of(10, 0, 0, 1), /ping: 1 bytes/],
  "of data that is too long": ["edge", Uint8Array.of(36, 1, 0, 1), /data: 65537 bytes/],
  "of a datagram that is too long": [
    "edge",
    Uint8Array.of(37, 0, 0xff, 0xe4),
    /datagram: 65508 bytes/,
  ],
};
for (const [what, [from, bytes, message]] of Object.entries(REFUSED)) {
  Deno.test(`a frame ${what} is refused at its header`, () => {
    const reader = new FrameReader(from);
    reader.room().set(bytes);
    reader.filled(bytes.length);
    assert.throws(() => reader.next(), (error) => {
      assert.ok(error instanceof ProtocolError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("what is too long for a frame is not encoded", () => {
  assert.throws(() => encodeFrame("ping", new Uint8Array(1)), RangeError);
  assert.throws(() => encodeFrame("data", new Uint8Array(LONGEST_DATA + 1)), RangeError);
  assert.equal(encodeFrame("data", new Uint8Array(LONGEST_DATA)).length, LONGEST_DATA + 4);
});
