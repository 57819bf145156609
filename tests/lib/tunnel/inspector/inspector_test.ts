import assert from "node:assert/strict";
import type { Conn } from "../../../../lib/runtime/runtime.ts";
import { HttpTap } from "../../../../lib/tunnel/http/tap.ts";
import { Inspector } from "../../../../lib/tunnel/inspector/inspector.ts";
import { KEPT_OF_A_BODY } from "../../../../lib/tunnel/inspector/store.ts";
import { ManualClock } from "../../../support/clock.ts";
import { type MemoryConn, MemoryNet } from "../../../support/memory_net.ts";
import { bytesOf, readAll, settled } from "../../../support/rig.ts";

const AT = { address: "127.0.0.1", port: 4040 };
const SERVICE = { address: "127.0.0.1", port: 3000 };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const OWN = "Origin: http://127.0.0.1:4040\r\nX-Sluice: 1\r\n";

/** An inspector on a Net and a clock in memory. */
class Rig {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly faults: unknown[] = [];
  bytes = { up: 0, down: 0 };
  connect: () => Promise<Conn> = () => this.net.connect(SERVICE, { timeout: 1000 });
  readonly inspector = new Inspector(AT, {
    net: this.net,
    clock: this.clock,
    connect: () => this.connect(),
    status: () => ({
      edge: "edge.example",
      state: "connected",
      since: 0,
      endpoints: [],
      visitors: 0,
      bytes: this.bytes,
    }),
    onFault: (error) => this.faults.push(error),
  });
  readonly #clients: MemoryConn[] = [];

  static test(sentence: string, body: (rig: Rig) => Promise<void>): void {
    Deno.test(sentence, async () => {
      const rig = new Rig();
      await body(rig);
      await rig.inspector.close();
      for (const client of rig.#clients) client.close();
      await settled();
      assert.equal(rig.net.openConns, 0);
      assert.equal(rig.clock.pending, 0);
      assert.deepEqual(rig.faults, []);
    });
  }

  async ask(what: string, fields = ""): Promise<MemoryConn> {
    const client = await this.net.connect(AT, { timeout: 1000 });
    this.#clients.push(client);
    await client.write(bytesOf(`${what} HTTP/1.1\r\nHost: 127.0.0.1:4040\r\n${fields}\r\n`));
    return client;
  }

  /** The status and the body of an answer. */
  async answer(what: string, fields = ""): Promise<{ status: number; body: string }> {
    const answer = await readAll(await this.ask(what, fields));
    return {
      status: Number(answer.slice(9, 12)),
      body: answer.slice(answer.indexOf("\r\n\r\n") + 4),
    };
  }

  /** What a viewer is told: the next events, one at least. */
  async events(viewer: MemoryConn): Promise<string> {
    await this.pass(100);
    const buffer = new Uint8Array(1_000_000);
    let text = "";
    do {
      const length = await viewer.read(buffer);
      assert.ok(length != null, "the stream has ended");
      text += new TextDecoder().decode(buffer.subarray(0, length));
    } while (!text.endsWith("\n\n"));
    return text;
  }

  /** Lets an exchange go by; its id. */
  exchange(request: string, answer: string): number {
    let id = 0;
    const tap = new HttpTap({
      clock: this.clock,
      endpoint: "blog",
      visitor: { address: "192.0.2.7", port: 4711 },
      keeps: KEPT_OF_A_BODY,
      onExchange: (exchange, event) => {
        id = exchange.id;
        this.inspector.observe(exchange, event);
      },
    });
    tap.up(bytesOf(request));
    tap.down(bytesOf(answer));
    tap.closed();
    return id;
  }

  get(target: string): number {
    return this.exchange(`GET ${target} HTTP/1.1\r\nHost: blog.example\r\n\r\n`, OK);
  }

  async pass(ms: number): Promise<void> {
    await settled();
    this.clock.advance(ms);
    await settled();
  }
}

Deno.test("it is for this machine alone", () => {
  const { net, clock } = new Rig();
  const parts = {
    net,
    clock,
    connect: () => Promise.reject(new Error("no")),
    status: () => assert.fail("asked"),
    onFault: () => {},
  };
  for (const address of ["0.0.0.0", "::", "192.0.2.1", "10.127.0.1"]) {
    assert.throws(
      () => new Inspector({ address, port: 1 }, parts),
      /^RangeError: .*this machine alone/,
    );
  }
});

Rig.test("every file of the page is there, and every answer says what the page may do", async (rig) => {
  assert.equal(rig.inspector.url, "http://127.0.0.1:4040/");
  const page = await readAll(await rig.ask("GET /"));
  const files = Array.from(page.matchAll(/(?:src|href)="([^":]+)"/g), ([, name]) => name!);
  const main = await readAll(await rig.ask("GET /main.js"));
  files.push(...Array.from(main.matchAll(/from "\.\/([^"]+)"/g), ([, name]) => name!));
  assert.ok(files.length >= 5, files.join());
  for (const file of files) {
    const answer = await readAll(await rig.ask(`GET /${file}`));
    assert.match(answer, /^HTTP\/1\.1 200 /, file);
    assert.match(answer, /\r\nContent-Security-Policy: default-src 'none'; script-src 'self';/);
    assert.match(answer, /\r\nX-Content-Type-Options: nosniff\r\n/);
  }
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=|<script>|https?:\/\/(?!www\.w3\.org)/);
});

Rig.test("a request for another name is turned away", async (rig) => {
  const client = await rig.net.connect(AT, { timeout: 1000 });
  await client.write(bytesOf("GET / HTTP/1.1\r\nHost: evil.example:4040\r\n\r\n"));
  assert.match(await readAll(client), /^HTTP\/1\.1 403 /);
  client.close();
});

Rig.test("who looks is told of what there is, and then of what is new", async (rig) => {
  rig.get("/before");
  const viewer = await rig.ask("GET /events");
  const first = await rig.events(viewer);
  assert.match(
    first,
    /\r\nContent-Type: text\/event-stream\r\n[^]*\nevent: all\ndata: .*"\/before"/,
  );
  const id = rig.get("/after");
  const next = await rig.events(viewer);
  assert.match(next, /^event: news\ndata: .*"target":"\/after","status":200,"outcome":"complete"/);
  assert.equal(next.split(`"id":${id}`).length, 2, "told once of an exchange that began and ended");
  rig.inspector.changed();
  assert.match(await rig.events(viewer), /^event: news\n.*"exchanges":\[\],"gone":\[\]/);
});

Rig.test("once a second the throughput of that second is told", async (rig) => {
  rig.bytes = { up: 10, down: 20 };
  await rig.pass(1_000);
  const viewer = await rig.ask("GET /events");
  assert.match(await rig.events(viewer), /"seconds":1,"samples":\[\{"up":10,"down":20\}\]/);
  rig.bytes = { up: 15, down: 120 };
  await rig.pass(1_000);
  assert.match(await rig.events(viewer), /"seconds":2,"sample":\{"up":5,"down":100\}/);
  for (let i = 0; i < 200; i++) await rig.pass(1_000);
  const late = await rig.events(await rig.ask("GET /events"));
  assert.equal(late.split('{"up"').length - 1, 120 + 1, "two minutes, and the bytes of the status");
});

Rig.test("who is slow is told everything anew, and nothing piles up for him", async (rig) => {
  const viewer = await rig.ask("GET /events");
  await rig.events(viewer);
  for (let i = 0; i < 1_200; i++) rig.get(`/${i}`);
  const told = await rig.events(viewer);
  assert.match(told, /^event: all\n/);
  assert.equal(told.split('"target"').length - 1, 500);
});

Rig.test("who does not read is hung up on", async (rig) => {
  const viewer = await rig.ask("GET /events");
  for (let i = 0; i < 500; i++) rig.get(`/${"x".repeat(1_000)}${i}`);
  await rig.pass(5_000);
  const told = await readAll(viewer);
  assert.ok(told.length < 500_000 && !told.endsWith("\n\n"), `${told.length}`);
});

Rig.test("an exchange is told with its credentials hidden, unless they are asked for", async (rig) => {
  const id = rig.exchange("GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=s3cr3t\r\n\r\n", OK);
  const hidden = await rig.answer(`GET /exchange?id=${id}`);
  assert.equal(hidden.status, 200);
  assert.doesNotMatch(hidden.body, /s3cr3t/);
  assert.match(hidden.body, /"isRedacted":true/);
  assert.match(hidden.body, /"body":\{"length":2,"kept":2,"base64":"b2s="\}/);
  const shown = await rig.answer(`GET /exchange?id=${id}&reveal`);
  assert.match(shown.body, /\["Cookie","sid=s3cr3t"\]/);
  for (const other of ["999999999", "", "x", "__proto__"]) {
    assert.equal((await rig.answer(`GET /exchange?id=${other}`)).status, 404);
  }
});

/** A service that gives the same answer to everybody; what it was asked. */
function serve({ net }: Rig, answer: string): string[] {
  const asked: string[] = [];
  const listener = net.listen({ ...SERVICE, backlog: 1 });
  void (async () => {
    for (;;) {
      const conn = await listener.accept();
      const buffer = new Uint8Array(65_536);
      const length = await conn.read(buffer);
      asked.push(new TextDecoder("latin1").decode(buffer.subarray(0, length ?? 0)));
      await conn.write(bytesOf(answer));
      conn.close();
    }
  })();
  return asked;
}

Rig.test("a request is sent again, as the service got it, and what comes of it is an exchange of its own", async (rig) => {
  const asked = serve(rig, OK);
  const id = rig.exchange(
    "POST /a HTTP/1.1\r\nHost: a\r\nX: 1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\xffx\r\n0\r\n\r\n",
    OK,
  );
  const { status, body } = await rig.answer(`POST /replay?id=${id}`, OWN);
  assert.equal(status, 200);
  await settled();
  assert.deepEqual(asked, [
    "POST /a HTTP/1.1\r\nHost: a\r\nX: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\xffx",
  ]);
  const replayed = await rig.answer(`GET /exchange?id=${JSON.parse(body).id}`);
  assert.match(replayed.body, new RegExp(`"replayOf":${id},.*"outcome":"complete"`));
});

Rig.test("what cannot be sent again is not, and the page is told why", async (rig) => {
  const upgraded = rig.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 101 x\r\n\r\n");
  const large = rig.exchange(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${"x".repeat(300_000)}`,
    OK,
  );
  const unreadable = rig.exchange("what\r\n\r\n", "");
  for (const id of [upgraded, large, unreadable]) {
    assert.equal((await rig.answer(`POST /replay?id=${id}`, OWN)).status, 409);
    assert.match((await rig.answer(`GET /exchange?id=${id}`)).body, /"obstacle":"it/);
  }
  const id = rig.get("/");
  const down = await rig.answer(`POST /replay?id=${id}`, OWN);
  assert.deepEqual(down, {
    status: 502,
    body: '{"error":"The service cannot be reached: Connection refused."}',
  });
  assert.equal((await rig.answer(`POST /replay?id=${id}`)).status, 403);
  assert.equal((await rig.answer(`GET /replay?id=${id}`)).status, 405);
  assert.equal((await rig.answer("POST /replay?id=999999", OWN)).status, 404);
});

Rig.test("8 are sent again at once, and each has a minute", async (rig) => {
  const listener = rig.net.listen({ ...SERVICE, backlog: 1 });
  const id = rig.get("/");
  for (let i = 0; i < 8; i++) {
    assert.equal((await rig.answer(`POST /replay?id=${id}`, OWN)).status, 200);
  }
  assert.equal((await rig.answer(`POST /replay?id=${id}`, OWN)).status, 429);
  await rig.pass(60_000);
  assert.equal((await rig.answer(`POST /replay?id=${id}`, OWN)).status, 200);
  for (let i = 0; i < 9; i++) (await listener.accept()).close();
  await listener.close();
});

Rig.test("what is under way when it is closed is closed too", async (rig) => {
  const listener = rig.net.listen({ ...SERVICE, backlog: 1 });
  const id = rig.get("/");
  await rig.answer(`POST /replay?id=${id}`, OWN);
  const service = await listener.accept();
  await rig.ask("GET /events");
  const late = Promise.withResolvers<Conn>();
  rig.connect = () => late.promise;
  await rig.ask(`POST /replay?id=${id}`, OWN);
  await settled();
  await rig.inspector.close();
  late.resolve(await rig.net.connect(SERVICE, { timeout: 1000 }));
  await settled();
  service.close();
  (await listener.accept()).close();
  await listener.close();
});
