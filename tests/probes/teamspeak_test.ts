import assert from "node:assert/strict";
import { teamspeak } from "../../probes/teamspeak.ts";
import { bytes } from "../support/bytes.ts";
import { overlooked, range } from "../support/near_misses.ts";

Deno.test("the text of a first packet is TeamSpeak, whatever follows", () => {
  const match = { kind: "match", facts: { protocol: "teamspeak" } };
  assert.deepEqual(teamspeak(bytes("TS3INIT1"), false), match);
  assert.deepEqual(teamspeak(bytes("TS3INIT1\0\x65\0\0\x88"), true), match);
});

Deno.test("a part of the text is waited for, and is not TeamSpeak in the end", () => {
  assert.deepEqual(teamspeak(bytes("TS3INIT"), false), { kind: "need", bytes: 8 });
  assert.deepEqual(teamspeak(bytes("TS3INIT"), true), { kind: "no" });
});

Deno.test("one wrong byte says no", () => {
  assert.deepEqual(overlooked(teamspeak, bytes("TS3INIT1"), range(0, 8)), []);
});
