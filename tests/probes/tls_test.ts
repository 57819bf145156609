import assert from "node:assert/strict";
import fc from "fast-check";
import { tls } from "../../probes/tls.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { extension, hello, helloBody, helloMessage, records } from "../support/client_hello.ts";

const NO = { kind: "no" };
const parts = { serverName: "example.com", alpns: ["h2"], versions: [0x0304, 0x0303] };
const match = {
  kind: "match",
  facts: {
    protocol: "tls",
    serverName: "example.com",
    alpns: ["h2"],
    details: { versions: "1.3,1.2" },
  },
};

Deno.test("a hello in one record gives its name, protocols and versions", () => {
  assert.deepEqual(tls(hello(parts), false), match);
});

Deno.test("a hello cut in two unequal records is still read, wherever it is cut", () => {
  const length = helloMessage(helloBody(parts)).length;
  for (let cut = 1; cut < length; cut++) {
    assert.deepEqual(tls(hello(parts, cut), false), match, `cut at ${cut}`);
  }
});

Deno.test("a hello in any number of records is still read, and no byte of them is altered", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 12 }), (lengths) => {
      const head = hello(parts, ...lengths);
      const before = head.slice();
      assert.deepEqual(tls(head, false), match);
      assert.deepEqual(head, before);
    }),
  );
});

Deno.test("a hello of one byte a record is still read", () => {
  const ones = new Array<number>(helloMessage(helloBody(parts)).length).fill(1);
  assert.deepEqual(tls(hello(parts, ...ones), false), match);
});

Deno.test("what follows the hello in the same read changes nothing", () => {
  const behind: Record<string, Uint8Array> = {
    "a byte": bytes("x"),
    "early data": concat(
      20,
      3,
      3,
      prefixed(2, bytes("\x01")),
      23,
      3,
      3,
      prefixed(2, bytes("data")),
    ),
    "another hello": hello({ serverName: "other.example" }),
  };
  for (const [what, more] of Object.entries(behind)) {
    assert.deepEqual(tls(concat(hello(parts), more), false), match, what);
    assert.deepEqual(tls(concat(hello(parts, 7), more), false), match, `${what}, two records`);
  }
});

Deno.test("a post-quantum hello is read, in one record or more", () => {
  const keyShare = extension(
    51,
    prefixed(2, concat(0x11, 0xec, prefixed(2, new Uint8Array(1216)))),
  );
  const ticket = extension(35, new Uint8Array(900));
  const big = { ...parts, extensions: [keyShare, ticket] };
  assert.ok(hello(big).length > 2200);
  assert.deepEqual(tls(hello(big), false), match);
  assert.deepEqual(tls(hello(big, 1400), false), match);
});

Deno.test("a hello without extensions is TLS", () => {
  const bare = { kind: "match", facts: { protocol: "tls", details: { versions: "1.2" } } };
  assert.deepEqual(tls(hello(), false), bare);
});

Deno.test("the details name the versions, and encrypted_client_hello where it is present", () => {
  const versions = [0x0304, 0x0303, 0x0302, 0x0301, 0x0300, 0x7f1c];
  const result = tls(hello({ versions, extensions: [extension(0xfe0d, bytes("\x01"))] }), false);
  assert.ok(result.kind === "match");
  assert.deepEqual(result.facts.details, { versions: "1.3,1.2,1.1,1.0,ssl3,0x7f1c", ech: true });
});

Deno.test("what is missing is asked for: the header, the first byte, then the whole record", () => {
  const head = hello(parts);
  const needs = [[0, 1], [1, 2], [2, 3], [3, 5], [5, 6], [6, head.length], [50, head.length]];
  for (const [length, need] of needs) {
    assert.deepEqual(tls(head.subarray(0, length), false), { kind: "need", bytes: need });
    assert.deepEqual(tls(head.subarray(0, length), true), NO);
  }
});

Deno.test("the first byte that is not of a hello says no", () => {
  const heads: Record<string, number[]> = {
    "an alert": [21],
    "application data": [23],
    "SSL 2 or a later major version": [22, 2],
    "an empty record": [22, 3, 1, 0, 0],
    "a record of more than 2^14 bytes": [22, 3, 1, 0x40, 0x01],
    "a ServerHello": [22, 3, 3, 0, 0x5a, 2],
    "text": [0x16, 0x03, 0x01, 0x20, 0x20, 0x20],
  };
  for (const [what, head] of Object.entries(heads)) {
    assert.deepEqual(tls(Uint8Array.from(head), false), NO, what);
    if (head.length < 5) continue;
    assert.equal(tls(Uint8Array.from(head.slice(0, -1)), false).kind, "need", `${what}, one less`);
  }
});

Deno.test("a record that is not of the handshake ends the hope for the rest of the hello", () => {
  const message = helloMessage(helloBody(parts));
  const first = records(message.subarray(0, 40));
  assert.equal(tls(concat(first, 22), false).kind, "need");
  assert.deepEqual(tls(concat(first, 23), false), NO);
  assert.deepEqual(tls(concat(first, 22, 3, 3, 0, 0), false), NO, "an empty one");
});

Deno.test("a record may be 2^14 bytes long", () => {
  const padding = extension(21, new Uint8Array(2 ** 14));
  const big = { ...parts, extensions: [padding] };
  assert.deepEqual(tls(hello(big, 2 ** 14), false), match);
});

Deno.test("a message longer than any hello can be is not waited for", () => {
  const [, ...rest] = helloMessage(helloBody(parts));
  const claiming = (length: number) =>
    records(
      concat(1, length >> 16, length >> 8 & 0xff, length & 0xff, Uint8Array.from(rest.slice(3))),
    );
  assert.equal(tls(claiming(131_396), false).kind, "need");
  assert.deepEqual(tls(claiming(131_397), false), NO);
});

Deno.test("a hello whose insides do not fit is no hello", () => {
  const message = helloMessage(helloBody(parts));
  message[message.length - 5] = 0xff;
  assert.deepEqual(tls(records(message), false), NO);
});
