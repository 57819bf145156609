import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Ids,
  MOST_CLIENTS,
  MOST_ISSUED,
  MOST_NAMED,
  type Owner,
  Trail,
} from "../../../lib/following/ids.ts";
import { quic } from "../../../lib/following/quic.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { parseHex } from "../../support/samples.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.1";

/** A session at its client's address. */
class TestSession implements Owner {
  readonly trail: Trail<TestSession>;
  constructor(readonly client: string, ids: Ids<TestSession>) {
    this.trail = new Trail(this, ids);
  }

  /** The backend issues an ID, in a packet of its handshake. */
  issue(id: string | Uint8Array): void {
    this.trail.reply(concat(0xe0, 0, 0, 0, 1, 0, prefixed(1, concat(id)), 0x40, 20));
  }

  /** The client addresses an ID, in a packet of its handshake. */
  name(id: string | Uint8Array): void {
    this.trail.request(handshake(id));
  }
}

const handshake = (id: string | Uint8Array) =>
  concat(0xe0, 0, 0, 0, 1, prefixed(1, concat(id)), 0, 0x40, 20);
const data = (id: string | Uint8Array) => concat(0x40, id, new Uint8Array(20));

function setUp(...clients: readonly string[]) {
  const ids = new Ids<TestSession>(quic);
  const sessions = clients.map((client) => new TestSession(client, ids));
  const [one, other] = [sessions[0]!, sessions[1]!];
  return { ids, one, other };
}

Deno.test("an ID that a backend has issued leads its client from everywhere", () => {
  const { ids, one } = setUp(HERE);
  one.issue("abcdefgh");
  for (const datagram of [data("abcdefgh"), handshake("abcdefgh")]) {
    for (let i = 0; i < 100; i++) assert.equal(ids.find(datagram, `203.0.113.${i}`), one);
  }
  assert.equal(ids.find(data("abcdefgx"), HERE), undefined);
  assert.equal(ids.find(data("abcdefgh").subarray(0, 8), HERE), undefined);
});

Deno.test("an ID that a client has changed to leads it, and strangers from few addresses", () => {
  const { ids, one } = setUp(HERE);
  one.issue("abcdefgh");
  one.trail.request(data("ijklmnop"));
  const address = (i: number) => `203.0.113.${i}`;
  for (const again of [false, true]) {
    for (let i = 1; i < 100; i++) {
      const found = ids.find(data("ijklmnop"), address(i));
      assert.equal(found, i < MOST_CLIENTS ? one : undefined, `${address(i)}, again: ${again}`);
    }
  }
  assert.equal(ids.find(data("ijklmnop"), HERE), one);
  assert.equal(ids.find(data("abcdefgh"), address(99)), one);
});

Deno.test("what a client makes up is no more worth when its server takes it over", () => {
  const { ids, one } = setUp(HERE);
  one.name("abcdefgh");
  one.issue("abcdefgh");
  const clients = Array.from({ length: 50 }, (_, i) => `203.0.113.${i}`);
  const led = clients.filter((client) => ids.find(data("abcdefgh"), client) !== undefined);
  assert.equal(led.length, MOST_CLIENTS - 1);
});

Deno.test("a client cannot have the ID of another session, whoever has told it", () => {
  const { ids, one, other } = setUp(HERE, ELSEWHERE);
  one.issue("abcdefgh");
  one.name("ijklmnop");
  for (const id of ["abcdefgh", "ijklmnop"]) {
    other.name(id);
    // Its server repeats what it has made up.
    other.issue(id);
    assert.equal(ids.find(data(id), ELSEWHERE), one, id);
  }
});

Deno.test("an ID that a client has taken in advance is the session's whose backend issues it", () => {
  const { ids, one, other } = setUp(HERE, ELSEWHERE);
  one.name("abcdefgh");
  assert.equal(ids.find(handshake("abcdefgh"), HERE), one);
  other.issue("abcdefgh");
  assert.equal(ids.find(data("abcdefgh"), HERE), other);
  one.trail.end();
  assert.equal(ids.find(data("abcdefgh"), HERE), other);
  other.trail.end();
  assert.equal(ids.size, 0);
});

Deno.test("an ID that two backends have issued is nobody's until both have given it up", () => {
  const { ids, one, other } = setUp(HERE, ELSEWHERE);
  one.issue("abcd");
  one.issue("abcd");
  assert.equal(ids.find(data("abcd"), HERE), one);
  other.issue("abcd");
  assert.equal(ids.find(data("abcd"), HERE), undefined);
  one.trail.end();
  assert.equal(ids.find(data("abcd"), ELSEWHERE), undefined);
  other.trail.end();
  assert.equal(ids.size, 0);
  one.issue("abcd");
  assert.equal(ids.find(data("abcd"), HERE), one);
});

Deno.test("of many IDs the last ones count", () => {
  const { ids, one } = setUp(HERE);
  const id = (kind: string, i: number) => `${kind}${String(i).padStart(4, "0")}`;
  for (let i = 0; i < 100; i++) one.issue(id("issued", i));
  for (let i = 0; i < 100; i++) one.name(id("named", i));
  assert.equal(ids.size, MOST_ISSUED + MOST_NAMED);
  for (let i = 0; i < 100; i++) {
    const isIssued = ids.find(handshake(id("issued", i)), HERE) === one;
    const isNamed = ids.find(handshake(id("named", i)), HERE) === one;
    assert.deepEqual([isIssued, isNamed], [i >= 100 - MOST_ISSUED, i >= 100 - MOST_NAMED], `${i}`);
  }
});

Deno.test("an ID of fewer than 4 bytes, or of more than 20, counts for nothing", () => {
  for (let length = 0; length <= 40; length++) {
    const { ids, one } = setUp(HERE);
    const id = new Uint8Array(length).fill(0x17);
    one.name(id);
    const counts = length >= 4 && length <= 20;
    assert.equal(ids.size, counts ? 1 : 0, `${length}`);
    one.issue(id.map(() => 0x42));
    assert.equal(ids.size, counts ? 2 : 0, `${length}`);
  }
});

Deno.test("of IDs of several lengths that a datagram could begin with, the longest decides", () => {
  const { ids, one, other } = setUp(HERE, ELSEWHERE);
  one.issue("abcd");
  other.issue("abcdefgh");
  assert.equal(ids.find(data("abcdefgh"), HERE), other);
  assert.equal(ids.find(data("abcdefgx"), HERE), one);
  other.trail.end();
  assert.equal(ids.find(data("abcdefgh"), HERE), one);
});

Deno.test("once the backend's IDs have another length, so have those that the client changes to", () => {
  const { ids, one } = setUp(HERE);
  one.issue("a".repeat(18)); // Of a Retry.
  one.issue("abcdefgh");
  one.trail.request(data("ijklmnop"));
  assert.equal(ids.find(data("ijklmnop"), HERE), one);
});

Deno.test("datagrams are altered behind their back, and kept by nobody", () => {
  const { ids, one } = setUp(HERE);
  const first = handshake("abcdefgh");
  one.trail.request(first);
  first.fill(0);
  one.name("ijklmnop");
  one.name("abcdefgh");
  assert.equal(ids.find(handshake("abcdefgh"), HERE), one);
  assert.equal(ids.size, 2);
});

/** The rules, without thought of how long they take. */
class NaiveIds {
  readonly sessions = [HERE, HERE, ELSEWHERE].map((client) => ({
    client,
    issued: [] as string[],
    named: [] as string[],
    last: "",
  }));
  readonly #disputed = new Set<string>();
  readonly #clients = new Map<string, string[]>();

  issue(which: number, id: string): void {
    const session = this.sessions[which]!;
    const { issued, named, last } = session;
    if (issued.includes(id) || named.includes(id) || last === id) return;
    if (this.#issuers(id).length > 0) this.#disputed.add(id);
    for (const other of this.sessions) other.named = other.named.filter((each) => each !== id);
    session.issued = [...issued, id].slice(-MOST_ISSUED);
    this.#tidy();
  }

  name(which: number, id: string): void {
    const session = this.sessions[which]!;
    if (session.last === id) return;
    session.last = id;
    if (this.sessions.some(({ issued, named }) => issued.includes(id) || named.includes(id))) {
      return;
    }
    session.named = [...session.named, id].slice(-MOST_NAMED);
    this.#clients.set(id, [session.client]);
    this.#tidy();
  }

  end(which: number): void {
    Object.assign(this.sessions[which]!, { issued: [], named: [] });
    this.#tidy();
  }

  find(id: string, client: string): number {
    const [issuer] = this.#issuers(id);
    if (issuer !== undefined) return this.#disputed.has(id) ? -1 : this.sessions.indexOf(issuer);
    const owner = this.sessions.findIndex(({ named }) => named.includes(id));
    const clients = this.#clients.get(id) ?? [];
    if (owner < 0 || clients.includes(client)) return owner;
    if (clients.length >= MOST_CLIENTS) return -1;
    clients.push(client);
    return owner;
  }

  #issuers(id: string) {
    return this.sessions.filter(({ issued }) => issued.includes(id));
  }

  #tidy(): void {
    for (const id of this.#disputed) {
      if (this.#issuers(id).length === 0) this.#disputed.delete(id);
    }
  }
}

Deno.test("whatever comes in whichever order, IDs are whose the rules say", () => {
  const which = fc.nat(2);
  const id = fc.nat(13).map((i) => `id ${String.fromCharCode(97 + i)}`);
  const client = fc.nat(11).map((i) => i === 0 ? HERE : `203.0.113.${i}`);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("issue"), which, id }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("name"), which, id }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("find"), id, client }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("end"), which }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const naive = new NaiveIds();
      const ids = new Ids<TestSession>(quic);
      const sessions = naive.sessions.map(({ client }) => new TestSession(client, ids));
      for (const step of steps) {
        if ("client" in step) {
          const found = ids.find(handshake(step.id), step.client);
          const expected = naive.find(step.id, step.client);
          assert.equal(found === undefined ? -1 : sessions.indexOf(found), expected);
        } else if ("id" in step) {
          const action = step.do === "issue" ? "issue" : "name";
          sessions[step.which]![action](step.id);
          naive[action](step.which, step.id);
        } else {
          sessions[step.which]!.trail.end();
          naive.end(step.which);
        }
        const held = new Set(naive.sessions.flatMap(({ issued, named }) => [...issued, ...named]));
        assert.equal(ids.size, held.size);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("random datagrams are nobody's", () => {
  const { ids, one } = setUp(HERE);
  for (const length of [4, 8, 18, 20]) one.issue(new Uint8Array(length).fill(length));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (datagram) => {
      assert.equal(ids.find(datagram, HERE), undefined);
    }),
    { numRuns: 1000 },
  );
  assert.equal(ids.find(parseHex(""), HERE), undefined);
  assert.equal(ids.find(bytes("c"), HERE), undefined);
});
