import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeInnerHello, readHello } from "../../../lib/ech/inner_hello.ts";
import { ByteReader } from "../../../probes/bytes.ts";
import { clientHello } from "../../../probes/client_hello.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { extension, serverNameExtension } from "../../support/client_hello.ts";
import {
  ALPNS,
  body,
  ENCODED,
  GROUPS,
  INNER,
  INNER_BODY,
  KEY_SHARE,
  OUTER,
  outerExtensions,
  SESSION_ID,
  TLS_1_3,
} from "./ech_client.ts";

const NO_ID = bytes("");
const SEALED = extension(0xfe0d, new Uint8Array(9));

/** Decodes `encoded` as if it had come in a hello with the extensions `outer`. */
function decode(encoded: Uint8Array, outer: readonly Uint8Array[] = [...OUTER, SEALED]) {
  return decodeInnerHello(encoded, readHello(new ByteReader(body(SESSION_ID, ...outer), false)));
}

Deno.test("an inner hello gets its session ID and the extensions it left out, each in its place", () => {
  assert.deepEqual(decode(ENCODED), {
    body: INNER_BODY,
    serverName: "private.example",
    alpns: ["h2"],
  });
});

Deno.test("what it left nothing out of comes out as it is, without a name or protocols", () => {
  assert.deepEqual(decode(body(NO_ID, INNER, TLS_1_3)), { body: body(SESSION_ID, INNER, TLS_1_3) });
});

Deno.test("extensions left out need not be contiguous in the outer hello", () => {
  // The example of RFC 9849 §5.1: A, B, C of an outer A, D, B, C, E, F.
  const [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map((type) => extension(type, concat(type))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const encoded = body(NO_ID, INNER, outerExtensions(1, 2, 3), TLS_1_3);
  assert.deepEqual(
    decode(encoded, [a, d, b, c, e, f])?.body,
    body(SESSION_ID, INNER, a, b, c, TLS_1_3),
  );
});

Deno.test("padding of any length is cut off, if it is all zeros", () => {
  for (const length of [0, 1, 31, 5000]) {
    const encoded = concat(ENCODED, new Uint8Array(length));
    assert.deepEqual(decode(encoded)?.body, INNER_BODY);
    encoded[encoded.length - 1] = 1;
    if (length > 0) assert.equal(decode(encoded), undefined, `${length}`);
  }
});

Deno.test("an inner hello that breaks a rule of RFC 9849 is none", () => {
  const encodings: Record<string, Uint8Array> = {
    "nothing": bytes(""),
    "zeros": new Uint8Array(100),
    "no extensions": body(NO_ID, INNER, TLS_1_3).subarray(0, 43),
    "a session ID of its own": body(concat(1), INNER, TLS_1_3),
    "no mark of an inner hello": body(NO_ID, ALPNS, TLS_1_3),
    "the mark of an outer hello": body(NO_ID, SEALED, TLS_1_3),
    "a mark with more behind it": body(NO_ID, extension(0xfe0d, concat(1, 0)), TLS_1_3),
    "the mark twice": body(NO_ID, INNER, INNER, TLS_1_3),
    "TLS 1.2 beside 1.3": body(NO_ID, INNER, extension(43, prefixed(1, concat(3, 4, 3, 3)))),
    "TLS 1.2 alone": body(NO_ID, INNER, extension(43, prefixed(1, concat(3, 3)))),
    "no versions": body(NO_ID, INNER),
    "an empty list of versions": body(NO_ID, INNER, extension(43, concat(0))),
    "an extension that the outer hello has not": body(NO_ID, INNER, outerExtensions(5), TLS_1_3),
    "extensions in another order": body(NO_ID, INNER, outerExtensions(51, 10), TLS_1_3),
    "an extension twice": body(NO_ID, INNER, outerExtensions(10, 10), TLS_1_3),
    "an extension that it has itself": body(NO_ID, INNER, GROUPS, outerExtensions(10), TLS_1_3),
    "the sealed extension": body(NO_ID, INNER, outerExtensions(0xfe0d), TLS_1_3),
    "the extension that stands for others": body(NO_ID, INNER, outerExtensions(0xfd00), TLS_1_3),
    "two lists": body(NO_ID, INNER, outerExtensions(10), outerExtensions(51), TLS_1_3),
    "an empty list": body(NO_ID, INNER, outerExtensions(), TLS_1_3),
    "half a type": body(NO_ID, INNER, extension(0xfd00, concat(3, 0, 10, 0)), TLS_1_3),
    "a byte behind the list": body(NO_ID, INNER, extension(0xfd00, concat(2, 0, 10, 0)), TLS_1_3),
    "a list that does not fit": body(NO_ID, INNER, extension(0xfd00, concat(4, 0, 10)), TLS_1_3),
  };
  const outer = [...OUTER, SEALED, outerExtensions(10)];
  for (const [what, encoded] of Object.entries(encodings)) {
    assert.equal(decode(encoded, outer), undefined, what);
  }
  assert.ok(decode(body(NO_ID, INNER, outerExtensions(10, 51), TLS_1_3), outer));
});

Deno.test("a hello that would not fit its length prefix is none", () => {
  const large = extension(5, new Uint8Array(40_000));
  const own = extension(6, new Uint8Array(26_000));
  const encoded = body(NO_ID, INNER, outerExtensions(5), own, TLS_1_3);
  assert.equal(decode(encoded, [large, SEALED]), undefined);
  assert.ok(decode(body(NO_ID, INNER, outerExtensions(5), TLS_1_3), [large, SEALED]));
});

Deno.test("what comes out is no longer than what came in", () => {
  const decoys = fc.array(fc.constantFrom(5, 10, 0xfe0d, 0xfd00), { maxLength: 2 });
  let decodedSome = 0;
  fc.assert(
    fc.property(fc.subarray([0, 10, 51]), decoys, (types, decoys) => {
      const encoded = body(NO_ID, INNER, outerExtensions(...types, ...decoys), TLS_1_3);
      const decoded = decode(encoded);
      if (decoded === undefined) return;
      decodedSome++;
      assert.ok(decoded.body.length <= encoded.length + body(SESSION_ID, ...OUTER).length);
    }),
  );
  assert.ok(decodedSome > 0);
});

Deno.test("an inner hello cut short is none, and with any byte changed a hello or none", () => {
  for (let at = 0; at < ENCODED.length; at++) {
    for (let flip = 1; flip < 256; flip <<= 1) {
      const changed = ENCODED.slice();
      changed[at]! ^= flip;
      const decoded = decode(changed);
      if (decoded === undefined) continue;
      assert.ok(clientHello(new ByteReader(decoded.body, false)), `byte ${at}`);
    }
  }
  const end = ENCODED.length - 50;
  for (let length = 0; length < end; length++) {
    assert.equal(decode(ENCODED.subarray(0, length)), undefined, `cut to ${length}`);
  }
  assert.ok(decode(ENCODED.subarray(0, end)));
});

Deno.test("a name is compared as names are", () => {
  const encoded = body(NO_ID, serverNameExtension("Private.Example."), INNER, TLS_1_3);
  assert.equal(decode(encoded)?.serverName, "private.example");
});

Deno.test("a hello is read up to the end of its extensions", () => {
  const reader = new ByteReader(concat(body(SESSION_ID, KEY_SHARE), 1, 2), false);
  const { sessionId, offers, extensions } = readHello(reader);
  assert.deepEqual(sessionId, SESSION_ID);
  assert.deepEqual(offers, concat(0, 4, 0x13, 0x01, 0x13, 0x03, 1, 0));
  assert.deepEqual(extensions, [
    { type: 51, bytes: KEY_SHARE, data: KEY_SHARE.subarray(4) },
  ]);
  assert.equal(reader.remaining, 2);
});
