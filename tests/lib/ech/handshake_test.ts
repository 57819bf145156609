import assert from "node:assert/strict";
import fc from "fast-check";
import { watchHandshake } from "../../../lib/ech/handshake.ts";
import { EchOpener } from "../../../lib/ech/opener.ts";
import { NetError } from "../../../lib/runtime/runtime.ts";
import { Timeouts } from "../../../lib/timeouts.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { hello } from "../../support/client_hello.ts";
import { ManualClock } from "../../support/clock.ts";
import { type MemoryConn, MemoryNet } from "../../support/memory_net.ts";
import { CLIENT, settled } from "../../support/rig.ts";
import { type Conversation, conversations } from "./conversations.ts";

const RETRIES = conversations().filter(({ second }) => second !== undefined);
const [PLAIN] = conversations().filter(({ second }) => second === undefined);

const CHANGE_CIPHER_SPEC = concat(20, 3, 3, 0, 1, 1);
const EARLY_DATA = concat(23, 3, 3, prefixed(2, new Uint8Array(200).fill(5)));
const HELLO = bytes("PROXY and the opened hello");

/** A client and a backend, each with sluice at the other end, and a handshake that is watched between them. */
class Watched {
  readonly clock = new ManualClock();
  readonly counts = { up: 0, down: 0 };
  readonly client: MemoryConn;
  readonly backend: MemoryConn;
  readonly downstream: MemoryConn;
  readonly upstream: MemoryConn;
  readonly result: ReturnType<typeof watchHandshake>;

  static async start(conversation: Conversation): Promise<Watched> {
    const net = new MemoryNet(new ManualClock());
    const pair = async (port: number) => {
      const at = { address: "127.0.0.1", port };
      const listener = net.listen({ ...at, backlog: 1 });
      const near = await net.connectFrom(CLIENT, at);
      const far = await listener.accept() as MemoryConn;
      listener.close();
      return { near, far };
    };
    return new Watched(conversation, await pair(1), await pair(2));
  }

  private constructor(
    { keys, first }: Conversation,
    down: { near: MemoryConn; far: MemoryConn },
    up: { near: MemoryConn; far: MemoryConn },
  ) {
    this.client = down.near;
    this.downstream = down.far;
    this.upstream = up.near;
    this.backend = up.far;
    const opened = new EchOpener(keys).open(first);
    assert.ok(opened.kind === "inner");
    const deadline = new Timeouts(this.clock).start(5000);
    const { downstream, upstream, counts } = this;
    const parts = { deadline, counts };
    this.result = watchHandshake(downstream, upstream, HELLO, opened.context, parts);
    // Whoever looks at it later sees how it ended.
    this.result.catch(() => {});
  }

  /** What `conn` has got so far. */
  static async got(conn: MemoryConn): Promise<Uint8Array> {
    await settled();
    const buffer = new Uint8Array(65_536);
    const length = await conn.read(buffer, { passed: false, onPassed: undefined });
    return buffer.slice(0, length ?? 0);
  }

  close(): void {
    for (const conn of [this.client, this.downstream, this.upstream, this.backend]) conn.close();
  }
}

/** Sends `sent` in pieces, cut at `cuts`. */
async function send(conn: MemoryConn, sent: Uint8Array, cuts: readonly number[] = []) {
  let at = 0;
  for (const cut of [...cuts.map((cut) => cut % sent.length).sort((a, b) => a - b), sent.length]) {
    await conn.write(sent.subarray(at, cut));
    await settled();
    at = cut;
  }
}

Deno.test("a second hello is opened, however the two sides cut what they say", async () => {
  assert.equal(RETRIES.length, 2);
  const cuts = fc.array(fc.nat(5000), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...RETRIES), cuts, cuts, async (recorded, above, below) => {
      const { answer, second, secondInner } = recorded;
      assert.ok(second && secondInner);
      const watched = await Watched.start(recorded);
      assert.deepEqual(await Watched.got(watched.backend), HELLO);
      await send(watched.backend, answer, above);
      const passedOn = await Watched.got(watched.client);
      // At least the HelloRetryRequest; what the backend sends behind it may be left to the pipe.
      assert.deepEqual(passedOn, answer.slice(0, passedOn.length));
      await send(watched.client, second, below);
      assert.deepEqual(await watched.result, { kind: "pipe", first: secondInner });
      assert.deepEqual(watched.counts, { up: HELLO.length, down: passedOn.length });
      watched.close();
    }),
    { numRuns: 40 },
  );
});

Deno.test("what a client sends around its second hello stays where it is", async () => {
  for (const recorded of RETRIES) {
    const { answer, second, secondInner } = recorded;
    assert.ok(second && secondInner);
    const watched = await Watched.start(recorded);
    await send(watched.backend, answer);
    const before = concat(EARLY_DATA, CHANGE_CIPHER_SPEC, EARLY_DATA);
    await send(watched.client, concat(before, second, EARLY_DATA));
    const first = concat(before, secondInner, EARLY_DATA);
    assert.deepEqual(await watched.result, { kind: "pipe", first });
    watched.close();
  }
});

Deno.test("without a HelloRetryRequest the rest is the pipe's, and nothing of the client is read", async () => {
  assert.ok(PLAIN);
  const answers: Record<string, Uint8Array> = {
    "a ServerHello": PLAIN.answer,
    "an alert": concat(21, 3, 3, 0, 2, 2, 40),
    "another message": hello(),
    "no TLS": bytes("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a ServerHello without a random": concat(22, 3, 3, 0, 4, 2, 0, 0, 0),
  };
  for (const [what, answer] of Object.entries(answers)) {
    const watched = await Watched.start(PLAIN);
    await watched.client.write(bytes("early"));
    await send(watched.backend, answer);
    const result = await watched.result;
    assert.deepEqual(result, { kind: "pipe", first: new Uint8Array(0) }, what);
    assert.deepEqual(await Watched.got(watched.client), answer, what);
    assert.deepEqual(await Watched.got(watched.downstream), bytes("early"), what);
    assert.equal(watched.counts.down, answer.length);
    watched.close();
  }
});

Deno.test("a backend that ends, or is silent until the deadline, leaves the rest to the pipe", async () => {
  assert.ok(PLAIN);
  const { answer } = PLAIN;
  const ends: ((watched: Watched) => Promise<void> | void)[] = [
    ({ backend }) => backend.closeWrite(),
    ({ clock }) => clock.advance(5000),
  ];
  for (const end of ends) {
    const watched = await Watched.start(PLAIN);
    await Watched.got(watched.backend);
    await send(watched.backend, answer.subarray(0, 20));
    await end(watched);
    assert.deepEqual(await watched.result, { kind: "pipe", first: new Uint8Array(0) });
    assert.deepEqual(await Watched.got(watched.client), answer.slice(0, 20));
    watched.close();
  }
  const watched = await Watched.start(PLAIN);
  await settled();
  watched.clock.advance(5000);
  await watched.result;
  await watched.backend.write(answer);
  assert.deepEqual(await Watched.got(watched.upstream), answer, "nothing is lost");
  watched.close();
});

Deno.test("a client that answers a HelloRetryRequest with something else leaves that to the pipe", async () => {
  const [recorded] = RETRIES;
  assert.ok(recorded?.second);
  const others: Record<string, Uint8Array> = {
    "an alert": concat(21, 3, 3, 0, 2, 1, 0),
    "another message": concat(CHANGE_CIPHER_SPEC, 22, 3, 3, 0, 4, 11, 0, 0, 0),
    "no TLS": bytes("GET / HTTP/1.1\r\n\r\n"),
    "more early data than is held": concat(
      ...new Array<Uint8Array>(5).fill(concat(23, 3, 3, prefixed(2, new Uint8Array(16_000)))),
    ),
  };
  for (const [what, sent] of Object.entries(others)) {
    const watched = await Watched.start(recorded);
    await send(watched.backend, recorded.answer);
    const sending = send(watched.client, sent);
    const result = await watched.result;
    assert.ok(result.kind === "pipe", what);
    assert.ok(result.first.length > 0 && result.first.length <= 65_536, what);
    assert.deepEqual(result.first, sent.slice(0, result.first.length), what);
    watched.close();
    await sending.catch(() => {});
  }
  const watched = await Watched.start(recorded);
  await send(watched.backend, recorded.answer);
  await send(watched.client, recorded.second.subarray(0, 100));
  watched.clock.advance(5000);
  const first = recorded.second.slice(0, 100);
  assert.deepEqual(await watched.result, { kind: "pipe", first }, "the deadline");
  watched.close();
});

Deno.test("a second hello that is not sealed, or not with the same context, is refused", async () => {
  const [recorded] = RETRIES;
  assert.ok(recorded);
  const seconds = [
    [hello({ versions: [0x0304] }), "missing_extension"],
    [recorded.first, "illegal_parameter"],
  ] as const;
  for (const [second, alert] of seconds) {
    const watched = await Watched.start(recorded);
    await send(watched.backend, recorded.answer);
    await send(watched.client, second);
    const result = await watched.result;
    assert.ok(result.kind === "refused");
    assert.equal(result.alert, alert);
    watched.close();
  }
});

Deno.test("it is known which side failed", async () => {
  const [recorded] = RETRIES;
  assert.ok(recorded);
  const detail = "Connection reset by peer";
  const watched = await Watched.start(recorded);
  await settled();
  watched.backend.reset();
  assert.deepEqual(await watched.result, { kind: "failed", reason: "backend_reset", detail });
  watched.close();

  const other = await Watched.start(recorded);
  await send(other.backend, recorded.answer);
  other.client.reset();
  assert.deepEqual(await other.result, { kind: "failed", reason: "client_reset", detail });
  other.close();
});

Deno.test("closed from inside, it says so", async () => {
  assert.ok(PLAIN);
  const watched = await Watched.start(PLAIN);
  await settled();
  watched.upstream.close();
  await assert.rejects(
    watched.result,
    (error) => error instanceof NetError && error.code === "closed",
  );
  watched.close();
});
