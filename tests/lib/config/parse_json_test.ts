import assert from "node:assert/strict";
import fc from "fast-check";
import { parseJson } from "../../../lib/config/parse_json.ts";

Deno.test("what JSON.stringify writes is read back", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (value, indent) => {
    const text = JSON.stringify(value, null, indent);
    const parsed = parseJson(text);
    assert.ok(parsed.ok, text);
    assert.equal(
      JSON.stringify(parsed.document.table),
      text.length === 0 ? "" : JSON.stringify(value),
    );
  }));
});

Deno.test("a text is accepted exactly if it is JSON, but for keys that occur twice", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"b"',
    "1",
    "-",
    "true",
    "nul",
    " ",
    "\n",
    '"',
    "\\",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
      const text = `{${pieces.join("")}}`;
      const isTwice = (text.match(/"a"\s*:/g)?.length ?? 0) > 1 ||
        (text.match(/"b"\s*:/g)?.length ?? 0) > 1;
      fc.pre(!isTwice);
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      assert.equal(parseJson(text).ok, isJson, text);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("keys and values are found where they stand", async () => {
  const parsed = parseJson('{\n  "a": [1,\n    {"b": 2}]\n}');
  assert.ok(parsed.ok);
  const locate = await parsed.document.positions();
  assert.deepEqual(locate(["a"], "key"), { line: 2, column: 3 });
  assert.deepEqual(locate(["a"]), { line: 2, column: 8 });
  assert.deepEqual(locate(["a", 0]), { line: 2, column: 9 });
  assert.deepEqual(locate(["a", 1, "b"]), { line: 3, column: 11 });
  assert.deepEqual(locate(["a", 1, "c"]), { line: 3, column: 5 });
  assert.equal(locate(["c"]), undefined);
});

Deno.test("a syntax error is told by line, column and what was expected", () => {
  const faults: Readonly<Record<string, [number, number, string]>> = {
    "": [1, 1, "expected {"],
    "[]": [1, 1, "expected {"],
    "{\n": [2, 1, "expected a key in quotes"],
    '{"a" 1}': [1, 6, "expected : after the key"],
    '{"a": 1\n "b": 2}': [2, 2, "expected , or }"],
    '{"a": [1 2]}': [1, 10, "expected , or ]"],
    '{"a": }': [1, 7, "expected a value"],
    '{"a": yes}': [1, 7, "expected a value, got yes"],
    '{"a": "b}': [1, 7, "this text has no closing quote"],
    '{"a": "\\x"}': [1, 7, "this text has a line break or an escape that JSON does not know"],
    '{"a": 1,\n"a": 2}': [2, 1, '"a" is there already'],
    '{"a": 1} x': [1, 10, "expected nothing after the last }"],
    [`{"a": ${"[".repeat(101)}`]: [1, 107, "too many levels"],
  };
  for (const [text, [line, column, message]] of Object.entries(faults)) {
    assert.deepEqual(parseJson(text), { ok: false, position: { line, column }, message }, text);
  }
});
