import assert from "node:assert/strict";
import { attempt, probe } from "../../probes/probe.ts";
import { bytes } from "../support/bytes.ts";

const gopher = probe((head) => head.starts("/g") ? { protocol: "gopher" } : undefined);

Deno.test("a probe answers match, no or need", () => {
  assert.deepEqual(gopher(bytes("/g"), false), { kind: "match", facts: { protocol: "gopher" } });
  assert.deepEqual(gopher(bytes("x"), false), { kind: "no" });
  assert.deepEqual(gopher(bytes("/"), false), { kind: "need", bytes: 2 });
});

Deno.test("what is needed and will not come is a no", () => {
  assert.deepEqual(gopher(bytes("/"), true), { kind: "no" });
  assert.deepEqual(gopher(bytes(""), true), { kind: "no" });
});

Deno.test("a length that promises more than its prefix holds is a no at the open end too", () => {
  const prefixed = probe((head) => {
    head.take(head.u8()).skip(3);
    return { protocol: "prefixed" };
  });
  assert.deepEqual(prefixed(bytes("\x02ab"), false), { kind: "no" });
  assert.deepEqual(prefixed(bytes("\x03ab"), false), { kind: "need", bytes: 4 });
});

Deno.test("an error that is no shortage is not swallowed", () => {
  const broken = probe(() => {
    throw new TypeError("a fault of the parser");
  });
  assert.throws(() => broken(bytes("x"), false), TypeError);
});

Deno.test("an attempt gives what the parser found, of any type", () => {
  assert.equal(attempt((reader) => reader.u16(), bytes("\x01\x02"), false), 0x0102);
  assert.deepEqual(attempt((reader) => reader.u16(), bytes("\x01"), false), {
    kind: "need",
    bytes: 2,
  });
  assert.deepEqual(attempt((reader) => reader.u16(), bytes("\x01"), true), { kind: "no" });
});
