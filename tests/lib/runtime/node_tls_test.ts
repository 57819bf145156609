import assert from "node:assert/strict";
import { connect as connectPlain, createServer } from "node:net";
import { connect as connectSecured } from "node:tls";
import { NodeTls } from "../../../lib/runtime/node_tls.ts";
import {
  type Conn,
  type Listener,
  NetError,
  type SecureConnectOptions,
  type Trust,
} from "../../../lib/runtime/runtime.ts";
import { authority, certificate, pinOf, type TestCertificate } from "../../support/certificates.ts";
import { ManualClock } from "../../support/clock.ts";
import { bytesOf, code, readAll, streamContract } from "../../support/stream_contract.ts";

const ALPN = "sluice-test/1";
const TIMEOUT = 5000;

const ca = await authority("Test Authority");
const stranger = await authority("Another Authority");
const signed = await certificate(ca);
const own = await certificate();

/** The clock of the test, with today's date, by which certificates are judged. */
class ManualClockOfToday extends ManualClock {
  readonly #started = Date.now();

  override date(): number {
    return this.#started + this.now();
  }
}

/** A Tls and what a test made with it. */
class Parts {
  readonly clock = new ManualClockOfToday();
  readonly tls: NodeTls;
  readonly #opened: Array<{ close(): void }> = [];

  constructor(clock: ManualClock = new ManualClockOfToday()) {
    this.tls = new NodeTls(clock);
  }

  async listen(): Promise<Listener> {
    return this.own(await this.tls.listen({ address: "127.0.0.1", port: 0, backlog: 16 }));
  }

  /** Accepts one connection of `listener`, and secures it. */
  async accept(listener: Listener, shown: TestCertificate = own, first?: Uint8Array) {
    const conn = await listener.accept();
    const options = {
      certificate: shown.cert,
      privateKey: shown.key,
      alpn: ALPN,
      timeout: TIMEOUT,
    };
    return this.own(
      await this.tls.accept(conn, first === undefined ? options : { ...options, first }),
    );
  }

  async connect(listener: Listener, options: Partial<SecureConnectOptions> = {}) {
    const trust: Trust = { kind: "pin", sha256: pinOf(own) };
    return this.own(
      await this.tls.connect(listener.address, { alpn: ALPN, trust, timeout: TIMEOUT, ...options }),
    );
  }

  async pair(): Promise<[Conn, Conn]> {
    const listener = await this.listen();
    return await Promise.all([this.connect(listener), this.accept(listener)]);
  }

  own<T extends { close(): void }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  close(): void {
    for (const each of this.#opened) each.close();
    this.tls.close();
  }
}

streamContract("node:tls", (clock) => new Parts(clock));

function test(sentence: string, body: (parts: Parts) => Promise<void>): void {
  Deno.test(`node:tls: ${sentence}`, async () => {
    const parts = new Parts();
    try {
      await body(parts);
    } finally {
      parts.close();
    }
  });
}

test("both ends see the pin of the server's certificate", async (parts) => {
  const listener = await parts.listen();
  const [client, server] = await Promise.all([parts.connect(listener), parts.accept(listener)]);
  assert.deepEqual(client.certificate, pinOf(own));
  assert.deepEqual(server.certificate, pinOf(own));
  assert.deepEqual(client.local, server.remote);
  assert.deepEqual(client.remote, server.local);
});

const TRUSTED: Readonly<Record<string, [TestCertificate, Partial<SecureConnectOptions>]>> = {
  "its pin": [own, { trust: { kind: "pin", sha256: pinOf(own) } }],
  "the pin of one that an authority vouches for": [signed, {
    trust: { kind: "pin", sha256: pinOf(signed) },
  }],
  "its authority, for its name": [signed, {
    trust: { kind: "authorities", pem: ca.cert },
    serverName: "edge.test",
  }],
  "its authority, for its address": [signed, { trust: { kind: "authorities", pem: ca.cert } }],
  "itself as authority": [own, { trust: { kind: "authorities", pem: own.cert } }],
  "one authority among several": [signed, {
    trust: { kind: "authorities", pem: `${stranger.cert}\n${ca.cert}` },
  }],
};
for (const [what, [shown, options]] of Object.entries(TRUSTED)) {
  test(`a server is trusted by ${what}`, async (parts) => {
    const listener = await parts.listen();
    const [client, server] = await Promise.all([
      parts.connect(listener, options),
      parts.accept(listener, shown),
    ]);
    await client.write(bytesOf("hello"));
    await client.closeWrite();
    assert.equal(await readAll(server), "hello");
  });
}

const byAuthority: Trust = { kind: "authorities", pem: ca.cert };
const UNTRUSTED: Readonly<
  Record<string, [TestCertificate, Partial<SecureConnectOptions>, RegExp]>
> = {
  "another pin": [
    signed,
    { trust: { kind: "pin", sha256: pinOf(own) } },
    new RegExp(`its pin is ${pinOf(signed).toHex()}, not ${pinOf(own).toHex()}$`),
  ],
  "a pin that is cut short": [
    own,
    { trust: { kind: "pin", sha256: pinOf(own).subarray(0, 31) } },
    /another one/,
  ],
  "an unknown authority": [
    signed,
    { trust: { kind: "authorities", pem: stranger.cert } },
    /of an unknown authority, and not among the trusted ones$/,
  ],
  "an authority that the system does not know": [
    signed,
    { trust: { kind: "system" } },
    /of an unknown authority, so its pin or its authority has to be given$/,
  ],
  "nobody's word but its own": [own, { trust: { kind: "system" } }, /signed by itself alone/],
  "another name": [
    signed,
    { trust: byAuthority, serverName: "other.test" },
    /is not for other\.test, but for DNS:edge\.test/,
  ],
  "a name where it is asked for its address": [
    signed,
    { trust: byAuthority, serverName: "127.0.0.2" },
    /is not for 127\.0\.0\.2/,
  ],
  "a date that is over": [
    await certificate(ca, [-20, -10]),
    { trust: byAuthority, serverName: "edge.test" },
    /has expired, on /,
  ],
  "a date that is still to come": [
    await certificate(ca, [10, 20]),
    { trust: byAuthority, serverName: "edge.test" },
    /is valid only from /,
  ],
  "itself as authority, but over": [
    await certificate(undefined, [-20, -10]),
    { trust: { kind: "system" } },
    /has expired/,
  ],
};
for (const [what, [shown, options, message]] of Object.entries(UNTRUSTED)) {
  test(`a server is refused that has ${what}`, async (parts) => {
    const listener = await parts.listen();
    // The server's handshake may be over before the client has judged.
    const accepting = parts.accept(listener, shown).catch(() => {});
    await assert.rejects(parts.connect(listener, options), (error) => {
      assert.ok(error instanceof NetError);
      assert.equal(error.code, "untrusted");
      assert.match(error.message, message);
      return true;
    });
    await accepting;
  });
}

test("what came before the handshake is read first, and what was read of it is given back", async (parts) => {
  const listener = await parts.listen();
  const socket = parts.own(closing(connectPlain(listener.address.port, "127.0.0.1")));
  socket.value.write("before");
  const conn = await listener.accept();
  const client = parts.own(closing(connectSecured({
    socket: socket.value,
    rejectUnauthorized: false,
    ALPNProtocols: [ALPN],
  })));
  client.value.write("hello");
  const head = new Uint8Array(4096);
  let length = 0;
  while (length < 100) length += await conn.read(head.subarray(length)) ?? assert.fail();
  assert.equal(new TextDecoder().decode(head.subarray(0, 6)), "before");
  const server = parts.own(
    await parts.tls.accept(conn, {
      certificate: own.cert,
      privateKey: own.key,
      alpn: ALPN,
      timeout: TIMEOUT,
      first: head.subarray(6, length),
    }),
  );
  const into = new Uint8Array(5);
  assert.equal(await server.read(into), 5);
  assert.deepEqual(into, bytesOf("hello"));
});

function closing<T extends { destroy(): void; on(event: "error", body: () => void): unknown }>(
  value: T,
) {
  value.on("error", () => {});
  return { value, close: () => value.destroy() };
}

test("a server that speaks another protocol is refused, and so is a client", async (parts) => {
  const listener = await parts.listen();
  const other = { alpn: "sluice-test/2" };
  const [connected, accepted] = await Promise.allSettled([
    parts.connect(listener, other),
    parts.accept(listener),
  ]);
  assert.ok(connected.status === "rejected" && accepted.status === "rejected");
  assert.equal(connected.reason.message, "the server does not speak sluice-test/2");
  assert.equal(accepted.reason.message, "the client does not speak sluice-test/1");
});

test("a client that names no protocol is refused", async (parts) => {
  const listener = await parts.listen();
  const refused = assert.rejects(
    parts.accept(listener),
    /the client does not speak sluice-test\/1/,
  );
  parts.own(closing(connectSecured({
    port: listener.address.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
  })));
  await refused;
});

test("a client that does not speak TLS is refused", async (parts) => {
  const listener = await parts.listen();
  const refused = assert.rejects(parts.accept(listener), /the client does not speak TLS$/);
  const client = parts.own(closing(connectPlain(listener.address.port, "127.0.0.1")));
  client.value.write("GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n");
  await refused;
});

test("a server that does not speak TLS is refused", async (parts) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  parts.own(server);
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  const options = { alpn: ALPN, trust: { kind: "system" }, timeout: TIMEOUT } as const;
  await assert.rejects(
    parts.tls.connect({ address: "127.0.0.1", port: bound.port }, options),
    /the server does not speak TLS$/,
  );
});

test("a server of TLS 1.2 and a client of TLS 1.2 are refused", async (parts) => {
  const listener = await parts.listen();
  const refused = assert.rejects(parts.accept(listener), NetError);
  parts.own(closing(connectSecured({
    port: listener.address.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    maxVersion: "TLSv1.2",
    ALPNProtocols: [ALPN],
  })));
  await refused;
});

test("a handshake that does not go on ends at its timeout, on both sides", async () => {
  const clock = new ManualClockOfToday();
  const parts = new Parts(clock);
  try {
    const listener = await parts.listen();
    const mute = parts.own(closing(connectPlain(listener.address.port, "127.0.0.1")));
    const conn = await listener.accept();
    const options = { certificate: own.cert, privateKey: own.key, alpn: ALPN, timeout: TIMEOUT };
    const accepting = assert.rejects(parts.tls.accept(conn, options), code("timeout"));
    clock.advance(TIMEOUT);
    await accepting;
    mute.close();
    const connecting = assert.rejects(parts.connect(listener), code("timeout"));
    parts.own(await listener.accept());
    clock.advance(TIMEOUT);
    await connecting;
  } finally {
    parts.close();
  }
});

test("a client that is gone in the middle of its handshake is told of", async () => {
  const clock = new ManualClockOfToday();
  const parts = new Parts(clock);
  try {
    const listener = await parts.listen();
    const client = connectPlain(listener.address.port, "127.0.0.1");
    client.on("error", () => {});
    const conn = await listener.accept();
    const options = { certificate: own.cert, privateKey: own.key, alpn: ALPN, timeout: TIMEOUT };
    const accepting = assert.rejects(parts.tls.accept(conn, options), NetError);
    client.resetAndDestroy();
    await accepting;
  } finally {
    parts.close();
  }
});

test("connecting to where nobody listens is refused", async (parts) => {
  const listener = await parts.listen();
  await listener.close();
  await assert.rejects(parts.connect(listener), code("refused"));
});

test("an address that is taken cannot be listened on, and is free again after", async (parts) => {
  const listener = await parts.listen();
  const { address, port } = listener.address;
  const again = () => parts.tls.listen({ address, port, backlog: 1 });
  await assert.rejects(again(), code("in_use"));
  const accepting = assert.rejects(listener.accept(), code("closed"));
  await listener.close();
  await accepting;
  parts.own(await again());
});

test("a certificate that is another one counts from the next handshake on", async (parts) => {
  const listener = await parts.listen();
  for (const shown of [own, signed, own]) {
    const [client, server] = await Promise.all([
      parts.connect(listener, { trust: { kind: "pin", sha256: pinOf(shown) } }),
      parts.accept(listener, shown),
    ]);
    assert.deepEqual(client.certificate, server.certificate);
  }
});
