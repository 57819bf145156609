import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { DenoNet } from "../../../lib/runtime/deno.ts";
import { NetError } from "../../../lib/runtime/runtime.ts";
import { ManualClock } from "../../support/clock.ts";
import { linuxNet, linuxTest, loadLinux } from "../../support/linux_net.ts";
import { MemoryNet } from "../../support/memory_net.ts";
import { netContract, type NetUnderTest } from "../../support/net_contract.ts";

function underTest(net: DenoNet | MemoryNet) {
  return { net, close: () => net.close() };
}

netContract("Deno", (clock) => underTest(new DenoNet(clock)));
netContract("memory", (clock) => underTest(new MemoryNet(clock)));

const linux = await loadLinux();
if (!("reason" in linux)) netContract("Linux", (clock) => linuxNet(linux, clock));
else linuxTest("Linux: the contract", () => {});

/** Registers a test of sockets that are the system's: Deno's, and those of Linux. */
function systemTest(
  sentence: string,
  body: (sockets: NetUnderTest["net"], clock: ManualClock) => Promise<void>,
): void {
  const run = async (make: (clock: ManualClock) => NetUnderTest) => {
    const clock = new ManualClock();
    const { net, close } = make(clock);
    try {
      await body(net, clock);
    } finally {
      close();
    }
  };
  Deno.test(`Deno: ${sentence}`, () => run((clock) => underTest(new DenoNet(clock))));
  linuxTest(`Linux: ${sentence}`, (modules) => run((clock) => linuxNet(modules, clock)));
}

systemTest("`::` shows an IPv4 client as IPv4", async (sockets) => {
  const listener = sockets.listen({ address: "::", port: 0, backlog: 1 });
  const to = { address: "127.0.0.1", port: listener.address.port };
  const client = await sockets.connect(to, { timeout: 1 });
  const conn = await listener.accept();
  assert.equal(conn.remote.address, "127.0.0.1");
  assert.equal(conn.local.address, "127.0.0.1");
  for (const each of [client, conn, listener]) each.close();
});

systemTest("a client that is killed with bytes unread is a reset", async (sockets) => {
  const listener = sockets.listen({ address: "127.0.0.1", port: 0, backlog: 1 });
  const source =
    `await Deno.connect({ port: ${listener.address.port} }); setInterval(() => {}, 1e6)`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", source] }).spawn();
  const conn = await listener.accept();
  await conn.write(new Uint8Array(1));
  child.kill("SIGKILL");
  await assert.rejects(
    async () => await conn.read(new Uint8Array(1)),
    (error) => error instanceof NetError && error.code === "reset",
  );
  await child.status;
  conn.close();
  listener.close();
});

systemTest(
  "a client that resets before it is accepted is passed over, or reset",
  async (sockets) => {
    const listener = sockets.listen({ address: "127.0.0.1", port: 0, backlog: 2 });
    const gone = connect(listener.address.port, "127.0.0.1");
    await once(gone, "connect");
    const goneFrom = gone.localPort;
    gone.resetAndDestroy();
    await once(gone, "close");
    const client = await sockets.connect(listener.address, { timeout: 1 });
    let conn = await listener.accept();
    if (conn.remote.port === goneFrom) {
      await assert.rejects(async () => await conn.read(new Uint8Array(1)), { code: "reset" });
      conn.close();
      conn = await listener.accept();
    }
    assert.deepEqual(conn.remote, client.local);
    for (const each of [client, conn, listener]) each.close();
  },
);

systemTest("a connect that nobody answers ends at its timeout", async (sockets, clock) => {
  // A listener whose queue is full answers no more.
  const listener = sockets.listen({ address: "127.0.0.1", port: 0, backlog: 1 });
  const connected = [];
  for (let i = 0; i < 2; i++) {
    connected.push(await sockets.connect(listener.address, { timeout: 1 }));
  }
  const waiting = assert.rejects(
    sockets.connect(listener.address, { timeout: 5000 }),
    (error) => error instanceof NetError && error.code === "timeout",
  );
  clock.advance(5000);
  await waiting;
  for (const conn of connected) conn.close();
  listener.close();
});
