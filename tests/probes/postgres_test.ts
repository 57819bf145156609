import assert from "node:assert/strict";
import { postgres } from "../../probes/postgres.ts";
import { bytes, concat } from "../support/bytes.ts";
import { overlooked, range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const match = (details: Record<string, string>) => ({
  kind: "match",
  facts: { protocol: "postgres", details },
});

/** A message with its length before it, or another length. */
function message(body: string, length = body.length + 4) {
  return concat(0, length >> 16, length >> 8 & 0xff, length & 0xff, body);
}

const START = "\x00\x03\x00\x00";
const ALICE = "user\0alice\0";

Deno.test("a start-up gives the user and the database, which is named as the user by default", () => {
  const details = { request: "startup", user: "alice" };
  const shop = message(`${START}client_encoding\0UTF8\0database\0shop\0${ALICE}\0`);
  assert.deepEqual(postgres(shop, false), match({ ...details, database: "shop" }));
  const user = message(`${START}${ALICE}\0`);
  assert.deepEqual(postgres(user, false), match({ ...details, database: "alice" }));
});

Deno.test("every minor version of 3 is served, up to the one that clients use for greasing", () => {
  const start = (minor: string) => message(`\x00\x03${minor}${ALICE}\0`);
  assert.equal(postgres(start("\x00\x02"), false).kind, "match");
  assert.equal(postgres(start("\x27\x0f"), false).kind, "match", "3.9999");
  assert.deepEqual(postgres(start("\x27\x10"), false), NO);
});

Deno.test("the requests before a start-up are told apart by their numbers", () => {
  assert.deepEqual(postgres(message("\x04\xd2\x16\x2f"), false), match({ request: "ssl" }));
  assert.deepEqual(postgres(message("\x04\xd2\x16\x30"), false), match({ request: "gssenc" }));
  const cancel = message("\x04\xd2\x16\x2e\0\0\x30\x39\x12\x34\x56\x78");
  assert.deepEqual(postgres(cancel, false), match({ request: "cancel" }));
  assert.deepEqual(postgres(cancel.subarray(0, 8), false), match({ request: "cancel" }));
});

Deno.test("a key to cancel with has 4 to 256 bytes", () => {
  const cancel = (key: number) => message("\x04\xd2\x16\x2e", 12 + key);
  for (const key of [4, 32, 256]) {
    assert.equal(postgres(cancel(key), false).kind, "match", `${key}`);
  }
  for (const key of [0, 3, 257]) assert.deepEqual(postgres(cancel(key), false), NO, `${key}`);
});

Deno.test("one wrong byte in the constant parts says no", () => {
  const request = message("\x04\xd2\x16\x2f");
  assert.deepEqual(overlooked(postgres, request, [0, 1, 5, 6]), []);
  assert.deepEqual(overlooked(postgres, request, [4], 6), [], "a 0 would be that of a start-up");
  assert.deepEqual(overlooked(postgres, request, [2, 3], 8), [], "the length");
  for (const code of [0x2d, 0x31, 0xff]) {
    assert.deepEqual(postgres(message(`\x04\xd2\x16${String.fromCharCode(code)}`), false), NO);
  }
  const start = message(`${START}${ALICE}\0`);
  assert.deepEqual(overlooked(postgres, start, [0, 1, 5]), []);
  assert.deepEqual(overlooked(postgres, start, [4], 6), [], "a 4 would be that of a request");
  const name = [...range(8, 13), start.length - 1];
  assert.deepEqual(overlooked(postgres, start, name, start.length), [], "user, and the end");
});

Deno.test("a length that no message has says no before anything else arrives", () => {
  assert.deepEqual(postgres(bytes("\0\0\0\x07"), false), NO);
  assert.deepEqual(postgres(bytes("\0\0\x27\x11"), false), NO);
  assert.deepEqual(postgres(bytes("\0\0\x27\x10"), false).kind, "need");
  assert.deepEqual(postgres(bytes("\0\x01"), false), NO);
});

Deno.test("parameters must be whole pairs, end with an empty name and name a user", () => {
  const bodies = ["", "\0", "user\0\0", "user\0\0\0", "database\0shop\0\0", ALICE];
  for (const body of [...bodies, `${ALICE}database\0`, `${ALICE}\0\0`, `${ALICE}\0more`]) {
    assert.deepEqual(postgres(message(START + body), false), NO, JSON.stringify(body));
  }
});

Deno.test("the whole start-up is waited for", () => {
  const start = message(`${START}${ALICE}\0`);
  assert.deepEqual(postgres(start.subarray(0, 9), false), { kind: "need", bytes: start.length });
  assert.deepEqual(postgres(start.subarray(0, -1), true), NO);
});
