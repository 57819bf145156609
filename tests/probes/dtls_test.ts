import assert from "node:assert/strict";
import fc from "fast-check";
import { dtls, opensHandshake, serverConnectionId } from "../../probes/dtls.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { extension, helloBody, type HelloParts } from "../support/client_hello.ts";
import { overlookedBytes } from "../support/datagrams.ts";
import { range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const NEED = { kind: "need" };
const PARTS = { serverName: "example.com", alpns: ["coap"], versions: [0xfefc, 0xfefd] };
const match = (details: Record<string, string | boolean>) => ({
  kind: "match",
  facts: { protocol: "dtls", serverName: "example.com", alpns: ["coap"], details },
});
const MATCH = match({ versions: "1.3,1.2" });

/** Where the cookie is in a hello: behind version, random and session ID. */
const COOKIE_AT = 2 + 32 + 33;

/** A hello without its message header. */
function hello(parts: HelloParts = PARTS, cookie = "") {
  const body = helloBody(parts);
  const start = body.subarray(2, COOKIE_AT);
  return concat(0xfe, 0xfd, start, prefixed(1, bytes(cookie)), body.subarray(COOKIE_AT));
}

/** The bytes from `from` to before `to` of a hello, behind their header. */
function fragment(body: Uint8Array, from = 0, to = body.length, messageNumber = 0) {
  const length = prefixed(3, body).subarray(0, 3);
  const offset = [from >> 16, from >> 8 & 0xff, from & 0xff];
  const piece = prefixed(3, body.subarray(from, to));
  return concat(1, length, 0, messageNumber, Uint8Array.from(offset), piece);
}

function record(...fragments: Uint8Array[]) {
  return concat(22, 0xfe, 0xfd, "\0".repeat(8), prefixed(2, concat(...fragments)));
}

/** Datagrams with a record each, `length` bytes of the hello in every one. */
function cut(body: Uint8Array, length: number) {
  const starts = range(0, Math.ceil(body.length / length)).map((i) => i * length);
  return starts.map((from) => record(fragment(body, from, Math.min(from + length, body.length))));
}

Deno.test("a hello in one record gives its name, protocols and versions", () => {
  assert.deepEqual(dtls([record(fragment(hello()))], false), MATCH);
  assert.deepEqual(dtls([record(fragment(hello()))], true), MATCH);
});

Deno.test("a hello without extensions says its version by its own field", () => {
  const details = { versions: "1.2" };
  const facts = { protocol: "dtls", details };
  assert.deepEqual(dtls([record(fragment(hello({})))], false), { kind: "match", facts });
});

Deno.test("versions have the names that people know", () => {
  const versions = [0xfeff, 0xfefd, 0xfefc, 0xfefb];
  const result = dtls([record(fragment(hello({ ...PARTS, versions })))], false);
  assert.deepEqual(result, match({ versions: "1.0,1.2,1.3,0xfefb" }));
});

Deno.test("a hello that brings a cookie back is one, and says so", () => {
  const body = hello(PARTS, "\xaa".repeat(255));
  const datagram = record(fragment(body, 0, body.length, 1));
  assert.deepEqual(dtls([datagram], false), match({ versions: "1.3,1.2", retry: true }));
  const third = record(fragment(body, 0, body.length, 2));
  assert.deepEqual(dtls([third], false), NO);
});

Deno.test("an offer of connection IDs and an encrypted hello are noted", () => {
  const extensions = [extension(54, bytes("\x02\x01\x02")), extension(0xfe0d, bytes("…"))];
  const result = dtls([record(fragment(hello({ ...PARTS, extensions })))], false);
  assert.deepEqual(result, match({ versions: "1.3,1.2", connectionId: true, ech: true }));
});

Deno.test("fragments make a hello wherever they are cut, over records or datagrams", () => {
  const body = hello();
  for (let at = 1; at < body.length; at++) {
    const [first, second] = [fragment(body, 0, at), fragment(body, at)];
    assert.deepEqual(dtls([record(first), record(second)], false), MATCH, `datagrams at ${at}`);
    assert.deepEqual(
      dtls([concat(record(first), record(second))], false),
      MATCH,
      `records at ${at}`,
    );
    assert.deepEqual(dtls([record(first, second)], false), MATCH, `one record at ${at}`);
    assert.deepEqual(dtls([record(first)], false), NEED, `half at ${at}`);
    assert.deepEqual(dtls([record(first)], true), NO, `half at ${at}, and no more`);
  }
});

Deno.test("fragments may come in any order, repeated and overlapping", () => {
  const body = hello();
  const piece = fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.infiniteStream(fc.nat()),
      (pieces, order) => {
        const strays = pieces.map(([from, length]) =>
          record(fragment(body, from, Math.min(from + length, body.length)))
        );
        const datagrams = [...cut(body, 20), ...strays]
          .map((datagram) => ({ datagram, at: order.next().value }))
          .sort((a, b) => a.at - b.at).map(({ datagram }) => datagram);
        assert.deepEqual(dtls(datagrams, false), MATCH);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("what follows a whole hello changes nothing", () => {
  const whole = record(fragment(hello()));
  assert.deepEqual(dtls([concat(whole, "\x2e\x01")], false), MATCH, "early data");
  assert.deepEqual(dtls([whole, bytes("anything")], false), MATCH);
  assert.deepEqual(dtls([record(concat(fragment(hello()), "junk"))], false), MATCH);
});

Deno.test("fragments that contradict each other say no", () => {
  const body = hello();
  const other = body.slice();
  other[30]! ^= 1;
  const half = record(fragment(body, 0, 60));
  assert.deepEqual(dtls([half, record(fragment(other, 20))], false), NO, "other bytes");
  assert.deepEqual(
    dtls([half, record(fragment(body, 60, body.length, 1))], false),
    NO,
    "a message",
  );
  const longer = record(fragment(concat(body, 0), 60));
  assert.deepEqual(dtls([half, longer], false), NO, "another length");
});

Deno.test("something else between the fragments says no", () => {
  const [first, ...rest] = cut(hello(), 60);
  assert.ok(first !== undefined && rest.length > 0);
  for (const stranger of [bytes(""), bytes("\x15"), bytes("hello")]) {
    assert.deepEqual(dtls([first, stranger, ...rest], false), NO);
  }
});

Deno.test("no more than 32 fragments are gathered", () => {
  const body = hello();
  const [first, last] = [fragment(body, 0, 60), fragment(body, 60)];
  const repeated = (count: number) => [record(...Array(count).fill(first)), record(last)];
  assert.deepEqual(dtls(repeated(31), false), MATCH);
  assert.deepEqual(dtls(repeated(32), false), NO);
});

Deno.test("one wrong byte in the header of the record or of the fragment says no", () => {
  const datagram = record(fragment(hello()));
  const sequenceNumber = range(5, 11);
  const minorVersion = 2;
  // The fragment's own length and that of the message can each become one that wants another fragment.
  const lengths = [...range(14, 17), ...range(22, 25)];
  const fixed = range(0, 25)
    .filter((at) => ![...sequenceNumber, minorVersion, ...lengths].includes(at))
    .filter((at) => at !== 18); // The message number may be 1.
  const waiting = overlookedBytes(dtls, datagram, [...fixed, minorVersion, 18]);
  assert.deepEqual(waiting, ["0xff at 2: match", "0x1 at 18: match"]);
  assert.deepEqual(overlookedBytes(dtls, datagram, [25]), [], "the version in the hello");
});

Deno.test("a fragment inside its record, a record inside its datagram, or it is none", () => {
  const body = hello();
  const whole = record(fragment(body));
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual(dtls([whole.subarray(0, length)], false), NO, `${length}`);
  }
  const past = fragment(body).slice();
  past[11]! += 1;
  assert.deepEqual(dtls([record(past)], false), NO, "past its record");
  const beyond = fragment(body, 0, 60);
  beyond[8] = body.length - 59;
  assert.deepEqual(dtls([record(beyond)], false), NO, "past the message");
});

Deno.test("an empty record and an empty fragment say no", () => {
  assert.deepEqual(dtls([record()], false), NO);
  assert.deepEqual(dtls([record(fragment(hello(), 0, 0))], false), NO);
});

Deno.test("a record is as long as records can be", () => {
  const body = hello({ ...PARTS, extensions: [extension(21, new Uint8Array(17_000))] });
  const of = (length: number) => record(fragment(body, 0, length - 12));
  assert.deepEqual(dtls([of(2 ** 14), record(fragment(body, 2 ** 14 - 12))], false), MATCH);
  assert.deepEqual(dtls([of(2 ** 14 + 1)], false), NO);
});

Deno.test("a message longer than any hello can be is not waited for", () => {
  const claimed = (length: number) => {
    const piece = fragment(hello(), 0, 60);
    piece.set([length >> 16, length >> 8 & 0xff, length & 0xff], 1);
    return dtls([record(piece)], false);
  };
  assert.deepEqual(claimed(131_652), NEED);
  assert.deepEqual(claimed(131_653), NO);
  assert.deepEqual(claimed(0xffffff), NO);
});

Deno.test("a hello whose insides do not fit is no hello", () => {
  const body = hello();
  for (const wrong of [body.subarray(0, -1), concat(body, 0), concat(3, 3, body.subarray(2))]) {
    assert.deepEqual(dtls([record(fragment(wrong))], false), NO);
  }
  const plain = concat(0xfe, 0xfd, helloBody(PARTS).subarray(2));
  assert.deepEqual(dtls([record(fragment(plain))], false), NO, "without a cookie's length");
});

const ID = bytes("\x01\x02\x03\x04\x05\x06");

/** A ServerHello, in a record with `behind` it; `shown` bytes of it are in its first fragment. */
function serverHello(extensions: readonly Uint8Array[], shown = Infinity, behind = bytes("")) {
  const hello = concat(0xfe, 0xfd, "r".repeat(32), 2, "id", 0xc0, 0xa8, 0);
  const body = extensions.length === 0 ? hello : concat(hello, prefixed(2, concat(...extensions)));
  const length = prefixed(3, body).subarray(0, 3);
  const piece = prefixed(3, body.subarray(0, shown));
  return record(concat(2, length, 0, 0, 0, 0, 0, piece, behind));
}

Deno.test("a ServerHello says the connection ID that it wants to be addressed by (RFC 9146 §3)", () => {
  const connectionId = extension(54, prefixed(1, ID));
  const others = [extension(43, bytes("\xfe\xfc")), extension(51, new Uint8Array(1100))];
  assert.deepEqual(serverConnectionId(serverHello([connectionId])), ID);
  assert.deepEqual(serverConnectionId(serverHello([...others, connectionId])), ID);
  const certificate = concat(11, "\0".repeat(20));
  const flight = serverHello([connectionId, ...others], Infinity, certificate);
  assert.deepEqual(serverConnectionId(concat(flight, record(certificate))), ID);
  assert.equal(serverConnectionId(serverHello(others)), undefined);
  assert.equal(serverConnectionId(serverHello([])), undefined);
  assert.deepEqual(serverConnectionId(serverHello([extension(54, bytes("\0"))])), bytes(""));
});

Deno.test("in a fragment of a ServerHello the connection ID is found if it is there", () => {
  const hello = [extension(54, prefixed(1, ID)), extension(51, new Uint8Array(1100))];
  assert.deepEqual(serverConnectionId(serverHello(hello, 200)), ID);
  assert.equal(serverConnectionId(serverHello(hello.toReversed(), 200)), undefined);
  const later = serverHello(hello);
  later[13 + 8] = 1; // Its offset in the message.
  assert.equal(serverConnectionId(later), undefined);
});

Deno.test("what is cut off, or is no ServerHello, says no connection ID", () => {
  const whole = serverHello([extension(54, prefixed(1, ID))]);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(serverConnectionId(whole.subarray(0, length)), undefined, `${length}`);
  }
  // The type of the record, its version, its epoch, the type of the message.
  for (const at of [0, 1, 2, 3, 4, 13]) {
    const changed = whole.slice();
    changed[at]! ^= 0x40;
    assert.equal(serverConnectionId(changed), undefined, `${at}`);
  }
  const offered = record(fragment(hello({ extensions: [extension(54, prefixed(1, ID))] })));
  assert.equal(serverConnectionId(offered), undefined);
});

Deno.test("a handshake is opened by a hello or a piece of one, in the clear", () => {
  const body = hello();
  for (const datagram of [record(fragment(body)), ...cut(body, 60)]) {
    assert.ok(opensHandshake(datagram));
    for (const at of [0, 1, 3, 4, 13]) {
      const changed = datagram.slice();
      changed[at]! ^= 0x40;
      assert.ok(!opensHandshake(changed), `${at}`);
    }
    assert.ok(!opensHandshake(datagram.subarray(0, 13)));
  }
  assert.ok(!opensHandshake(serverHello([])));
});
