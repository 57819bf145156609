import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { quic } from "../../probes/quic.ts";
import { concat } from "../support/bytes.ts";
import { cryptoFrame, datagram, packet } from "../support/quic.ts";

const CLIENTS = 400;
/** What is kept to read a client's next datagram may be as much as its datagrams, and this for each of them. */
const MOST_BESIDE = 2500;
/** The furthest byte of a handshake that is read. */
const FURTHEST = 16 * 1024 - 1;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes that are in use. */
function used(): number {
  collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** A CRYPTO frame at `offset` of a stream that nobody has. */
function frameAt(offset: number, length: number): Uint8Array {
  const stream = new Uint8Array(offset + length).fill(7);
  return cryptoFrame(stream, offset, offset + length);
}

const KINDS: Readonly<Record<string, Uint8Array>> = {
  "name the furthest offset": frameAt(FURTHEST, 1),
  "hold as many gaps as they can": concat(
    ...Array.from({ length: 200 }, (_, i) => frameAt(64 + 80 * i, 1)),
  ),
};

for (const [what, frames] of Object.entries(KINDS)) {
  Deno.test(`hellos that ${what} cost no more memory than what was sent`, () => {
    const clients = Array.from({ length: CLIENTS }, (_, i) =>
      [0, 1].map((number) => {
        const dcid = concat(i >> 8, i & 255, number, 1, 2, 3, 4, 5);
        return datagram(packet({ dcid, number, frames })).slice();
      }));
    const before = used();
    for (const datagrams of clients) {
      assert.equal(quic(datagrams.slice(0, 1), false).kind, "need");
      assert.equal(quic(datagrams, false).kind, "need");
    }
    const sent = clients.flat().reduce((sum, { length }) => sum + length, 0);
    const most = sent + clients.flat().length * MOST_BESIDE;
    const grown = used() - before;
    assert.ok(grown <= most, `${CLIENTS} clients sent ${sent} bytes and cost ${grown}`);
  });
}
