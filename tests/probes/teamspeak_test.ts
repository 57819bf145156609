import assert from "node:assert/strict";
import { teamspeak, teamspeakDatagram } from "../../probes/teamspeak.ts";
import { bytes } from "../support/bytes.ts";
import { overlookedBytes } from "../support/datagrams.ts";
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

Deno.test("a datagram is TeamSpeak with the IDs and the type of a first packet too", () => {
  const match = { kind: "match", facts: { protocol: "teamspeak" } };
  const header = "TS3INIT1\0\x65\0\0";
  assert.deepEqual(teamspeakDatagram([bytes(`${header}\x88`)], false), match);
  assert.deepEqual(teamspeakDatagram([bytes(`${header}\xa8\x06\x3b`)], false), match);
  assert.deepEqual(teamspeakDatagram([bytes(header)], false), { kind: "no" });
  const found = overlookedBytes(teamspeakDatagram, bytes(`${header}\x88`), range(0, 13));
  assert.deepEqual(found, ["0xa8 at 12: match"]);
});
