import assert from "node:assert/strict";
import {
  freeName,
  isFreeName,
  isName,
  mayClaim,
  nameBelow,
} from "../../../../lib/tunnel/edge/names.ts";
import { ADJECTIVES, NOUNS } from "../../../../lib/tunnel/edge/words.ts";

Deno.test("a name is a label of DNS in lower case", () => {
  for (const name of ["a", "7", "blog", "dev-1", "a".repeat(63)]) assert.ok(isName(name), name);
  for (const name of ["", "-a", "a-", "a.b", "A", "a_b", "ä", "a".repeat(64), "a\n"]) {
    assert.ok(!isName(name), name);
  }
});

Deno.test("a pattern is for a name from end to end, with anything in the place of a star", () => {
  const cases: ReadonlyArray<[pattern: string, fits: string[], not: string[]]> = [
    ["blog", ["blog"], ["blo", "blogs", "b"]],
    ["dev-*", ["dev-", "dev-1", "dev-a-b"], ["dev", "xdev-1"]],
    ["*-dev", ["a-dev", "-dev"], ["dev", "a-dev-b"]],
    ["*", ["", "a", "dev-1"], []],
    ["a*b*c", ["abc", "a1b2c", "abbc"], ["ac", "acb", "abcd", "ab"]],
    ["ab*ba", ["abba", "ab1ba"], ["aba", "ab"]],
    ["*aa*aa*", ["aaaa", "xaayaaz"], ["aaa", "aa"]],
    ["a.c", [], ["abc"]],
  ];
  for (const [pattern, fits, not] of cases) {
    for (const name of fits) assert.ok(mayClaim([pattern], name), `${pattern} ${name}`);
    for (const name of not) assert.ok(!mayClaim([pattern], name), `${pattern} ${name}`);
  }
  assert.ok(mayClaim(["x", "blog"], "blog"));
  assert.ok(!mayClaim([], "blog"));
});

Deno.test("a pattern of many stars takes no longer than its length times the name's", () => {
  assert.ok(!mayClaim(["*a".repeat(31) + "*b"], "a".repeat(63)));
});

Deno.test("every word makes a name, and no two are alike", () => {
  for (const words of [ADJECTIVES, NOUNS]) {
    assert.ok(words.length > 100);
    assert.equal(new Set(words).size, words.length);
    for (const word of words) assert.match(word, /^[a-z]{2,9}$/);
  }
});

Deno.test("a free name is two words, and gets a number where all that were tried are taken", () => {
  assert.equal(freeName(() => true, () => 0), `${ADJECTIVES[0]}-${NOUNS[0]}`);
  let tried = 0;
  const name = freeName(() => ++tried > 25, () => 0.5);
  assert.match(name ?? "", /^[a-z]+-[a-z]+-5500$/);
  assert.equal(freeName(() => false, Math.random), undefined);
});

Deno.test("a name that was given can be told from one that was asked for", () => {
  for (let i = 0; i < 100; i++) {
    assert.ok(
      isFreeName(freeName(() => i % 2 === 0 || Math.random() < 0.05, Math.random) ?? "brave-otter"),
    );
  }
  for (
    const name of [
      "blog",
      "brave-otter-",
      "brave-otter-0123",
      "brave-otter-12345",
      "otter-brave",
      "brave-otter-x",
    ]
  ) {
    assert.ok(!isFreeName(name), name);
  }
});

Deno.test("only what is right below the domain is the name of an endpoint", () => {
  const below = (asked: string) => nameBelow("t.example", asked);
  assert.equal(below("blog.t.example"), "blog");
  for (
    const asked of [
      "t.example",
      "a.b.t.example",
      ".t.example",
      "blogt.example",
      "blog.example",
      "",
      "a_b.t.example",
    ]
  ) {
    assert.equal(below(asked), undefined, asked);
  }
});
