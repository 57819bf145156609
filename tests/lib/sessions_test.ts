import assert from "node:assert/strict";
import fc from "fast-check";
import { MOST_REMEMBERED, type Session, Sessions } from "../../lib/sessions.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { ManualClock } from "../support/clock.ts";

const HERE = "192.0.2.1";
const SOCKET = "192.0.2.1 40000";
const OTHER_SOCKET = "192.0.2.1 40001";
const MINUTE = 60_000;
const FIRST = bytes("hello");

/** The start of a client's Initial. */
const initial = (id: string) => concat(0xc0, 0, 0, 0, 1, prefixed(1, bytes(id)), 0, 0);
/** What a server answers; and what its client sends afterwards. */
const reply = (id: string) => concat(0xc0, 0, 0, 0, 1, 0, prefixed(1, bytes(id)), 0);
const data = (id: string) => concat(0x40, id, new Uint8Array(20));

function setUp(memory = 10 * MINUTE) {
  const clock = new ManualClock();
  const sessions = new Sessions<string>(clock);
  sessions.memory = memory;
  const any = () => sessions.open("any", HERE, [FIRST], "backend");
  return { clock, sessions, any };
}

Deno.test("a session without a flow is remembered by the last port that it came from", () => {
  const { clock, sessions, any } = setUp();
  const session = any();
  assert.equal(sessions.recall(SOCKET), undefined);
  session.leave(SOCKET);
  clock.advance(10 * MINUTE - 1);
  assert.equal(sessions.recall(SOCKET), session);
  assert.equal(sessions.recall(OTHER_SOCKET), undefined);
  assert.equal(sessions.recall(SOCKET)?.target, "backend");
  clock.advance(1);
  assert.equal(sessions.recall(SOCKET), undefined);
  assert.deepEqual([sessions.remembered, clock.pending], [0, 0]);
});

Deno.test("a session that goes on is not remembered but there, and remembered anew afterwards", () => {
  const { clock, sessions, any } = setUp();
  const session = any();
  session.leave(SOCKET);
  clock.advance(9 * MINUTE);
  session.join();
  assert.equal(sessions.recall(SOCKET), undefined);
  clock.advance(9 * MINUTE);
  session.leave(SOCKET);
  clock.advance(9 * MINUTE);
  assert.equal(sessions.recall(SOCKET), session);
  clock.advance(MINUTE);
  assert.equal(sessions.recall(SOCKET), undefined);
});

Deno.test("as long as one flow of it is left, a session is not over", () => {
  const { clock, sessions } = setUp();
  const session = sessions.open("quic", HERE, [initial("abcdefgh")], "backend");
  session.learnReply(reply("ijklmnop"));
  session.join();
  session.leave(SOCKET);
  clock.advance(100 * MINUTE);
  assert.equal(sessions.recall(SOCKET), undefined);
  assert.equal(sessions.find(data("ijklmnop"), HERE), session);
  session.leave(OTHER_SOCKET);
  assert.equal(sessions.recall(OTHER_SOCKET), session);
  assert.equal(sessions.find(data("ijklmnop"), HERE), session);
  clock.advance(10 * MINUTE);
  assert.equal(sessions.find(data("ijklmnop"), HERE), undefined);
});

Deno.test("a flow that is worth nothing leaves the session's memory as it is", () => {
  const { sessions, any } = setUp();
  const session = any();
  session.leave(SOCKET);
  session.join();
  session.leave();
  assert.equal(sessions.recall(SOCKET), session);
  const made = any();
  made.leave();
  assert.equal(sessions.remembered, 1);
});

Deno.test("with no memory, a session is over with its last flow", () => {
  const { clock, sessions } = setUp(0);
  const session = sessions.open("quic", HERE, [initial("abcdefgh")], "backend");
  session.learnReply(reply("ijklmnop"));
  assert.equal(sessions.find(data("ijklmnop"), HERE), session);
  session.leave(SOCKET);
  assert.equal(sessions.recall(SOCKET), undefined);
  assert.equal(sessions.find(data("ijklmnop"), HERE), undefined);
  assert.equal(clock.pending, 0);
});

Deno.test("what is forgotten is not found, learns nothing, and its flows may end as they like", () => {
  const { clock, sessions } = setUp();
  const session = sessions.open("quic", HERE, [initial("abcdefgh")], "dead");
  session.learnReply(reply("ijklmnop"));
  session.join();
  session.leave(SOCKET);
  session.forget();
  session.learnReply(reply("qrstuvwx"));
  assert.equal(session.learnRequest(data("qrstuvwx")), undefined);
  session.leave(SOCKET);
  session.forget();
  for (const id of ["abcdefgh", "ijklmnop", "qrstuvwx"]) {
    assert.equal(sessions.find(data(id), HERE), undefined);
  }
  assert.equal(sessions.recall(SOCKET), undefined);
  assert.deepEqual([sessions.remembered, clock.pending], [0, 0]);
});

Deno.test("a session that was remembered can be forgotten", () => {
  const { sessions, any } = setUp();
  const session = any();
  session.leave(SOCKET);
  session.forget();
  assert.equal(sessions.recall(SOCKET), undefined);
  assert.equal(sessions.remembered, 0);
});

Deno.test("of two sessions from one port the later one is remembered", () => {
  const { sessions, any } = setUp();
  const [one, other] = [any(), any()];
  one.leave(SOCKET);
  other.leave(SOCKET);
  assert.equal(sessions.recall(SOCKET), other);
  assert.equal(sessions.remembered, 1);
});

Deno.test("no more than a bounded number is remembered, and the oldest gives way", () => {
  const { sessions, any } = setUp();
  const socket = (i: number) => `192.0.2.1 ${i}`;
  for (let i = 0; i < MOST_REMEMBERED + 10; i++) any().leave(socket(i));
  assert.equal(sessions.remembered, MOST_REMEMBERED);
  assert.equal(sessions.recall(socket(9)), undefined);
  assert.ok(sessions.recall(socket(10)));
  sessions.close();
});

Deno.test("many sessions that are due at once are forgotten bit by bit", () => {
  const { clock, sessions, any } = setUp();
  for (let i = 0; i < 10_000; i++) any().leave(`192.0.2.1 ${i}`);
  clock.stall(10 * MINUTE);
  assert.ok(sessions.remembered > 8000);
  clock.advance(100);
  assert.deepEqual([sessions.remembered, clock.pending], [0, 0]);
});

Deno.test("a memory that is changed holds for what is remembered from then on", () => {
  const { clock, sessions, any } = setUp(MINUTE);
  any().leave(SOCKET);
  sessions.memory = 2 * MINUTE;
  any().leave(OTHER_SOCKET);
  clock.advance(MINUTE);
  assert.equal(sessions.recall(SOCKET), undefined);
  clock.advance(MINUTE - 1);
  assert.ok(sessions.recall(OTHER_SOCKET));
  clock.advance(1);
  assert.equal(sessions.remembered, 0);
});

Deno.test("after its end it remembers nothing and sets no timer", () => {
  const { clock, sessions, any } = setUp();
  const [one, other] = [any(), any()];
  one.leave(SOCKET);
  sessions.close();
  other.leave(OTHER_SOCKET);
  assert.equal(sessions.recall(SOCKET), undefined);
  assert.deepEqual([sessions.remembered, clock.pending], [0, 0]);
});

Deno.test("the route says what a session is; where it takes whatever comes, the first datagram", () => {
  const { sessions } = setUp();
  const quic = initial("abcdefgh");
  const isOpening = (protocol: string | undefined, first: Uint8Array) =>
    sessions.open(protocol, HERE, [first], "backend").learnRequest(quic);
  assert.equal(isOpening("quic", FIRST), true);
  assert.equal(isOpening("wireguard", quic), false);
  for (const protocol of ["any", "regex", undefined]) {
    assert.equal(isOpening(protocol, quic), true, protocol);
    assert.equal(isOpening(protocol, FIRST), undefined, protocol);
  }
});

Deno.test("sessions of different protocols do not meet in one ID", () => {
  const { sessions } = setUp();
  const quic = sessions.open("quic", HERE, [initial("abcdefgh")], "backend");
  quic.learnReply(reply("\0\0\0\x01\x02\x03\x04"));
  const transport = concat(4, 0, 0, 0, 1, 2, 3, 4, new Uint8Array(24));
  assert.equal(sessions.find(transport, HERE), quic);
  const response = concat(2, 0, 0, 0, 1, 2, 3, 4, new Uint8Array(84));
  const wireguard = sessions.open("wireguard", HERE, [], "backend");
  wireguard.learnReply(response);
  assert.equal(sessions.find(transport, HERE), wireguard);
});

/** The rules, without thought of how long they take. */
interface NaiveSession {
  readonly session: Session<string>;
  flows: number;
  socket: string | undefined;
  due: number | undefined;
  isForgotten: boolean;
}

Deno.test("however sessions come and go, those are remembered that the rules say", () => {
  const which = fc.nat(5);
  const step = fc.oneof(
    fc.record({ do: fc.constant("open") }),
    fc.record({ do: fc.constant("join"), which }),
    fc.record({ do: fc.constant("leave"), which, socket: fc.option(fc.nat(3)) }),
    fc.record({ do: fc.constant("forget"), which }),
    fc.record({ do: fc.constant("advance"), ms: fc.nat(8 * MINUTE) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { clock, sessions, any } = setUp();
      const all: NaiveSession[] = [];
      const isRemembered = ({ due, isForgotten }: NaiveSession) =>
        !isForgotten && due !== undefined && due > clock.now();
      for (const step of steps) {
        const known = "which" in step ? all[step.which] : undefined;
        if (step.do === "open") {
          all.unshift({
            session: any(),
            flows: 1,
            socket: undefined,
            due: undefined,
            isForgotten: false,
          });
        } else if ("ms" in step) {
          clock.advance(step.ms);
        } else if (known !== undefined && (known.flows > 0 || isRemembered(known))) {
          act(known, step, all);
        }
        const remembered = all.filter(isRemembered);
        assert.equal(sessions.remembered, remembered.length);
        for (let socket = 0; socket <= 3; socket++) {
          const expected = remembered.find((each) => each.socket === `${socket}`);
          assert.equal(sessions.recall(`${socket}`), expected?.session);
        }
      }
      sessions.close();
      assert.equal(clock.pending, 0);

      function act(
        known: NaiveSession,
        step: { do: string; socket?: number | null },
        all: NaiveSession[],
      ): void {
        if (step.do === "forget") {
          known.session.forget();
          known.isForgotten = true;
        } else if (step.do === "join") {
          known.session.join();
          known.flows++;
          known.due = undefined;
        } else if (known.flows > 0) {
          const socket = typeof step.socket === "number" ? `${step.socket}` : undefined;
          known.session.leave(socket);
          known.socket = socket ?? known.socket;
          if (--known.flows > 0 || known.isForgotten) return;
          if (known.socket === undefined) known.isForgotten = true;
          for (const other of all.filter(isRemembered)) {
            if (other.socket === known.socket) other.isForgotten = true;
          }
          known.due = clock.now() + 10 * MINUTE;
        }
      }
    }),
    { numRuns: 500 },
  );
});
