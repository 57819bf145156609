import assert from "node:assert/strict";
import fc from "fast-check";
import { Ids, MOST_CLIENTS, MOST_ISSUED, MOST_NAMED } from "../../../lib/following/ids.ts";
import { quic } from "../../../lib/following/quic.ts";
import { bytes } from "../../support/bytes.ts";
import { data, handshake, TestSession } from "./test_session.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.1";

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
  for (let i = 0; i < 100; i++) assert.equal(ids.find(data("abcdefgh"), `203.0.113.${i}`), other);
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
  assert.equal(ids.size, 1);
  one.name("abcd");
  assert.equal(ids.find(data("abcd"), HERE), undefined);
  other.trail.end();
  assert.equal(ids.size, 0);
  other.issue("abcd");
  assert.equal(ids.find(data("abcd"), HERE), other);
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

Deno.test("the bytes of a datagram are the platform's, which puts the next one there", () => {
  const { ids, one } = setUp(HERE);
  const buffer = handshake("abcdefgh");
  one.trail.request(buffer);
  buffer.set(handshake("ijklmnop"));
  one.trail.request(buffer);
  for (const id of ["abcdefgh", "ijklmnop"]) assert.equal(ids.find(handshake(id), HERE), one);
});

Deno.test("an ID that is cut off names nothing", () => {
  for (const whole of [handshake("ijklmnop").subarray(0, 14), data("ijklmnop").subarray(0, 9)]) {
    const { ids, one } = setUp(HERE);
    one.issue("abcdefgh");
    for (let length = 0; length < whole.length; length++) {
      one.trail.request(whole.subarray(0, length));
      assert.equal(ids.size, 1, `${length}`);
    }
    one.trail.request(whole);
    assert.equal(ids.size, 2);
  }
});

Deno.test("no length of an ID is tried that no session expects any more", () => {
  const { ids, one, other } = setUp(HERE, ELSEWHERE);
  const tried = () => {
    const datagram = data("strangers' bytes of no account");
    let count = 0;
    datagram.subarray = (...range) => {
      count++;
      return Uint8Array.prototype.subarray.apply(datagram, range) as typeof datagram;
    };
    assert.equal(ids.find(datagram, HERE), undefined);
    return count;
  };
  one.issue("abcdefgh");
  other.issue("ijklmnop");
  assert.equal(tried(), 1);
  one.issue("a".repeat(18));
  assert.equal(tried(), 2);
  one.trail.end();
  assert.equal(tried(), 1);
  other.issue("i".repeat(20));
  assert.equal(tried(), 1);
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
  assert.equal(ids.find(bytes(""), HERE), undefined);
  assert.equal(ids.find(bytes("c"), HERE), undefined);
});
