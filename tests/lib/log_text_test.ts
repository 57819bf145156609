import fc from "fast-check";
import assert from "node:assert/strict";
import { json, jsonWord, printable, quoted, word } from "../../lib/log_text.ts";

const hostile = [
  "a b",
  'a"b',
  "a=b",
  "a\\b",
  "a\nb",
  "a\r\n2026-01-01T00:00:00.000Z reason=ended",
  "\x1b[31m\x07\0\x7f\x9b",
  "\u2028\u2029\u202e",
  "é\u{1f600}\ud800",
];

Deno.test("a name as names are is written as it is", () => {
  for (const name of ["a.example", "*.b-c_d.example", "[2001:db8::1]:443", "h2", "http/1.1"]) {
    assert.equal(word(name), name);
  }
});

Deno.test("nothing is a dash", () => {
  assert.equal(word(undefined), "-");
  assert.equal(word(""), "-");
});

Deno.test("characters that would end a word, a line or a terminal's patience are escaped", () => {
  assert.equal(word('a b"c\n\x1b'), "a\\x20b\\x22c\\x0a\\x1b");
  assert.equal(quoted('a b"c\n\\'), '"a b\\x22c\\x0a\\x5c"');
  assert.equal(jsonWord("é\u{1f600}\x9b"), '"\\u00e9\\ud83d\\ude00\\u009b"');
});

Deno.test("no string gets a control character, a space, a quote, an equals sign or another script into a word", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...hostile)), (text) => {
      assert.match(word(text), /^[!#-<>-~]+$/);
      assert.match(quoted(text), /^"[ !#-~]*"$/);
    }),
  );
});

Deno.test("no two short strings look the same", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  fc.assert(fc.property(text, text, (a, b) => a === b || a === "-" || word(a) !== word(b)));
});

Deno.test("a JSON string reads as what it was, and is ASCII", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.constantFrom(...hostile)),
      (text) => {
        assert.equal(JSON.parse(jsonWord(text)), text);
        assert.match(jsonWord(text), /^[ -~]*$/);
        assert.deepEqual(JSON.parse(json({ text })), { text });
      },
    ),
  );
});

Deno.test("a client does not decide how long a line gets", () => {
  const name = "x".repeat(30_000);
  assert.equal(word(name).length, 256);
  assert.equal(quoted(name).length, 258);
  assert.equal(jsonWord(name).length, 258);
});

Deno.test("a message keeps its script and loses its control characters", () => {
  assert.equal(printable("größe\n\x1b[2J\u2028"), "größe\\x0a\\x1b[2J\\u{2028}");
});
