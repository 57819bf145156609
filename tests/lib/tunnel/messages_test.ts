import fc from "fast-check";
import assert from "node:assert/strict";
import { FrameReader, type FrameType, ProtocolError } from "../../../lib/tunnel/frames.ts";
import { encodeMessage, parseMessage } from "../../../lib/tunnel/messages.ts";
import { MESSAGES } from "../../support/tunnel_messages.ts";

function frameOf(bytes: Uint8Array) {
  for (const from of ["agent", "edge"] as const) {
    const reader = new FrameReader(from);
    reader.room().set(bytes);
    reader.filled(bytes.length);
    try {
      const frame = reader.next();
      if (frame !== undefined) return frame;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  return assert.fail("no frame of either end");
}

for (const message of MESSAGES) {
  Deno.test(`${JSON.stringify(message).slice(0, 60)} is read as it was said`, () => {
    assert.deepEqual(parseMessage(frameOf(encodeMessage(message))), message);
  });
}

Deno.test("there is an example of every message", () => {
  const types = new Set(MESSAGES.map(({ type }) => type));
  assert.equal(types.size, 17);
});

Deno.test("a hundred and twenty-eight tickets go into one frame", () => {
  const tickets = Array.from({ length: 128 }, () => new Uint8Array(32));
  assert.ok(encodeMessage({ type: "tickets", tickets, lifetime: 30_000 }).length <= 16_388);
});

Deno.test("a text for people is cut rather than refused", () => {
  const frame = frameOf(encodeMessage({ type: "unreachable", message: "x".repeat(50_000) }));
  assert.deepEqual(parseMessage(frame), { type: "unreachable", message: "x".repeat(1000) });
});

const payload = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const HELLO = {
  version: 1,
  agent: "alice",
  instance: "AgICAgICAgICAgICAgICAg",
  nonce: "A".repeat(43),
};

Deno.test("members that are not known are ignored", () => {
  const parsed = parseMessage({ type: "shut", payload: payload({ endpoint: 1, reason: "none" }) });
  assert.deepEqual(parsed, { type: "shut", endpoint: 1 });
});

const MALFORMED: ReadonlyArray<[FrameType, unknown]> = [
  ["hello", { ...HELLO, nonce: "AAAA" }],
  ["hello", { ...HELLO, nonce: `${"A".repeat(42)}!` }],
  ["hello", { ...HELLO, nonce: 5 }],
  ["hello", { ...HELLO, version: "1" }],
  ["hello", { ...HELLO, version: 1.5 }],
  ["hello", { ...HELLO, agent: "a".repeat(256) }],
  ["hello", { ...HELLO, agent: undefined }],
  ["hello", []],
  ["hello", null],
  ["hello", "hello"],
  ["login", {}],
  ["open", { endpoint: 0, kind: "http" }],
  ["open", { endpoint: 65_536, kind: "http" }],
  ["open", { endpoint: 1.5, kind: "http" }],
  ["open", { endpoint: 1, kind: "ftp" }],
  ["open", { endpoint: 1, kind: "tcp", port: 0 }],
  ["open", { endpoint: 1, kind: "tcp", port: "22" }],
  ["open", { endpoint: 1, kind: "http", allow: "10.0.0.0/8" }],
  ["open", { endpoint: 1, kind: "http", allow: Array(257).fill("10.0.0.1") }],
  ["tickets", { tickets: Array(129).fill("A".repeat(43)), lifetime: 1 }],
  ["tickets", { tickets: ["A"], lifetime: 1 }],
  ["tickets", { tickets: [], lifetime: 0 }],
  ["rejected", { endpoint: 1, code: "constructor", message: "" }],
  ["goodbye", { code: "toString", message: "" }],
  ["welcome", { domain: "d", heartbeat: -1, silence: 1 }],
  ["welcome", { domain: "d", heartbeat: 1e300, silence: 1 }],
  ["unreachable", { message: "x".repeat(1001) }],
];
for (const [type, value] of MALFORMED) {
  Deno.test(`${type} ${JSON.stringify(value)?.slice(0, 70)} is malformed`, () => {
    assert.equal(parseMessage({ type, payload: payload(value) }), undefined);
  });
}

Deno.test("bytes that are no JSON, or no UTF-8, are malformed", () => {
  for (const bytes of [[], [0xff, 0xfe], [0x7b], [0x22, 0xc3, 0x28, 0x22]]) {
    assert.equal(parseMessage({ type: "hello", payload: Uint8Array.from(bytes) }), undefined);
  }
});

Deno.test("a ticket of another length is malformed", () => {
  assert.equal(parseMessage({ type: "join", payload: new Uint8Array(31) }), undefined);
});

Deno.test("names that objects are born with are no members", () => {
  const text = '{"endpoint":1,"__proto__":{"admin":true},"constructor":1}';
  const parsed = parseMessage({ type: "shut", payload: new TextEncoder().encode(text) });
  assert.deepEqual(Object.keys(parsed ?? {}), ["type", "endpoint"]);
});

Deno.test("whatever a frame holds, reading it throws nothing", () => {
  const types = fc.constantFrom<FrameType>(
    "hello",
    "open",
    "tickets",
    "visit",
    "goodbye",
    "join",
    "data",
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc.dictionary(
      fc.constantFrom(...Object.keys(HELLO), "endpoint", "kind", "tickets", "port"),
      fc.jsonValue(),
    )
      .map(payload),
  );
  fc.assert(fc.property(types, bytes, (type, payload) => void parseMessage({ type, payload })));
});
