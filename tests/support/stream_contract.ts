import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { type Conn, NetError } from "../../lib/runtime/runtime.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { ManualClock } from "./clock.ts";

/** Connections of some kind, on a clock that the suite moves. */
export interface StreamsUnderTest {
  /** Two ends of a connection. */
  pair(): Promise<readonly [Conn, Conn]>;
  /** Lets go of all of it. */
  close(): void;
}

interface Parts extends StreamsUnderTest {
  readonly clock: ManualClock;
}

/** Registers the tests that every connection passes, whatever it is made of. */
export function streamContract(name: string, make: (clock: ManualClock) => StreamsUnderTest): void {
  const test = (sentence: string, body: (parts: Parts) => Promise<void>) =>
    Deno.test(`${name}: ${sentence}`, async () => {
      const clock = new ManualClock();
      const streams = make(clock);
      try {
        await body({ clock, pair: () => streams.pair(), close: () => streams.close() });
      } finally {
        streams.close();
      }
    });

  test("what is written arrives, and the end of the stream behind it", async (parts) => {
    const [a, b] = await parts.pair();
    await a.write(bytesOf("hello"));
    await a.closeWrite();
    assert.equal(await readAll(b), "hello");
  });

  test("both ends agree on who they are", async (parts) => {
    const [a, b] = await parts.pair();
    assert.deepEqual(a.local, b.remote);
    assert.deepEqual(a.remote, b.local);
  });

  test("the other direction goes on after a half-close", async (parts) => {
    const [a, b] = await parts.pair();
    await a.closeWrite();
    assert.equal(await b.read(new Uint8Array(1)), null);
    await b.write(bytesOf("reply"));
    await b.closeWrite();
    assert.equal(await readAll(a), "reply");
  });

  test("a read that its deadline cut short loses nothing to the next read", async (parts) => {
    const [a, b] = await parts.pair();
    const timeouts = new Timeouts(parts.clock);
    const cut = b.read(new Uint8Array(16), timeouts.start(5));
    parts.clock.advance(5);
    assert.equal(await cut, undefined);
    await a.write(bytesOf("late but whole"));
    await a.closeWrite();
    const small = new Uint8Array(4);
    assert.equal(await b.read(small), 4);
    assert.deepEqual(small, bytesOf("late"));
    assert.equal(await readAll(b), " but whole");
  });

  test("a read that its deadline cut short gives the end of the stream to the next", async (parts) => {
    const [a, b] = await parts.pair();
    const cut = b.read(new Uint8Array(16), new Timeouts(parts.clock).start(5));
    parts.clock.advance(5);
    assert.equal(await cut, undefined);
    await a.closeWrite();
    assert.equal(await b.read(new Uint8Array(4)), null);
  });

  test("a deadline that comes after its read changes nothing", async (parts) => {
    const [a, b] = await parts.pair();
    const deadline = new Timeouts(parts.clock).start(5);
    await a.write(bytesOf("in time"));
    const into = new Uint8Array(16);
    assert.equal(await b.read(into, deadline), 7);
    parts.clock.advance(5);
    await a.write(bytesOf(", more"));
    await a.closeWrite();
    assert.equal(await readAll(b), ", more");
  });

  test("a deadline that has passed reads nothing", async (parts) => {
    const [a, b] = await parts.pair();
    const deadline = new Timeouts(parts.clock).start(5);
    parts.clock.advance(5);
    await a.write(bytesOf("x"));
    await a.closeWrite();
    assert.equal(await b.read(new Uint8Array(1), deadline), undefined);
    assert.equal(await readAll(b), "x");
  });

  test("closing interrupts a read, and closing twice is safe", async (parts) => {
    const [, b] = await parts.pair();
    const reading = assert.rejects(async () => await b.read(new Uint8Array(1)), code("closed"));
    b.close();
    b.close();
    await reading;
  });

  test("every byte of a large transfer arrives, in both directions at once", async (parts) => {
    const [a, b] = await parts.pair();
    const size = 3_000_000;
    const pattern = Uint8Array.from({ length: size }, (_, i) => i * 31 ^ i >> 8);
    const send = async (conn: Conn) => {
      await conn.write(pattern);
      await conn.closeWrite();
    };
    const [up, down] = await Promise.all([readBytes(b), readBytes(a), send(a), send(b)]);
    assert.ok(Buffer.compare(up, pattern) === 0 && Buffer.compare(down, pattern) === 0);
  });

  test("who writes waits for who does not read", async (parts) => {
    const [a, b] = await parts.pair();
    const chunk = new Uint8Array(65_536);
    let sent = 0;
    const flood = (async () => {
      for (; sent < 1 << 30; sent += chunk.length) await a.write(chunk);
    })().catch(() => {});
    // Nothing is read, so sooner or later nothing moves: what has been sent stays what it is.
    for (let before = -1; before !== sent;) {
      before = sent;
      for (let i = 0; i < 50; i++) await turn();
    }
    assert.ok(sent < 32 << 20, `${sent} bytes were taken that nobody reads`);
    a.close();
    b.close();
    await flood;
  });

  test("writing to who is gone fails with reset, sooner or later", async (parts) => {
    const [a, b] = await parts.pair();
    b.close();
    await assert.rejects(
      (async () => {
        for (let i = 0; i < 10_000; i++) {
          await a.write(bytesOf("are you there? "));
          await turn();
        }
      })(),
      code("reset"),
    );
  });

  test("nothing can be done with a connection that was closed", async (parts) => {
    const [a] = await parts.pair();
    a.close();
    await assert.rejects(a.write(bytesOf("x")), code("closed"));
    await assert.rejects(async () => await a.read(new Uint8Array(1)), code("closed"));
    await a.closeWrite();
  });
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** For `assert.rejects`: a NetError with this code. */
export function code(expected: string) {
  return (error: unknown) => {
    assert.ok(error instanceof NetError, String(error));
    assert.equal(error.code, expected);
    return true;
  };
}

export async function readBytes(conn: Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  for (let length; (length = await conn.read(buffer)) != null;) {
    chunks.push(buffer.slice(0, length));
  }
  return Buffer.concat(chunks);
}

export async function readAll(conn: Conn): Promise<string> {
  return new TextDecoder().decode(await readBytes(conn));
}

/** One turn of the event loop, sockets included. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
