/** What Deno's datagram sockets do where the system does not do as it should; Deno is altered to say so. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { DenoNet } from "../../../lib/runtime/deno.ts";
import type { UpstreamSocket } from "../../../lib/runtime/runtime.ts";
import { ManualClock } from "../../support/clock.ts";
import { bytesOf, code, Wire } from "../../support/datagram_wire.ts";

const LOCALHOST = "127.0.0.1";

type Options = Deno.UdpListenOptions & { transport: "udp" };

/** Deno, as a test alters it. */
class Altered {
  /** Called before each socket is opened; what it throws is what Deno throws. */
  onOpen: (options: Options) => void = () => {};
  /** The receives that fail before real ones come, by the code of their error. */
  readonly failingReceives: string[] = [];
  /** Whether sockets that are opened now send nothing until they are let. */
  isStuck = false;
  readonly #stuck: Array<() => void> = [];

  constructor(private readonly real: (options: Options) => Deno.DatagramConn) {}

  /** How many sends are stuck. */
  get stuck(): number {
    return this.#stuck.length;
  }

  letGo(): void {
    for (const letGo of this.#stuck.splice(0)) letGo();
  }

  open(options: Options): Deno.DatagramConn {
    this.onOpen(options);
    const conn = this.real(options);
    const isStuck = this.isStuck;
    const altered: Pick<Deno.DatagramConn, "addr" | "receive" | "send" | "close"> = {
      addr: conn.addr,
      receive: (into) => {
        const code = this.failingReceives.shift();
        return code === undefined ? conn.receive(into) : Promise.reject(systemError(code));
      },
      send: (bytes, to) =>
        isStuck
          ? new Promise((resolve) => this.#stuck.push(() => resolve(bytes.length)))
          : conn.send(bytes, to),
      close: () => conn.close(),
    };
    return altered as Deno.DatagramConn;
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code} (os error 0)`), { code });
}

function test(
  sentence: string,
  body: (wire: Wire, deno: Altered, clock: ManualClock) => Promise<void>,
): void {
  Deno.test(`Deno: ${sentence}`, async () => {
    const { listenDatagram } = Deno;
    const deno = new Altered(listenDatagram);
    const clock = new ManualClock();
    const net = new DenoNet(clock);
    const wire = new Wire(net);
    Deno.listenDatagram = ((options: Options) => deno.open(options)) as typeof listenDatagram;
    try {
      await body(wire, deno, clock);
    } finally {
      Deno.listenDatagram = listenDatagram;
      deno.letGo();
      await wire.close();
      net.close();
    }
  });
}

/** Enough for whatever does not wait for the clock. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

test(
  "a receive that fails is told, and the next one comes after a rest",
  async (wire, deno, clock) => {
    const port = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
    deno.failingReceives.push("ECONNREFUSED", "ENOBUFS");
    const client = wire.associate(port.address);
    client.send("hello");
    for (const expected of [["refused"], ["refused", "exhausted"]]) {
      await turns();
      assert.deepEqual(client.failures.map(({ code }) => code), expected);
      assert.equal(clock.pending, 1);
      clock.advance(10);
    }
    assert.equal(await client.nextText(), "hello");
  },
);

test("a port goes on after receives that failed, a rest after each", async (wire, deno, clock) => {
  deno.failingReceives.push("ECONNRESET");
  const port = wire.bind();
  const client = wire.associate(port.address);
  deno.failingReceives.push("ENOBUFS");
  client.send("hello");
  for (const left of [1, 0]) {
    await turns();
    assert.equal(deno.failingReceives.length, left);
    assert.equal(port.arrivals.length, 0);
    clock.advance(10);
  }
  assert.deepEqual((await port.next()).bytes, bytesOf("hello"));
});

test("backends that nothing can be sent to stop no other", async (wire, deno) => {
  const backend = wire.bind(LOCALHOST, ({ at, from, bytes }) => at.send(bytes, from));
  const upstreams: UpstreamSocket[] = [];
  let dropped = 0;
  // A switch in small: the first byte says where a datagram goes.
  const port = wire.bind(LOCALHOST, ({ bytes, from, at }) => {
    const upstream = upstreams[bytes[0]!] ??= wire.own(wire.net.associate(backend.address, {
      received: (reply) => at.send(reply, from),
      failed: (error) => assert.fail(error),
    }));
    if (!upstream.isFull) return upstream.send(bytes);
    dropped++;
    return undefined;
  });
  const client = wire.associate(port.address);
  const STUCK = 10;
  deno.isStuck = true;
  for (let i = 0; i < STUCK; i++) {
    for (let j = 0; j < 100; j++) client.socket.send(Uint8Array.of(i, j));
    while (port.arrivals.length < (i + 1) * 100) await setImmediate();
  }
  deno.isStuck = false;
  assert.ok(deno.stuck >= STUCK && dropped > 0, `${deno.stuck} stuck, ${dropped} dropped`);
  for (let j = 0; j < 100; j++) {
    client.socket.send(Uint8Array.of(STUCK, j));
    assert.deepEqual(await client.next(), Uint8Array.of(STUCK, j));
  }
  // What was held was held in its order, and goes on.
  const before = dropped;
  while (deno.stuck > 0) {
    deno.letGo();
    await turns();
  }
  assert.equal(upstreams[0]?.isFull, false);
  assert.equal(dropped, before);
});

test(
  "a port that somebody took before it was bound everywhere is given up for another",
  async (wire, deno) => {
    let refusals = 3;
    const ports = new Set<number | undefined>();
    deno.onOpen = ({ port, reuseAddress }) => {
      if (!reuseAddress) return;
      ports.add(port);
      if (refusals-- > 0) throw systemError("EADDRINUSE");
    };
    const { address: { port } } = wire.bind("0.0.0.0");
    assert.ok(ports.has(port));
    assert.equal(ports.size, 4);
    refusals = 1000;
    assert.throws(() => wire.bind("0.0.0.0"), code("in_use"));
    refusals = 1;
    await wire.close();
    assert.throws(() => wire.bind("0.0.0.0", undefined, port), code("in_use"));
  },
);

test("an address that went while all were bound is left out", async (wire, deno) => {
  deno.onOpen = ({ hostname, reuseAddress }) => {
    if (reuseAddress && hostname === LOCALHOST) throw systemError("EADDRNOTAVAIL");
  };
  const port = wire.bind("0.0.0.0", ({ at, from, bytes }) => at.send(bytes, from));
  const client = wire.associate({ address: LOCALHOST, port: port.address.port });
  client.send("hello");
  assert.equal(await client.nextText(), "hello");
  assert.equal(port.arrivals[0]?.at.local.address, "0.0.0.0");
});

test(
  "without descriptors or ports nothing is opened, and nothing stays open",
  async (wire, deno) => {
    const port = wire.bind();
    deno.onOpen = () => {
      throw systemError("EMFILE");
    };
    assert.throws(() => wire.associate(port.address), code("exhausted"));
    assert.throws(() => wire.bind("0.0.0.0"), code("exhausted"));
    deno.onOpen = ({ hostname, reuseAddress }) => {
      if (reuseAddress && hostname === "0.0.0.0") throw systemError("EMFILE");
    };
    assert.throws(() => wire.bind("0.0.0.0"), code("exhausted"));
    deno.onOpen = () => {
      throw systemError("EADDRINUSE");
    };
    assert.throws(() => wire.associate(port.address), code("exhausted"));
    deno.onOpen = () => {};
    const client = wire.associate(port.address);
    client.send("hello");
    await port.next();
  },
);
