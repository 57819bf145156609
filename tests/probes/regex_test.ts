import assert from "node:assert/strict";
import { datagramRegex, regex } from "../../probes/regex.ts";
import { bytes } from "../support/bytes.ts";

const match = { kind: "match", facts: { protocol: "regex" } };

Deno.test("one pattern of several is enough", () => {
  const probe = regex([/^EHLO /, /^HELO /], 5);
  assert.deepEqual(probe(bytes("HELO you"), false), match);
  assert.deepEqual(probe(bytes("HALLO you"), false), { kind: "no" });
});

Deno.test("a pattern is asked once min_length bytes are here, and sees no more than these", () => {
  const probe = regex([/cd/], 4);
  assert.deepEqual(probe(bytes("xcd"), false), { kind: "need", bytes: 4 });
  assert.deepEqual(probe(bytes("xcd."), false), match);
  assert.deepEqual(probe(bytes("....cd"), false), { kind: "no" });
});

Deno.test("a pattern sees what there is when no more will come", () => {
  assert.deepEqual(regex([/^ab$/], 10)(bytes("ab"), true), match);
});

Deno.test("every byte can be written as an escape", () => {
  for (let byte = 0; byte < 256; byte++) {
    const escape = `^\\x${byte.toString(16).padStart(2, "0")}$`;
    assert.deepEqual(regex([new RegExp(escape)], 1)(Uint8Array.of(byte), false), match, escape);
  }
});

Deno.test("a global or sticky pattern gives the same answer each time", () => {
  for (const flags of ["g", "y"]) {
    const probe = regex([new RegExp("a", flags)], 1);
    assert.deepEqual(probe(bytes("a"), false), match, flags);
    assert.deepEqual(probe(bytes("a"), false), match, `${flags}, asked again`);
  }
});

Deno.test("of a datagram a pattern sees min_length bytes, or all of a shorter one", () => {
  const probe = datagramRegex([/^\xff\xfe.*cd$/], 4);
  assert.deepEqual(probe([bytes("\xff\xfecd")], false), match);
  assert.deepEqual(probe([bytes("\xff\xfecd, and more")], false), match);
  assert.deepEqual(probe([bytes("\xff\xfe.cd")], false), { kind: "no" });
  assert.deepEqual(datagramRegex([/^ab$/], 10)([bytes("ab")], false), match);
});

Deno.test("of several datagrams the first decides", () => {
  const probe = datagramRegex([/b/], 1);
  assert.deepEqual(probe([bytes("a"), bytes("b")], false), { kind: "no" });
  assert.deepEqual(probe([bytes("b"), bytes("a")], true), match);
});
