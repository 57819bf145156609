import assert from "node:assert/strict";
import fc from "fast-check";
import { Ids, MOST_ISSUED, MOST_NAMED, Trail } from "../../../lib/following/ids.ts";
import { followers } from "../../../lib/following/mod.ts";
import { Sessions } from "../../../lib/sessions.ts";
import { ManualClock } from "../../support/clock.ts";
import { datagramSamples } from "../../support/samples.ts";
import { type Conversation, conversations } from "./conversation.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.1";

/** The session of a conversation, up to where the client moves. */
function replay({ protocol, first, before }: Conversation, sessions: Sessions<string>) {
  const session = sessions.open(protocol, HERE, [first], "backend");
  for (const { by, datagram } of before) {
    if (by === "client") session.learnRequest(datagram);
    else session.learnReply(datagram);
  }
  return session;
}

for (const conversation of conversations()) {
  const { name, protocol, first, before, moved } = conversation;

  Deno.test(`${name}: a client that has moved is known by every datagram`, () => {
    const sessions = new Sessions<string>(new ManualClock());
    for (const datagram of moved) assert.equal(sessions.find(datagram, HERE), undefined);
    const session = replay(conversation, sessions);
    for (const datagram of moved) {
      assert.equal(sessions.find(datagram, HERE), session);
      assert.equal(sessions.find(datagram, ELSEWHERE), session);
      assert.equal(session.learnRequest(datagram), false);
    }
    session.forget();
    for (const datagram of moved) assert.equal(sessions.find(datagram, HERE), undefined);
  });

  Deno.test(`${name}: only the beginning of a session opens one`, () => {
    const sessions = new Sessions<string>(new ManualClock());
    const follower = followers.get(protocol);
    assert.ok(follower !== undefined);
    assert.ok(follower.opens(first));
    assert.ok(sessions.opens(first));
    for (const datagram of moved) assert.ok(!sessions.opens(datagram));
    const replies = before.filter(({ by }) => by === "backend");
    const data = replies.filter(({ datagram }) => follower.issued(datagram) === undefined);
    assert.ok(data.length > 0 && replies.length > data.length);
  });
}

Deno.test("a client that moves while it shakes hands is known by the ID that it has made up", () => {
  for (const conversation of conversations().filter(({ protocol }) => protocol === "quic")) {
    const sessions = new Sessions<string>(new ManualClock());
    const session = sessions.open("quic", HERE, [conversation.first], "backend");
    assert.equal(sessions.find(conversation.first, HERE), session, conversation.name);
    assert.equal(sessions.find(conversation.first, ELSEWHERE), session, conversation.name);
  }
});

Deno.test("clients of many conversations at once are told apart", () => {
  const sessions = new Sessions<string>(new ManualClock());
  const all = conversations().map((each) => ({ ...each, session: replay(each, sessions) }));
  for (const { name, moved, session } of all) {
    for (const datagram of moved) assert.equal(sessions.find(datagram, ELSEWHERE), session, name);
  }
});

/** Datagrams of real clients and backends, with changed bytes or cut off, and random ones. */
const SAID = [
  ...conversations().flatMap(({ first, before, moved }) => [
    first,
    ...before.map(({ datagram }) => datagram),
    ...moved,
  ]),
  ...datagramSamples().flatMap(({ datagrams }) => datagrams),
];
const mutated = fc.record({
  datagram: fc.constantFrom(...SAID),
  changes: fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 4 }),
  length: fc.oneof(fc.nat(64), fc.constant(Infinity)),
}).map(({ datagram, changes, length }) => {
  const changed = datagram.slice(0, length);
  for (const [at, to] of changes) if (at < changed.length) changed[at] = to;
  return changed;
});
const anything = fc.oneof(mutated, fc.uint8Array({ maxLength: 64 }));

Deno.test("no bytes make a follower throw, and no number of them make it keep more than its bounds", () => {
  for (const [protocol, follower] of followers) {
    const trails = 3;
    const said = fc.array(fc.tuple(fc.nat(trails - 1), fc.boolean(), anything), { maxLength: 60 });
    fc.assert(
      fc.property(said, (said) => {
        const ids = new Ids<{ client: string }>(follower);
        const all = Array.from({ length: trails }, () => new Trail({ client: HERE }, ids));
        for (const [which, isRequest, datagram] of said) {
          if (isRequest) all[which]!.request(datagram);
          else all[which]!.reply(datagram);
          ids.find(datagram, HERE);
        }
        assert.ok(ids.size <= trails * (MOST_ISSUED + MOST_NAMED), protocol);
        for (const trail of all) trail.end();
        assert.equal(ids.size, 0, protocol);
      }),
      { numRuns: 300 },
    );
  }
});
