import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeInitials } from "../../../lib/explain/quic_initial.ts";
import { cryptoFrames } from "../../../probes/quic_crypto.ts";
import { initialKeys, openPacket } from "../../../probes/quic_keys.ts";
import { coalescedPackets, QUIC_V1, QUIC_V2 } from "../../../probes/quic_packet.ts";
import { concat } from "../../support/bytes.ts";
import { packet } from "../../support/quic.ts";

const DCID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

Deno.test("an Initial is sealed as the encoder of the tests seals it", () => {
  const hello = new Uint8Array(1300).fill(0x16);
  const padded = (frame: Uint8Array) => concat(frame, new Uint8Array(1165 - frame.length));
  // Offsets and lengths take two bytes each, also where one would do.
  const first = padded(concat(6, 0x40, 0, 0x44, 0x88, hello.subarray(0, 1160)));
  const second = padded(concat(6, 0x44, 0x88, 0x40, 140, hello.subarray(1160)));
  assert.deepEqual(encodeInitials(hello), [
    packet({ dcid: DCID, number: 0, frames: first }),
    packet({ dcid: DCID, number: 1, frames: second }),
  ]);
});

Deno.test("version 2 and another connection ID are sealed as the encoder of the tests seals them", () => {
  const dcid = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
  const frames = new Uint8Array(1165);
  frames.set([6, 0x40, 0, 0x40, 3, 1, 2, 3]);
  const hello = Uint8Array.of(1, 2, 3);
  const both = [[QUIC_V2, dcid], [QUIC_V2, DCID], [QUIC_V1, dcid]] as const;
  for (const [version, connectionId] of both) {
    const expected = packet({ version, dcid: connectionId, frames });
    assert.deepEqual(encodeInitials(hello, { version, connectionId }), [expected]);
  }
});

Deno.test("what is sealed can be opened, and the pieces are the hello", () => {
  const keys = initialKeys(QUIC_V1, DCID, "client");
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 4000 }), (hello) => {
      const pieces = encodeInitials(hello).flatMap((datagram, number) => {
        assert.equal(datagram.length, 1200);
        const [only, ...more] = coalescedPackets(datagram);
        assert(only !== undefined && more.length === 0);
        const opened = openPacket(only, keys, number - 1);
        assert.equal(opened?.packetNumber, number);
        return cryptoFrames(opened.frames) ?? [];
      });
      assert.deepEqual(pieces.map(({ offset }) => offset), pieces.map((_, at) => at * 1160));
      assert.deepEqual(concat(...pieces.map(({ data }) => data)), new Uint8Array(hello));
    }),
    { numRuns: 30 },
  );
});

Deno.test("more than a stream of 16 KiB is refused", () => {
  assert.throws(() => encodeInitials(new Uint8Array(0x4000)), RangeError);
  assert.equal(encodeInitials(new Uint8Array(0x3fff)).length, 15);
});
