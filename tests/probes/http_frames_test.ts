import assert from "node:assert/strict";
import fc from "fast-check";
import { http, httpByHost } from "../../probes/http.ts";
import type { ProbeResult } from "../../probes/mod.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { breach, sameResult } from "../support/probe_contract.ts";
import { samples } from "../support/samples.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const match = (host?: string) => ({
  kind: "match",
  facts: { protocol: "http", ...(host !== undefined && { host }), details: { version: "2" } },
});

const [HEADERS, PING, SETTINGS, WINDOW_UPDATE, CONTINUATION] = [1, 6, 4, 8, 9];
const END_HEADERS = 4;

function frame(type: number, payload: Uint8Array | string = "", flags = 0, stream = 0) {
  const content = typeof payload === "string" ? bytes(payload) : payload;
  const length = prefixed(3, content).subarray(0, 3);
  return concat(length, type, flags, 0, 0, 0, stream, content);
}

/** A field whose name has this index in the static table, not indexed. */
const field = (index: number, value: string) => concat(index, prefixed(1, bytes(value)));
const AUTHORITY = concat(0x82, 0x86, 0x84, field(1, "A.example:8080"));

const begin = concat(PREFACE, frame(SETTINGS));
const asks = (block: Uint8Array, flags = END_HEADERS) => frame(HEADERS, block, flags, 1);
const ask = (...parts: Uint8Array[]) => httpByHost(concat(...parts), false);

Deno.test("the first request of HTTP/2 names the host", () => {
  assert.deepEqual(ask(begin, asks(AUTHORITY)), match("a.example"));
  assert.deepEqual(
    ask(begin, frame(WINDOW_UPDATE, "\0\0\x01\0"), frame(SETTINGS, "", 1), asks(AUTHORITY)),
    match("a.example"),
  );
  assert.deepEqual(
    ask(begin, asks(concat(0x82, field(1, "[2001:DB8::1]:80")))),
    match("2001:db8::1"),
  );
  assert.deepEqual(
    http(concat(begin, asks(AUTHORITY)), false),
    match(),
    "for others the preface is enough",
  );
});

Deno.test("a Host field names it where there is no :authority", () => {
  const named = concat(
    0x82,
    0x84,
    0x86,
    field(4, "/"),
    concat(0x0f, 38 - 15, prefixed(1, bytes("b.example"))),
  );
  assert.deepEqual(ask(begin, asks(named)), match("b.example"));
});

Deno.test("padding and a priority come before and behind the fields", () => {
  const padded = concat(3, AUTHORITY, 0, 0, 0);
  const priority = concat(0x80, 0, 0, 0, 7, AUTHORITY);
  const both = concat(3, 0, 0, 0, 0, 7, AUTHORITY, 0, 0, 0);
  assert.deepEqual(ask(begin, asks(padded, END_HEADERS | 8)), match("a.example"));
  assert.deepEqual(ask(begin, asks(priority, END_HEADERS | 32)), match("a.example"));
  assert.deepEqual(ask(begin, asks(both, END_HEADERS | 40)), match("a.example"));
});

Deno.test("fields may go on in CONTINUATION frames", () => {
  const [one, two] = [AUTHORITY.subarray(0, 6), AUTHORITY.subarray(6)];
  const headers = asks(one, 0);
  const rest = frame(CONTINUATION, two, END_HEADERS, 1);
  assert.equal(ask(begin, headers).kind, "need");
  assert.deepEqual(ask(begin, headers, rest), match("a.example"));
  assert.deepEqual(ask(begin, headers, frame(CONTINUATION, "", 0, 1), rest), match("a.example"));
  for (
    const other of [frame(CONTINUATION, two, END_HEADERS, 3), frame(PING, "12345678"), headers]
  ) {
    assert.deepEqual(ask(begin, headers, other, rest), match(), "no other frame may come between");
  }
});

Deno.test("a client that waits for the server is HTTP without a host when nothing more comes", () => {
  for (
    const part of [
      bytes(PREFACE),
      begin,
      concat(begin, frame(WINDOW_UPDATE, "\0\0\x01\0")),
      concat(begin, asks(AUTHORITY).subarray(0, 12)),
    ]
  ) {
    assert.equal(httpByHost(part, false).kind, "need");
    assert.deepEqual(httpByHost(part, true), match());
  }
});

Deno.test("what is no HTTP/2 behind its preface, or names nobody, is HTTP without a host", () => {
  const rest: Readonly<Record<string, Uint8Array>> = {
    "no SETTINGS first": asks(AUTHORITY),
    "a frame that is too long": concat(frame(SETTINGS), 0, 0x40, 1, 0, 0, 0, 0, 0, 0),
    "noise": bytes("\xff".repeat(20)),
    "no fields": concat(frame(SETTINGS), asks(new Uint8Array())),
    "a field that is not there": concat(frame(SETTINGS), asks(Uint8Array.of(0xff, 0x7f))),
    "a field that is cut off": concat(frame(SETTINGS), asks(AUTHORITY.subarray(0, -1))),
    "more padding than there is": concat(
      frame(SETTINGS),
      asks(concat(20, AUTHORITY), END_HEADERS | 8),
    ),
    "no name": concat(frame(SETTINGS), asks(concat(0x82, field(1, "user@a")))),
    "many frames": concat(...Array.from({ length: 40 }, () => frame(SETTINGS)), asks(AUTHORITY)),
    "many fields": concat(frame(SETTINGS), asks(concat(new Uint8Array(200).fill(0x82), AUTHORITY))),
    "much": concat(
      ...Array.from({ length: 4 }, () => frame(SETTINGS, "\0".repeat(12_000))),
      asks(AUTHORITY),
    ),
  };
  for (const [what, more] of Object.entries(rest)) {
    assert.deepEqual(ask(bytes(PREFACE), more), match(), what);
  }
});

Deno.test("HTTP/1 is read as ever", () => {
  for (const { name, bytes } of samples()) {
    const plain = http(bytes, false);
    const isHttp2 = plain.kind === "match" && plain.facts.details?.["version"] === "2";
    if (!isHttp2) assert.ok(sameResult(httpByHost(bytes, false), plain), name);
  }
});

/** What real clients ask for first. */
const HOSTS: Readonly<Record<string, string>> = {
  http_curl_h2c: "example.com",
  http_curl_h2c_name: "h2.example",
  http_nghttp_h2c: "h2.example",
  http_node_h2c: "h2.example",
  http_python_h2c: "h2.example",
};
const known = samples().filter(({ name }) => name in HOSTS);

Deno.test("real clients name their host", () => {
  assert.equal(known.length, Object.keys(HOSTS).length);
  for (const { name, bytes } of known) {
    assert.deepEqual(httpByHost(bytes, false), match(HOSTS[name]), name);
  }
});

Deno.test("byte for byte the answer never changes, and no more is asked for than it takes", () => {
  for (const { name, bytes } of known) {
    let answer: ProbeResult = { kind: "need", bytes: 0 };
    for (let length = 0; length <= bytes.length; length++) {
      const next = httpByHost(bytes.subarray(0, length), false);
      if (answer.kind !== "need") assert.ok(sameResult(next, answer), `${name} at ${length}`);
      else if (length < answer.bytes) assert.equal(next.kind, "need", `${name} at ${length}`);
      answer = next;
    }
  }
});

Deno.test("whatever follows the preface, the contract of a probe holds", () => {
  const frames = fc.array(
    fc.tuple(
      fc.constantFrom(HEADERS, SETTINGS, CONTINUATION, 0, 250),
      fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(AUTHORITY)),
      fc.constantFrom(0, END_HEADERS, 8, 32, 44),
    ).map(([type, payload, flags]) => frame(type!, payload, flags, 1)),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(frames, fc.uint8Array({ maxLength: 20 }), fc.nat(300), (frames, tail, cut) => {
      const head = concat(begin, ...frames, tail);
      assert.equal(breach(httpByHost, head, Math.min(cut, head.length)), undefined);
    }),
    { numRuns: 2_000 },
  );
});
