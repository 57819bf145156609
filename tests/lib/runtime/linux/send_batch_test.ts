import assert from "node:assert/strict";
import { type RawPeer, rawPeer } from "../../../../lib/runtime/linux/datagram_addresses.ts";
import type { RawAddress } from "../../../../lib/runtime/linux/datagram_layout.ts";
import { DatagramMemory, LARGEST_DATAGRAM } from "../../../../lib/runtime/linux/datagram_memory.ts";
import { AF_INET, decodeAddress, ERRNO } from "../../../../lib/runtime/linux/layout.ts";
import { MOST_QUEUED, type Outlet, SendBatch } from "../../../../lib/runtime/linux/send_batch.ts";
import { FakeMemory } from "../../../support/fake_messages.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A socket that notes what it is told. */
class TestOutlet implements Outlet {
  readonly family = AF_INET;
  uncut = Infinity;
  isBlocked = false;
  readonly kept: string[] = [];
  readonly errors: number[] = [];

  constructor(readonly fd: number) {}

  keep(datagram: Uint8Array): void {
    this.isBlocked = true;
    this.kept.push(text(datagram));
  }

  notSent(errno: number): void {
    this.errors.push(errno);
  }
}

/** A batch, and a kernel that does as `answers` say, one a call; without one it takes everything. */
class Bench {
  /** Each message that was sent: its socket, its datagrams. */
  readonly sent: Array<readonly [fd: number, ...datagrams: string[]]> = [];
  readonly names: string[] = [];
  readonly controls: string[] = [];
  /** How many messages a call takes, or below zero the error. */
  readonly answers: number[] = [];
  calls = 0;
  readonly memory: DatagramMemory;
  readonly batch: SendBatch;
  readonly #fake = new FakeMemory();

  constructor(canCut = true) {
    this.memory = new DatagramMemory(this.#fake.addressOf);
    this.batch = new SendBatch(
      { sendMessages: (fd, messages, count) => this.#send(fd, messages, count) },
      this.#fake.addressOf,
      () => this.memory,
      canCut,
    );
  }

  #send(fd: number, messages: Uint8Array<ArrayBuffer>, count: number): number {
    this.calls++;
    const answer = Math.min(this.answers.shift() ?? count, count);
    for (const { name, pieces, control } of this.#fake.messages(messages, Math.max(answer, 0))) {
      this.sent.push([fd, ...pieces.map(text)]);
      const { address, port } = name.length > 0 ? decodeAddress(name) : { address: "", port: 0 };
      this.names.push(`${address}:${port}`);
      this.controls.push(control.toHex());
    }
    return answer;
  }

  /** A datagram that was received into a slot. */
  slot(slot: number, content: string): Uint8Array {
    const datagram = this.memory.slot(slot, content.length);
    datagram.set(bytesOf(content));
    return datagram;
  }
}

function peer(hostname: string, port = 53): RawPeer {
  return rawPeer({ hostname, port })!;
}

Deno.test("what was added leaves in its order, one call a socket in a row", () => {
  const bench = new Bench();
  const [a, b] = [new TestOutlet(4), new TestOutlet(5)];
  const [one, two] = [peer("192.0.2.1"), peer("192.0.2.2", 54)];
  bench.batch.add(a, bytesOf("1"), one);
  bench.batch.add(a, bytesOf("22"), two);
  bench.batch.add(b, bytesOf("3"));
  bench.batch.add(a, bytesOf("4"), one);
  assert.deepEqual(bench.sent, []);
  bench.batch.flush();
  assert.deepEqual(bench.sent, [[4, "1"], [4, "22"], [5, "3"], [4, "4"]]);
  assert.deepEqual(bench.names, ["192.0.2.1:53", "192.0.2.2:54", ":0", "192.0.2.1:53"]);
  assert.equal(bench.calls, 3);
  assert.ok(bench.batch.isEmpty);
  bench.batch.flush();
  assert.equal(bench.calls, 3);
});

Deno.test("a datagram of a slot is not copied, any other is what it was when it was added", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  const received = bench.slot(3, "slot");
  const mine = bytesOf("mine");
  bench.batch.add(outlet, received.subarray(1));
  bench.batch.add(outlet, mine);
  received.set(bytesOf("SLOT"));
  mine.fill(0);
  bench.batch.flush();
  assert.deepEqual(bench.sent, [[4, "LOT"], [4, "mine"]]);
});

Deno.test("equal datagrams in a row to one other end are one message, the last one maybe shorter", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  const [one, two] = [peer("192.0.2.1"), peer("192.0.2.2")];
  const add = (to: RawPeer, ...texts: string[]) => {
    for (const each of texts) bench.batch.add(outlet, bytesOf(each), to);
  };
  add(one, "aaa", "bbb", "cc", "dd", "eee");
  add(two, "fff", "ggg", "", "");
  bench.batch.flush();
  assert.deepEqual(bench.sent, [
    [4, "aaa", "bbb", "cc"],
    [4, "dd"],
    [4, "eee"],
    [4, "fff", "ggg"],
    [4, ""],
    [4, ""],
  ]);
  // UDP_SEGMENT of 3 bytes, and no control message where nothing is to be cut.
  assert.equal(
    bench.controls[0],
    "1200000000000000" + "11000000" + "67000000" + "0300ffff".slice(0, 4) + "000000000000",
  );
  assert.equal(bench.controls[1], "");
  assert.equal(bench.calls, 1);
});

Deno.test("datagrams that leave from different addresses are not one message", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  const to = peer("192.0.2.1");
  const sources: RawAddress[] = [peer("198.51.100.1"), peer("198.51.100.2")];
  for (const source of [sources[0], sources[0], sources[1]]) {
    bench.batch.add(outlet, bytesOf("x"), to, source);
  }
  bench.batch.flush();
  assert.deepEqual(bench.sent, [[4, "x", "x"], [4, "x"]]);
  assert.ok(bench.controls[0]?.includes("c6336401"));
  assert.equal(bench.controls[0]?.length, 2 * (32 + 24));
  assert.ok(bench.controls[1]?.includes("c6336402"));
  assert.equal(bench.controls[1]?.length, 2 * 32);
});

Deno.test("no message is longer than a packet", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  const long = "x".repeat(30_000);
  for (let i = 0; i < 5; i++) bench.batch.add(outlet, bytesOf(long));
  bench.batch.flush();
  assert.deepEqual(bench.sent.map((message) => message.length - 1), [2, 2, 1]);
});

Deno.test("a kernel that cannot cut is never asked to", () => {
  const bench = new Bench(false);
  const outlet = new TestOutlet(4);
  for (let i = 0; i < 3; i++) bench.batch.add(outlet, bytesOf("x"));
  bench.batch.flush();
  assert.deepEqual(bench.sent, [[4, "x"], [4, "x"], [4, "x"]]);
  assert.deepEqual(bench.controls, ["", "", ""]);
});

for (const name of ["EMSGSIZE", "EINVAL", "EIO"] as const) {
  Deno.test(`where a way does not allow a message to be cut (${name}), no long one is tried again`, () => {
    const bench = new Bench();
    const outlet = new TestOutlet(4);
    const [far, near] = [peer("192.0.2.1"), peer("192.0.2.2")];
    const add = (to: RawPeer, ...texts: string[]) => {
      for (const each of texts) bench.batch.add(outlet, bytesOf(each), to);
    };
    add(far, "1234", "5678", "9");
    add(near, "1234", "5678");
    bench.answers.push(-ERRNO[name]);
    bench.batch.flush();
    assert.deepEqual(bench.sent, [[4, "1234"], [4, "5678"], [4, "9"], [4, "1234", "5678"]]);
    assert.deepEqual(outlet.errors, []);
    add(far, "abcd", "efgh");
    add(far, "abc", "def");
    bench.batch.flush();
    assert.deepEqual(bench.sent.slice(4), [[4, "abcd"], [4, "efgh"], [4, "abc", "def"]]);
  });
}

Deno.test("what the system does not take the socket keeps, and nothing overtakes it", () => {
  const bench = new Bench();
  const [a, b] = [new TestOutlet(4), new TestOutlet(5)];
  const to = [peer("192.0.2.1"), peer("192.0.2.2"), peer("192.0.2.3")];
  bench.batch.add(a, bench.slot(0, "1"), to[0]);
  bench.batch.add(a, bench.slot(1, "2"), to[1]);
  bench.batch.add(a, bytesOf("3"), to[2]);
  bench.batch.add(b, bytesOf("4"));
  bench.batch.add(a, bytesOf("5"), to[0]);
  bench.answers.push(1, -ERRNO.EAGAIN);
  bench.batch.flush();
  assert.deepEqual(bench.sent, [[4, "1"], [5, "4"]]);
  assert.deepEqual(a.kept, ["2", "3", "5"]);
  assert.deepEqual([a.errors, b.kept], [[], []]);
});

Deno.test("a datagram that cannot be sent costs no other", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  for (const [i, each] of ["1", "22", "333", "4444"].entries()) {
    bench.batch.add(outlet, bytesOf(each), peer(`192.0.2.${i}`));
  }
  bench.answers.push(1, -ERRNO.EPERM, -ERRNO.ENETUNREACH);
  bench.batch.flush();
  assert.deepEqual(bench.sent, [[4, "1"], [4, "4444"]]);
  assert.deepEqual(outlet.errors, [ERRNO.EPERM, ERRNO.ENETUNREACH]);
});

Deno.test("more than a call takes leaves by several", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  const sent = Array.from({ length: 3 * MOST_QUEUED + 1 }, (_, i) => `${i}`);
  for (const each of sent) bench.batch.add(outlet, bytesOf(each));
  bench.batch.flush();
  assert.deepEqual(bench.sent.flatMap(([, ...datagrams]) => datagrams), sent);
});

Deno.test("there is room for the largest copies, and what is longer than any datagram is refused", () => {
  const bench = new Bench();
  const outlet = new TestOutlet(4);
  const longest = new Uint8Array(LARGEST_DATAGRAM).fill(0x78);
  for (let i = 0; i < 20; i++) bench.batch.add(outlet, longest);
  bench.batch.add(outlet, new Uint8Array(LARGEST_DATAGRAM + 1));
  bench.batch.flush();
  assert.equal(bench.sent.length, 20);
  for (const [, datagram] of bench.sent) assert.equal(datagram, text(longest));
  assert.deepEqual(outlet.errors, [ERRNO.EMSGSIZE]);
});
