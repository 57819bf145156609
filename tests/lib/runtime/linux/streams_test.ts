/** What listeners and connections of the Linux plane do beyond the contract. */
import assert from "node:assert/strict";
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from "../../../../lib/runtime/linux/layout.ts";
import { NetError } from "../../../../lib/runtime/runtime.ts";
import { linuxTest } from "../../../support/linux_net.ts";
import { assertReads, openDescriptors, streamTest } from "../../../support/linux_streams.ts";

streamTest("what is accepted in a row leaves everybody else a turn", async (rig) => {
  await Promise.all(Array.from({ length: 100 }, () => rig.connect()));
  let accepted = 0;
  const accepting = (async () => {
    for (; accepted < 100; accepted++) rig.own(await rig.listener.accept());
  })();
  // No turn comes as long as microtasks have something to do.
  for (let hop = 0; hop < 10_000; hop++) await Promise.resolve();
  assert.equal(accepted, 64);
  await accepting;
});

streamTest("Nagle's algorithm holds back nothing where it is to be off", async (rig) => {
  const [client, accepted] = await rig.pair();
  assert.equal(rig.option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
  accepted.setNoDelay();
  client.setNoDelay();
  await client.write(new Uint8Array(1));
  assert.equal(rig.option(client, IPPROTO_TCP, TCP_NODELAY), 0, "the first write never waits");
  await client.write(new Uint8Array(1));
  assert.equal(rig.option(client, IPPROTO_TCP, TCP_NODELAY), 1);
});

for (
  const [idle, seconds, interval] of [[300_000, 300, 75], [20, 1, 1], [1e9, 32_767, 75]] as const
) {
  streamTest(
    `keepalive after ${idle} ms asks after ${seconds} s, and every ${interval} s`,
    async (rig) => {
      const [conn] = await rig.pair();
      assert.equal(rig.option(conn, SOL_SOCKET, SO_KEEPALIVE), 0);
      conn.setKeepAlive(idle);
      assert.equal(rig.option(conn, SOL_SOCKET, SO_KEEPALIVE), 1);
      assert.equal(rig.option(conn, IPPROTO_TCP, TCP_KEEPIDLE), seconds);
      assert.equal(rig.option(conn, IPPROTO_TCP, TCP_KEEPINTVL), interval);
    },
  );
}

streamTest(
  "what is closed takes no options, has no address any more, and reads and writes nothing",
  async (rig) => {
    const [conn, other] = await rig.pair();
    const { remote } = conn;
    const writing = assert.rejects(conn.write(new Uint8Array(64 << 20)), { code: "closed" });
    conn.close();
    await writing;
    conn.setNoDelay();
    conn.setKeepAlive(1000);
    await conn.closeWrite();
    assert.deepEqual(conn.remote, remote);
    assert.equal(conn.local.port, 0);
    await assert.rejects(async () => await conn.read(new Uint8Array(1)), { code: "closed" });
    await assert.rejects(conn.write(new Uint8Array(1)), { code: "closed" });
    other.close();
  },
);

streamTest("writing to who is gone is a reset", async (rig) => {
  const [conn, other] = await rig.pair();
  rig.reset(other);
  await assert.rejects(async () => {
    for (;;) await conn.write(new Uint8Array(1));
  }, { code: "reset" });
});

streamTest("IPv6 is spoken, and an IPv6 address takes no IPv4", async (rig) => {
  const listener = rig.net.listen({ address: "::1", port: 0, backlog: 4 });
  const client = rig.own(await rig.net.connect(listener.address, { timeout: 1000 }));
  const conn = rig.own(await listener.accept());
  assert.deepEqual(conn.remote, client.local);
  assert.equal(conn.remote.address, "::1");
  await client.write(new TextEncoder().encode("over IPv6"));
  await assertReads(conn, "over IPv6");
  const v4 = { address: "127.0.0.1", port: listener.address.port };
  await assert.rejects(rig.net.connect(v4, { timeout: 1000 }), { code: "refused" });
  await listener.close();
});

streamTest("what cannot be listened on is said so, and leaves nothing open", (rig) => {
  const before = openDescriptors();
  const { port } = rig.listener.address;
  for (
    const [address, code] of [["127.0.0.1", "in_use"], ["192.0.2.1", "unavailable"]] as const
  ) {
    const listen = () => rig.net.listen({ address, port, backlog: 1 });
    assert.throws(listen, (error) => error instanceof NetError && error.code === code);
  }
  assert.equal(openDescriptors(), before);
});

streamTest("a connect that fails leaves nothing open", async (rig) => {
  const listener = rig.net.listen({ address: "127.0.0.1", port: 0, backlog: 1 });
  const nobody = listener.address;
  await listener.close();
  const before = openDescriptors();
  for (let i = 0; i < 3; i++) {
    await assert.rejects(rig.net.connect(nobody, { timeout: 1000 }), { code: "refused" });
  }
  const broadcast = { address: "255.255.255.255", port: 1 };
  await assert.rejects(rig.net.connect(broadcast, { timeout: 1000 }), { code: "unreachable" });
  assert.equal(openDescriptors(), before);
});

/** Accepts while descriptors run out, says what came, and goes on when some are free again. */
const EXHAUSTED = `
  import { StreamRig } from "./tests/support/linux_streams.ts";
  import { loadLinux } from "./tests/support/linux_net.ts";
  const rig = new StreamRig(await loadLinux());
  const held = [];
  // So many that what the runtime opens by itself finds some, too.
  try { for (;;) held.push(Deno.openSync("/dev/null")); } catch { /* There are none left. */ }
  held.pop().close();
  const client = await rig.connect();
  const codes = [];
  for (let i = 0; i < 3; i++) codes.push(await rig.listener.accept().catch(({ code }) => code));
  codes.push(await rig.connect().catch(({ code }) => code));
  held.pop().close();
  const conn = rig.own(await rig.listener.accept());
  codes.push(conn.remote.port === client.local.port ? "accepted" : "another");
  rig.close();
  console.log(codes.join());
`;

linuxTest(
  "Linux: without descriptors accept and connect say so, do not wait, and work again later",
  async () => {
    const command = `ulimit -n 100; exec "$@"`;
    const deno = [Deno.execPath(), "eval", "--ext=ts", EXHAUSTED];
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", command, "sh", ...deno],
    }).output();
    const said = new TextDecoder().decode(stdout).trim();
    const expected = "exhausted,exhausted,exhausted,exhausted,accepted";
    assert.equal(said, expected, new TextDecoder().decode(stderr));
  },
);
