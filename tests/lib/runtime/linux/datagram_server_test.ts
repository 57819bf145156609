/** The server on the datagrams of the Linux plane: what the clock has no part in, because the system tells. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { ConnectionRecord } from "../../../../lib/access_log.ts";
import type { UdpListenerConfig } from "../../../../lib/config/config.ts";
import { Resolver } from "../../../../lib/resolver.ts";
import type { Poller } from "../../../../lib/runtime/linux/poller.ts";
import type { Peer, ReplySocket } from "../../../../lib/runtime/runtime.ts";
import { Server } from "../../../../lib/server.ts";
import { ManualClock } from "../../../support/clock.ts";
import { type BoundPort, bytesOf, textOf, Wire } from "../../../support/datagram_wire.ts";
import { linuxTurning, loadLinux } from "../../../support/linux_net.ts";
import { udpDefaultTo, udpListenerWith } from "../../../support/routes.ts";

const LOCALHOST = "127.0.0.1";
const TTLS = { minTtl: 30_000, maxTtl: 3_600_000 };
const linux = await loadLinux();

/** A server, its backends and its clients on one Net. */
class Site {
  readonly records: ConnectionRecord[] = [];
  readonly lines: string[] = [];
  readonly server: Server;

  constructor(readonly wire: Wire, readonly poller: Poller, clock: ManualClock) {
    const note = (line: string) => void this.lines.push(line);
    const log = {
      access: (record: ConnectionRecord) => void this.records.push(record),
      debug: () => {},
      info: note,
      warning: note,
      error: note,
    };
    const resolver = new Resolver(() => Promise.reject(new Error("no names")), clock, TTLS, log);
    this.server = new Server({ net: wire.net, clock, resolver, random: () => 0, log });
  }

  /** Serves with these backends, the first one first. */
  async serve(backends: readonly BoundPort[], changes: Partial<UdpListenerConfig> = {}) {
    const defaultRoute = udpDefaultTo({
      targets: backends.map(({ address }) => ({ ...portOf(address), host: LOCALHOST, weight: 1 })),
      algorithm: "none",
    });
    await this.server.apply({
      tcp: [],
      udp: [udpListenerWith({ port: 0, defaultRoute, ...changes })],
      maxConnections: 1,
      maxFlows: 100,
      drainTimeout: 0,
      dns: TTLS,
      engine: "linux",
      threads: 1,
    });
    return this.server.addresses[0]!.address;
  }

  /** A backend that puts its name before what it got. */
  backend(name: string): BoundPort {
    return this.wire.bind(LOCALHOST, ({ at, from, bytes }) => {
      return at.send(bytesOf(`${name}:${textOf(bytes)}`), from);
    });
  }
}

const portOf = ({ port }: { readonly port: number }) => ({ port });

function test(sentence: string, body: (site: Site) => Promise<void>): void {
  const name = `Linux: ${sentence}`;
  if ("reason" in linux) return Deno.test.ignore(`${name}: ${linux.reason}`, () => {});
  Deno.test(name, async () => {
    const clock = new ManualClock();
    const { net, poller, close } = linuxTurning(linux, clock);
    const wire = new Wire(net);
    const site = new Site(wire, poller, clock);
    try {
      await body(site);
    } finally {
      site.server.close();
      await wire.close();
      close();
    }
  });
}

test("for no datagram, of a newcomer or a known client, has the loop to go round the runtime", async (site) => {
  const client = site.wire.associate(await site.serve([site.backend("a")]));
  for (const text of ["one", "two"]) {
    client.send(text);
    assert.equal(await client.nextText(), `a:${text}`);
    assert.equal(site.poller.needsYield, false);
  }
});

test("a dead backend is passed over at once, with all that was not answered", async (site) => {
  const [dead, live] = [site.backend("dead"), site.backend("live")];
  const sluice = await site.serve([dead, live]);
  await dead.close();
  const client = site.wire.associate(sluice);
  for (const text of ["one", "two"]) client.send(text);
  for (const text of ["one", "two"]) assert.equal(await client.nextText(), `live:${text}`);
  assert.equal(site.lines.filter((line) => line.includes("cannot reach")).length, 1);
  // The next client is not sent there at all.
  const next = site.wire.associate(sluice);
  next.send("three");
  assert.equal(await next.nextText(), "live:three");
});

test("a backend that dies in the middle is left for the next one", async (site) => {
  const backends = [site.backend("first"), site.backend("second")];
  const client = site.wire.associate(await site.serve(backends));
  client.send("one");
  assert.equal(await client.nextText(), "first:one");
  await backends[0]!.close();
  client.send("two");
  // What the dead one was asked is the client's to repeat: it had been answered before.
  while (!site.lines.some((line) => line.includes("cannot reach"))) await setImmediate();
  client.send("three");
  assert.equal(await client.nextText(), "second:three");
});

test("without a backend that is there a flow ends at once, and begins anew", async (site) => {
  const backend = site.backend("late");
  const sluice = await site.serve([backend]);
  await backend.close();
  const client = site.wire.associate(sluice);
  client.send("one");
  while (site.records.length === 0) await setImmediate();
  const { reason, detail } = site.records[0]!;
  assert.equal(reason, "connect_failed");
  assert.match(detail!, /^passed over 127\.0\.0\.1:\d+: Connection refused$/);
  assert.equal(site.server.activeFlows, 0);
  site.wire.bind(
    LOCALHOST,
    ({ at, from, bytes }) => at.send(bytes, from),
    backend.address.port,
  );
  client.send("two");
  assert.equal(await client.nextText(), "two");
});

test("behind a wildcard a client is answered from each address that it asks, by a flow of each", async (site) => {
  const { port } = await site.serve([site.backend("a")], { addresses: ["0.0.0.0"] });
  const clients = ["127.0.0.1", "127.0.0.2", "127.9.8.7"].map((address) =>
    site.wire.associate({ address, port })
  );
  for (let round = 0; round < 3; round++) {
    for (const client of clients) client.send("x");
    for (const client of clients) assert.equal(await client.nextText(), "a:x");
  }
  assert.equal(site.server.activeFlows, clients.length);
});

test("a reload keeps flows, and who goes on hears nothing of it", async (site) => {
  const backend = site.backend("a");
  const sluice = await site.serve([backend]);
  const client = site.wire.associate(sluice);
  for (let round = 0; round < 5; round++) {
    client.send("x");
    assert.equal(await client.nextText(), "a:x");
    assert.deepEqual(await site.serve([backend]), sluice);
  }
  assert.equal(new Set(backend.arrivals.map(({ from }) => from.port)).size, 1);
});

test("clients are answered as the very objects that they were, which the plane need not look up", async (site) => {
  const { net } = site.wire;
  const backend = site.backend("a");
  const bind = net.bind.bind(net);
  const heard = new Set<Peer>();
  const answered: Peer[] = [];
  net.bind = (at, receiver) => {
    let noting: ReplySocket | undefined;
    return bind(at, {
      received(datagram, from, socket) {
        heard.add(from);
        noting ??= {
          local: socket.local,
          isFull: false,
          send(reply, to) {
            answered.push(to);
            return socket.send(reply, to);
          },
        };
        return receiver.received(datagram, from, noting);
      },
    });
  };
  const sluice = await site.serve([backend]);
  const clients = [site.wire.associate(sluice), site.wire.associate(sluice)];
  for (let round = 0; round < 3; round++) {
    for (const client of clients) {
      client.send("x");
      assert.equal(await client.nextText(), "a:x");
    }
  }
  assert.equal(heard.size, 2);
  assert.ok(answered.every((peer) => heard.has(peer)));
});
