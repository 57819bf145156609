import assert from "node:assert/strict";
import fc from "fast-check";
import { quic } from "../../probes/quic.ts";
import { QUIC_V1, QUIC_V2 } from "../../probes/quic_packet.ts";
import { concat } from "../support/bytes.ts";
import { extension, helloBody, helloMessage } from "../support/client_hello.ts";
import { datagramBreach } from "../support/datagram_contract.ts";
import { cryptoFrame, datagram, packet, type PacketParts } from "../support/quic.ts";
import { datagramSamples } from "../support/samples.ts";

/** As long as one with a post-quantum key. */
const HELLO = helloMessage(helloBody({
  serverName: "a.example.com",
  alpns: ["h3", "h3-29"],
  extensions: [extension(51, new Uint8Array(1216).fill(0xa5))],
}));

const COALESCED = 4;
const DATAGRAMS = 8;

/** How a client sends its hello: which bytes in which frame, and what kind of packets these are in. */
interface Sending {
  /** Where the hello is cut into pieces, each sent at least once. */
  readonly cuts: readonly number[];
  /** Further pieces, start and end: repetitions and overlaps. */
  readonly again: readonly (readonly [number, number])[];
  /** Sorted by them, the pieces are shuffled. */
  readonly order: readonly number[];
  /** Pieces of a packet; then packets of a datagram. */
  readonly perPacket: readonly number[];
  readonly perDatagram: readonly number[];
  readonly parts: PacketParts;
}

const at = fc.nat(HELLO.length);
const sending: fc.Arbitrary<Sending> = fc.record({
  cuts: fc.array(at, { maxLength: 11 }),
  again: fc.array(fc.tuple(at, at), { maxLength: 5 }),
  order: fc.array(fc.nat(), { minLength: 17, maxLength: 17 }),
  perPacket: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 17, maxLength: 17 }),
  perDatagram: fc.array(fc.integer({ min: 1, max: COALESCED }), { minLength: 17, maxLength: 17 }),
  parts: fc.record({
    version: fc.constantFrom(QUIC_V1, QUIC_V2),
    dcid: fc.uint8Array({ minLength: 8, maxLength: 20 }),
    scid: fc.uint8Array({ maxLength: 20 }),
    token: fc.uint8Array({ maxLength: 100 }),
    number: fc.constantFrom(0, 1, 120, 250, 0xfffa, 0xfffffa, 0xfffffff0),
  }),
});

/** The datagrams of a sending; none if they are more than a client's first flight can be. */
function datagramsOf({ cuts, again, order, perPacket, perDatagram, parts }: Sending) {
  const ends = [...cuts, HELLO.length].sort((a, b) => a - b);
  const pieces = [
    ...ends.map((end, i) => cryptoFrame(HELLO, ends[i - 1] ?? 0, end)),
    ...again.map(([a, b]) => cryptoFrame(HELLO, Math.min(a, b), Math.max(a, b))),
  ].map((piece, i) => ({ piece, rank: order[i] ?? 0 }))
    .sort((a, b) => a.rank - b.rank).map(({ piece }) => piece);
  const { number: first = 0 } = parts;
  const packets = inGroups(pieces, perPacket).map((frames, i) => {
    const number = first + i;
    const numberLength = Math.max(1, Math.ceil(Math.log2(number + 1) / 8));
    return packet({ ...parts, number, numberLength, frames: concat(1, ...frames, 0, 0) });
  });
  return inGroups(packets, perDatagram).map((group) => datagram(...group));
}

function inGroups<Item>(items: readonly Item[], sizes: readonly number[]): Item[][] {
  const groups: Item[][] = [];
  let from = 0;
  for (let i = 0; from < items.length; i++) {
    const size = sizes[i] ?? COALESCED;
    groups.push(items.slice(from, from + size));
    from += size;
  }
  return groups;
}

Deno.test("a hello is read the same, however it is cut, shuffled, repeated and spread", () => {
  let spread = 0;
  fc.assert(
    fc.property(sending, (sending) => {
      const datagrams = datagramsOf(sending);
      fc.pre(datagrams.length <= DATAGRAMS && datagrams.every(({ length }) => length <= 4096));
      spread += datagrams.length > 1 ? 1 : 0;
      const answer = quic(datagrams, false);
      assert.ok(answer.kind === "match");
      const { serverName, alpns, details } = answer.facts;
      assert.equal(serverName, "a.example.com");
      assert.deepEqual(alpns, ["h3", "h3-29"]);
      const { version, dcid, scid } = sending.parts;
      assert.equal(details?.version, version === QUIC_V1 ? "1" : "2");
      assert.equal(details?.dcid, dcid?.toHex());
      assert.equal(details?.scid, scid?.toHex());
      assert.equal(datagramBreach(quic, datagrams), undefined);
    }),
    { numRuns: 300 },
  );
  assert.ok(spread > 30, `${spread} in several datagrams`);
});

Deno.test("a hello of which one byte is missing is waited for", () => {
  const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  fc.assert(
    fc.property(fc.nat(HELLO.length - 1), order, (missing, order) => {
      const pieces = [
        cryptoFrame(HELLO, 0, missing),
        cryptoFrame(HELLO, missing, missing + 1),
        cryptoFrame(HELLO, missing + 1),
      ];
      const datagrams = order.map((i, number) =>
        datagram(packet({ number, frames: concat(pieces[i]!, 0, 0, 0) }))
      );
      const kinds = datagrams.map((_, i) => quic(datagrams.slice(0, i + 1), false).kind);
      // At either end the piece on one side is empty, and may be the last to come.
      const empty = missing === 0 ? 0 : missing === HELLO.length - 1 ? 2 : undefined;
      const last = order[2] === empty ? "match" : "need";
      assert.deepEqual(kinds, ["need", last, "match"]);
    }),
    { numRuns: 200 },
  );
});

Deno.test("frames of any bytes, sealed as they should be, break no contract", () => {
  const frames = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 1100 }),
    // Real ones with a changed byte: these are followed further.
    fc.record({ at: fc.nat(300), to: fc.nat(255), cut: fc.nat(300) }).map(({ at, to, cut }) => {
      const changed = concat(cryptoFrame(HELLO, cut, 700), cryptoFrame(HELLO, 0, cut), 0, 0, 0);
      changed[at] = to;
      return changed;
    }),
  );
  const packets = fc.array(fc.tuple(frames, fc.nat(3)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(packets, (packets) => {
      const datagrams = packets.map(([frames, number]) => datagram(packet({ number, frames })));
      assert.equal(datagramBreach(quic, datagrams), undefined);
    }),
    { numRuns: 300 },
  );
});

Deno.test("one changed byte of a real client's flight breaks no contract, and never changes its names", () => {
  const flights = datagramSamples().filter(({ protocol }) => protocol === "quic");
  assert.ok(flights.length > 0);
  const change = fc.tuple(fc.constantFrom(...flights), fc.nat(), fc.nat(), fc.nat({ max: 254 }));
  fc.assert(
    fc.property(change, ([{ datagrams, facts }, which, where, add]) => {
      const changed = datagrams.map((datagram) => datagram.slice());
      const datagram = changed[which % changed.length]!;
      datagram[where % datagram.length]! += 1 + add;
      assert.equal(datagramBreach(quic, changed), undefined);
      const answer = quic(changed, true);
      const name = answer.kind === "match" ? answer.facts.serverName : undefined;
      assert.ok(name === undefined || name === facts.serverName, name);
    }),
    { numRuns: 500 },
  );
});

Deno.test("what was asked before about the same datagrams changes no answer", () => {
  const conversations = datagramSamples().filter(({ datagrams, protocol }) =>
    protocol === "quic" && datagrams.length > 1
  );
  assert.ok(conversations.length > 0);
  const question = fc.record({ first: fc.nat(2), count: fc.nat(8), final: fc.boolean() });
  for (const { name, datagrams } of conversations) {
    fc.assert(
      fc.property(fc.array(question, { maxLength: 12 }), (questions) => {
        const kept = datagrams.map((each) => each.slice());
        for (const { first, count, final } of questions) {
          const asked = kept.slice(first, first + count);
          const copies = asked.map((each) => each.slice());
          assert.deepEqual(quic(asked, final), quic(copies, final), name);
        }
      }),
      { numRuns: 30 },
    );
  }
});
