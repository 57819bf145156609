import assert from "node:assert/strict";
import { NOWHERE, place } from "../../../lib/following/follower.ts";
import { wireguard } from "../../../lib/following/wireguard.ts";
import { Sessions } from "../../../lib/sessions.ts";
import { ManualClock } from "../../support/clock.ts";
import { datagramSamples } from "../../support/samples.ts";

/** A session of wireguard-go: each message of it that is there, by its type. */
const message = (type: string) => {
  const sample = datagramSamples().find(({ name }) => name === `wireguard_${type}`);
  assert.ok(sample !== undefined);
  return sample.datagrams[0]!;
};
const INITIATION = message("initiation");
const RESPONSE = message("response");
const COOKIE = message("cookie");
const TRANSPORT = message("transport");

Deno.test("a peer is addressed by the index that it has chosen in its handshake message", () => {
  assert.deepEqual(wireguard.issued(RESPONSE), RESPONSE.subarray(4, 8));
  assert.deepEqual(wireguard.issued(INITIATION), INITIATION.subarray(4, 8));
  assert.equal(wireguard.issued(TRANSPORT), undefined);
  assert.equal(wireguard.issued(COOKIE), undefined);
  assert.equal(wireguard.addressed(TRANSPORT), place(4, 4));
  assert.equal(wireguard.addressed(COOKIE), place(4, 4));
  assert.equal(wireguard.addressed(RESPONSE), place(8, 4));
  assert.equal(wireguard.addressed(INITIATION), NOWHERE);
});

Deno.test("an initiation opens a session, and nothing else does", () => {
  for (const { name, datagrams } of datagramSamples()) {
    assert.equal(wireguard.opens(datagrams[0]!), name === "wireguard_initiation", name);
  }
});

Deno.test("a client of wireguard-go that roams keeps its backend", () => {
  const sessions = new Sessions<string>(new ManualClock());
  const session = sessions.open("wireguard", "192.0.2.1", [INITIATION], "backend");
  assert.equal(sessions.find(TRANSPORT, "198.51.100.1"), undefined);
  session.learnReply(RESPONSE);
  assert.equal(sessions.find(TRANSPORT, "198.51.100.1"), session);
  assert.equal(session.learnRequest(TRANSPORT), false);
  assert.equal(session.learnRequest(INITIATION), true);
});

Deno.test("a client answers the handshake of a backend from wherever it is", () => {
  const sessions = new Sessions<string>(new ManualClock());
  const session = sessions.open("wireguard", "192.0.2.1", [TRANSPORT], "backend");
  session.learnReply(INITIATION);
  assert.equal(sessions.find(RESPONSE, "198.51.100.1"), session);
  assert.equal(sessions.find(COOKIE, "198.51.100.1"), session);
});
