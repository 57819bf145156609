import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Conn, Listener, Net, PipeEnd, PipeOptions } from "../../lib/runtime/runtime.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { ManualClock } from "./clock.ts";
import { bytesOf, code, readAll, readBytes, streamContract, turn } from "./stream_contract.ts";

/** What the suite needs: a Net on a clock that it moves, and a way to let go of it. */
export interface NetUnderTest {
  readonly net: Net;
  close(): void;
}

const LOCALHOST = "127.0.0.1";
const IDLE = 60_000;

/** Registers the tests that every Net passes, whatever it is made of. */
export function netContract(name: string, make: (clock: ManualClock) => NetUnderTest): void {
  streamContract(name, (clock) => {
    const { net, close } = make(clock);
    const parts = new Parts(net, clock);
    return { pair: () => parts.pair(), close: () => (parts.close(), close()) };
  });

  const test = (sentence: string, body: (parts: Parts) => Promise<void>) =>
    Deno.test(`${name}: ${sentence}`, async () => {
      const clock = new ManualClock();
      const { net, close } = make(clock);
      const parts = new Parts(net, clock);
      try {
        await body(parts);
      } finally {
        parts.close();
        close();
      }
    });

  test("connecting to where nobody listens is refused", async (parts) => {
    const listener = parts.listen();
    const nobody = listener.address;
    await listener.close();
    await assert.rejects(parts.net.connect(nobody, { timeout: 1000 }), code("refused"));
  });

  test("an address that is taken cannot be listened on", async (parts) => {
    const { address, port } = parts.listen().address;
    await Promise.resolve();
    assert.throws(() => parts.net.listen({ address, port, backlog: 1 }), code("in_use"));
  });

  test("closing a listener ends its accept", async (parts) => {
    const listener = parts.listen();
    const accepting = assert.rejects(listener.accept(), code("closed"));
    listener.close();
    await accepting;
  });

  test("an address is free again when its listener has closed, though it was accepting", async (parts) => {
    const listener = parts.listen();
    const { address, port } = listener.address;
    const accepting = assert.rejects(listener.accept(), code("closed"));
    await listener.close();
    const again = parts.net.listen({ address, port, backlog: 16 });
    await accepting;
    await again.close();
  });

  test("a pipe carries both ways, first the head, and counts", async (parts) => {
    const { client, server, counts, end } = await parts.piped({ first: bytesOf("head ") });
    await client.write(bytesOf("and body"));
    await client.closeWrite();
    assert.equal(await readAll(server), "head and body");
    await server.write(bytesOf("answer"));
    await server.closeWrite();
    assert.equal(await end, "ended");
    assert.equal(await readAll(client), "answer");
    assert.deepEqual(counts, { up: 13, down: 6 });
  });

  test("a pipe passes on a half-close and keeps the reply", async (parts) => {
    const { client, server, end } = await parts.piped();
    await client.closeWrite();
    assert.equal(await readAll(server), "");
    for (let i = 0; i < 100; i++) await server.write(bytesOf("a long reply "));
    await server.closeWrite();
    assert.equal(await readAll(client), "a long reply ".repeat(100));
    assert.equal(await end, "ended");
  });

  test("a pipe delivers every byte of a large transfer in both directions at once", async (parts) => {
    const { client, server, counts, end } = await parts.piped();
    const size = 3_000_000;
    const pattern = Uint8Array.from({ length: size }, (_, i) => i * 31 ^ i >> 8);
    const send = async (conn: Conn) => {
      await conn.write(pattern);
      await conn.closeWrite();
    };
    const [up, down] = await Promise.all([
      readBytes(server),
      readBytes(client),
      send(client),
      send(server),
    ]);
    assert.ok(Buffer.compare(up, pattern) === 0 && Buffer.compare(down, pattern) === 0);
    assert.equal(await end, "ended");
    assert.deepEqual(counts, { up: size, down: size });
  });

  test("what a late read brings goes through the pipe first", async (parts) => {
    const { client, server, downstream, upstream } = await parts.joined();
    const cut = downstream.read(new Uint8Array(16), new Timeouts(parts.clock).start(5));
    parts.clock.advance(5);
    assert.equal(await cut, undefined);
    const counts = { up: 0, down: 0 };
    const options = { idleTimeout: 0, counts, first: new Uint8Array(0) };
    const end = parts.pipe(downstream, upstream, options);
    await server.write(bytesOf("220 hello\r\n"));
    const greeting = new Uint8Array(11);
    assert.equal(await client.read(greeting), 11);
    await client.write(bytesOf("QUIT\r\n"));
    await client.closeWrite();
    assert.equal(await readAll(server), "QUIT\r\n");
    await server.closeWrite();
    assert.equal(await end, "ended");
    assert.deepEqual(counts, { up: 6, down: 11 });
  });

  test("a pipe ends when neither side has sent for the idle timeout", async (parts) => {
    const { client, server, end } = await parts.piped({ idleTimeout: IDLE });
    let over: string | undefined;
    end.then((how) => over = how);
    for (const [from, to] of [[client, server], [server, client], [client, server]] as const) {
      parts.clock.advance(IDLE - 1);
      await from.write(bytesOf("still here"));
      assert.equal(await to.read(new Uint8Array(16)), 10);
      await turn();
    }
    parts.clock.advance(IDLE - 1);
    await turn();
    assert.equal(over, undefined);
    parts.clock.advance(1 + IDLE / 8);
    assert.equal(await end, "idle_timeout");
  });

  test("a pipe tells that the client is gone from under the reply", async (parts) => {
    const { client, server, end } = await parts.piped();
    client.close();
    await writeUntil(end, server);
    assert.equal(await end, "downstream_reset");
  });

  test("a pipe tells that the backend is gone from under the request", async (parts) => {
    const { client, server, end } = await parts.piped();
    server.close();
    await writeUntil(end, client);
    assert.equal(await end, "upstream_reset");
  });

  test("a pipe says so when a connection is closed under it", async (parts) => {
    const { downstream, end } = await parts.piped();
    downstream.close();
    assert.equal(await end, "closed");
  });

  test("a backend that does not read stops the client, not the memory", async (parts) => {
    const { client, end, downstream, upstream, counts } = await parts.piped();
    const chunk = new Uint8Array(65_536);
    let sent = 0;
    const flood = (async () => {
      for (; sent < 1 << 30; sent += chunk.length) await client.write(chunk);
    })().catch(() => {});
    // Nothing is read, so sooner or later nothing moves: what has been sent stays what it is.
    for (let before = -1; before !== sent;) {
      before = sent;
      for (let i = 0; i < 50; i++) await turn();
    }
    assert.ok(sent < 64 << 20, `${sent} bytes were taken from a client whose backend reads none`);
    assert.ok(sent - counts.up < 16 << 20);
    downstream.close();
    upstream.close();
    client.close();
    await flood;
    assert.equal(await end, "closed");
  });
}

/** A Net and what a test made with it. */
class Parts {
  readonly #opened: Array<{ close(): void }> = [];

  constructor(readonly net: Net, readonly clock: ManualClock) {}

  listen(): Listener {
    return this.#own(this.net.listen({ address: LOCALHOST, port: 0, backlog: 16 }));
  }

  /** Two ends of a connection. */
  async pair(): Promise<[Conn, Conn]> {
    const listener = this.listen();
    const [connected, accepted] = await Promise.all([
      this.net.connect(listener.address, { timeout: 1000 }),
      listener.accept(),
    ]);
    return [this.#own(connected), this.#own(accepted)];
  }

  /** A client and a server, and the two ends between which a pipe goes. */
  async joined() {
    const [client, downstream] = await this.pair();
    const [upstream, server] = await this.pair();
    return { client, downstream, upstream, server };
  }

  async piped({ idleTimeout = 0, first = new Uint8Array(0) } = {}) {
    const ends = await this.joined();
    const counts = { up: 0, down: 0 };
    const end = this.pipe(ends.downstream, ends.upstream, { idleTimeout, counts, first });
    return { ...ends, counts, end };
  }

  /** A pipe whose connections are closed behind it, as its caller does. */
  pipe(downstream: Conn, upstream: Conn, options: PipeOptions): Promise<PipeEnd> {
    return new Promise((resolve) => {
      const onPipeEnd = (end: PipeEnd) => {
        downstream.close();
        upstream.close();
        resolve(end);
      };
      this.net.pipe(downstream, upstream, options, { onPipeEnd });
    });
  }

  close(): void {
    for (const each of this.#opened) each.close();
  }

  #own<T extends { close(): void }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }
}

/** Writes a little at a time until `end` comes. */
async function writeUntil(end: Promise<unknown>, conn: Conn): Promise<void> {
  let over = false;
  end.then(() => over = true);
  while (!over) {
    await conn.write(bytesOf("are you there? "));
    await turn();
  }
}
