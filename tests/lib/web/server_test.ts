import assert from "node:assert/strict";
import type { Answer, Page, Stream } from "../../../lib/web/http.ts";
import { HttpServer } from "../../../lib/web/server.ts";
import { type Conn, type Listener, NetError } from "../../../lib/runtime/runtime.ts";
import { ManualClock } from "../../support/clock.ts";
import { type MemoryConn, MemoryNet } from "../../support/memory_net.ts";
import { bytesOf, readAll, settled } from "../../support/rig.ts";

const AT = { address: "127.0.0.1", port: 9464 };
const GET = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

/** A server on a Net and a clock in memory. */
class Served {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly faults: unknown[] = [];
  readonly server: HttpServer;
  readonly #clients: MemoryConn[] = [];

  private constructor(page: Page, alter: (listener: Listener) => Listener) {
    this.server = new HttpServer(AT, {
      net: { listen: (options) => alter(this.net.listen(options)) },
      clock: this.clock,
      site: { pages: new Map([["/a", page]]) },
      onFault: (error) => this.faults.push(error),
    });
  }

  static async with(
    page: Page,
    test: (served: Served) => Promise<void>,
    alter = (listener: Listener) => listener,
  ): Promise<void> {
    const served = new Served(page, alter);
    await test(served);
    await served.server.close();
    for (const client of served.#clients) client.close();
    await settled();
    assert.equal(served.net.openConns, 0);
    assert.equal(served.clock.pending, 0);
  }

  async connect(text = ""): Promise<MemoryConn> {
    const client = await this.net.connect(AT, { timeout: 1000 });
    this.#clients.push(client);
    if (text !== "") await client.write(bytesOf(text));
    return client;
  }

  /** The status of a page that is asked for on a connection of its own. */
  async status(text = GET): Promise<number> {
    const client = await this.connect(text);
    const answer = statusOf(await readAll(client));
    client.close();
    await settled();
    return answer;
  }

  async pass(ms: number): Promise<void> {
    await settled();
    this.clock.advance(ms);
    await settled();
  }
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
const hello = (): Answer => ({ status: 200, body: "hello\n" });

Deno.test("a page is made anew for every request", async () => {
  let made = 0;
  await Served.with(() => ({ status: 200, body: `made ${++made}` }), async (served) => {
    assert.match(await readAll(await served.connect(GET)), /\r\n\r\nmade 1$/);
    assert.match(await readAll(await served.connect(GET)), /\r\n\r\nmade 2$/);
  });
});

Deno.test("a request may come in pieces", () =>
  Served.with(hello, async (served) => {
    const client = await served.connect();
    for (const piece of GET) {
      await client.write(bytesOf(piece));
      await settled();
    }
    assert.equal(statusOf(await readAll(client)), 200);
  }));

Deno.test("a connection is for one request, and what is sent beside it is thrown away", () =>
  Served.with(hello, async (served) => {
    const client = await served.connect(GET + GET + "x".repeat(10_000));
    assert.equal((await readAll(client)).match(/HTTP\/1\.1 200/g)?.length, 1);
  }));

Deno.test("what is no request is 400, and so is a head that is too long", () =>
  Served.with(hello, async (served) => {
    assert.equal(await served.status("SSH-2.0-x\r\n"), 400);
    const almost = "GET /a HTTP/1.1\r\nX: ";
    assert.equal(
      await served.status(almost + "x".repeat(8_192 - almost.length - 4) + "\r\n\r\n"),
      200,
    );
    assert.equal(await served.status(almost + "x".repeat(8_192)), 400);
  }));

Deno.test("a client that is silent, or does not come to an end, is hung up on after 5 s", () =>
  Served.with(hello, async (served) => {
    const silent = await served.connect();
    const slow = await served.connect("GET /a HTTP/1.1\r\n");
    await served.pass(4_999);
    await slow.write(bytesOf("X: y\r\n"));
    await served.pass(1);
    assert.equal(statusOf(await readAll(silent)), 400);
    assert.equal(statusOf(await readAll(slow)), 400);
  }));

Deno.test("a client that does not read its answer is hung up on after 5 s", () =>
  Served.with(() => ({ status: 200, body: "x".repeat(10_000_000) }), async (served) => {
    const client = await served.connect(GET);
    await served.pass(5_000);
    const got = await readAll(client).catch((error: unknown) => String(error));
    assert.ok(got.length < 10_000_000, `${got.length}`);
  }));

Deno.test("a client that leaves before its answer harms nobody", async () => {
  const gate = Promise.withResolvers<void>();
  const page = () => gate.promise.then(() => hello());
  await Served.with(page, async (served) => {
    const leaving = await served.connect(GET);
    await settled();
    leaving.close();
    gate.resolve();
    assert.equal(await served.status(), 200);
    assert.deepEqual(served.faults, []);
  });
});

Deno.test("a page that cannot be made is 500 without a word of why, which is told to its owner", async () => {
  const fault = new Error("a secret");
  const page = () => {
    throw fault;
  };
  await Served.with(page, async (served) => {
    const answer = await readAll(await served.connect(GET));
    assert.match(answer, /^HTTP\/1\.1 500 [^]*\r\n\r\ninternal error\n$/);
    assert.deepEqual(served.faults, [fault]);
  });
});

Deno.test("of many connections 16 are served at once, the rest is closed, and later there is room again", () =>
  Served.with(hello, async (served) => {
    const clients: MemoryConn[] = [];
    for (let i = 0; i < 16; i++) clients.push(await served.connect("GET /a HTTP/1.1\r\n"));
    await settled();
    assert.equal(await readAll(await served.connect()), "");
    for (const client of clients) {
      await client.write(bytesOf("\r\n"));
      assert.equal(statusOf(await readAll(client)), 200);
      client.close();
    }
    await settled();
    assert.equal(await served.status(), 200);
  }));

Deno.test("after a shortage of descriptors it is there again, and it does not ask for them all the time", async () => {
  let attempts = 0;
  let isShort = true;
  const alter = (listener: Listener): Listener => {
    const accept = (): Promise<Conn> => {
      attempts++;
      return isShort
        ? Promise.reject(new NetError("exhausted", "Too many open files"))
        : listener.accept();
    };
    return { address: listener.address, accept, close: () => listener.close() };
  };
  await Served.with(hello, async (served) => {
    for (let i = 0; i < 10; i++) await served.pass(1_000);
    assert.equal(attempts, 11);
    isShort = false;
    await served.pass(1_000);
    assert.equal(await served.status(), 200);
  }, alter);
});

Deno.test("an address that cannot be had is named, with what stands in the way", () =>
  Served.with(hello, ({ net, clock }) => {
    assert.throws(
      () => new HttpServer(AT, { net, clock, site: { pages: new Map() }, onFault: () => {} }),
      /^NetError: cannot listen on 127\.0\.0\.1:9464: another process listens there$/,
    );
    return Promise.resolve();
  }));

Deno.test("closing it closes its connections, and frees the address", async () => {
  const gate = Promise.withResolvers<void>();
  await Served.with(() => gate.promise.then(() => hello()), async (served) => {
    const idle = await served.connect();
    const asking = await served.connect(GET);
    await settled();
    await Promise.all([served.server.close(), served.server.close()]);
    assert.equal(await readAll(idle), "");
    assert.equal(await readAll(asking), "");
    await served.net.listen({ ...AT, backlog: 1 }).close();
    // An answer that is ready only now is sent to nobody.
    gate.resolve();
    await settled();
    assert.deepEqual(served.faults, []);
  });
});

/** Reads until what was read contains `wanted`. */
async function readUntil(conn: MemoryConn, wanted: string): Promise<string> {
  const buffer = new Uint8Array(1024);
  let text = "";
  while (!text.includes(wanted)) {
    const length = await conn.read(buffer);
    assert.ok(length != null, `the end instead of ${wanted}`);
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
  return text;
}

/** A page that says everything that `say` is called with to everybody who looks on. */
function newsroom() {
  const writers = new Set<(text: string) => Promise<void>>();
  const stream: Stream = async ({ write }) => {
    const over = Promise.withResolvers<void>();
    const writer = (text: string) => write(bytesOf(text)).catch(over.resolve);
    writers.add(writer);
    await over.promise;
    writers.delete(writer);
  };
  return {
    page: (): Answer => ({ status: 200, body: stream }),
    say: (text: string) => Promise.all([...writers].map((writer) => writer(text))),
    viewers: () => writers.size,
  };
}

Deno.test("a stream goes on until its client leaves, however long nothing is said", async () => {
  const { page, say, viewers } = newsroom();
  await Served.with(page, async (served) => {
    const [one, other] = [await served.connect(GET), await served.connect(GET)];
    await settled();
    await served.pass(3_600_000);
    await say("news");
    assert.match(await readUntil(one, "news"), /^HTTP\/1\.1 200 [^]*\r\n\r\nnews$/);
    one.close();
    await settled();
    await say("more");
    await readUntil(other, "more");
    assert.equal(viewers(), 1);
    await served.server.close();
    await say("nobody hears this");
    assert.equal(viewers(), 0);
    assert.deepEqual(served.faults, []);
  });
});

Deno.test("who does not read his stream is hung up on", async () => {
  const { page, say, viewers } = newsroom();
  await Served.with(page, async (served) => {
    await served.connect(GET);
    await settled();
    const saying = say("x".repeat(1_000_000));
    await served.pass(5_000);
    await saying;
    assert.equal(viewers(), 0);
  });
});

Deno.test("eight may look on at once, and pages are still to be had", async () => {
  const { page, say } = newsroom();
  await Served.with(page, async (served) => {
    for (let i = 0; i < 8; i++) await served.connect(GET);
    await settled();
    assert.equal(await served.status(), 503);
    assert.equal(await served.status("GET /b HTTP/1.1\r\n\r\n"), 404);
    await served.server.close();
    await say("");
  });
});
