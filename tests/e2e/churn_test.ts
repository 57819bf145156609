/**
 * Connections that are opened and dropped in a loop, in every way that a client has: what is left of them.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { freePort, testWithTools, until } from "../support/children.ts";
import { hello } from "../support/client_hello.ts";
import { startInspected } from "./inspector.ts";
import { startBackend } from "./servers.ts";

const ROUND = 4000;
/** A third of them compiles the code and fills the allocators; the last third must add nothing to the one before. */
const ROUNDS = 9;
const THIRD = ROUNDS / 3;
const TOGETHER = 50;
/**
 * By how much the last third may be higher, bytes. 12,000 connections lie between them, so it is
 * found if some 100 bytes of each are kept on the heaps; or 500 in the process, which the runtime and the foreign calls
 * are a part of, and of which the allocators give back what they like.
 */
const TOLERANCE = { heap: 1.2e6, resident: 6e6 };

testWithTools(
  "36,000 connections, dropped in every way: no descriptor is kept, no memory, and nothing goes on at rest",
  [],
  async (scope) => {
    const backend = await startBackend(scope, "echo", "echo");
    const port = freePort();
    const { sluice, liveHeap } = await startInspected(
      scope,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${port}
       [protocols.web]
       protocol = "tls"
       target = ["127.0.0.1:${backend.port}"]`,
    );
    // The first line of the access log may open something for all that follow.
    const drop = () => over(port, () => Promise.resolve());
    await drop();
    await sluice.accessLine();
    const atRest = sluice.descriptors;
    const levels: { readonly heap: number; readonly resident: number }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      await openAndDrop(port, ROUND);
      await until("every descriptor is given back", () => sluice.descriptors <= atRest);
      levels.push({ heap: await liveHeap(drop), resident: sluice.memory.now });
    }
    for (const what of ["heap", "resident"] as const) {
      const each = levels.map((level) => level[what]);
      const grown = median(each.slice(-THIRD)) - median(each.slice(-2 * THIRD, -THIRD));
      assert.ok(grown < TOLERANCE[what], `${what}: ${each} bytes`);
    }
    assert.ok(sluice.accessLines.every(({ reason }) => reason !== "internal_error"));
    assert.equal(sluice.child.stderr.count(/"level":"(warning|error)"/), 0);

    // Measured, not waited for: the time must pass.
    const { cpuTime } = sluice;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const busy = sluice.cpuTime - cpuTime;
    assert.ok(busy < 0.1, `it used ${busy} s of processor time in two seconds without work`);
  },
  180_000,
);

/** The one in the middle: what a few of them happen to be does not matter. */
function median(levels: readonly number[]): number {
  return levels.toSorted((a, b) => a - b)[Math.floor(levels.length / 2)]!;
}

const HELLO = hello({ serverName: "web.example" });
const HALF = HELLO.subarray(0, HELLO.length / 2);
/** What the echo says before it echoes. */
const NAME = "echo\n".length;

/** Opens so many connections, some at a time, and drops each in another way. */
async function openAndDrop(port: number, count: number): Promise<void> {
  let opened = 0;
  const go = async () => {
    while (opened < count) await WAYS[opened++ % WAYS.length]!(port);
  };
  await Promise.all(Array.from({ length: TOGETHER }, go));
}

/** What a client does from its beginning to its end. */
const WAYS: readonly ((port: number) => Promise<void>)[] = [
  (port) => over(port, () => Promise.resolve()),
  (port) => reset(port, undefined),
  (port) => over(port, async (conn) => void await conn.write(HALF)),
  (port) => reset(port, HALF),
  // The reply may be there and unread, which makes it a reset, or may not be there yet.
  (port) => over(port, async (conn) => void await conn.write(HELLO)),
  (port) => reset(port, HELLO),
  (port) =>
    over(port, async (conn) => {
      await conn.write(HELLO);
      await readAll(conn, HELLO.length + NAME);
    }),
  (port) =>
    over(port, async (conn) => {
      await conn.write(HELLO);
      await conn.closeWrite();
      await readAll(conn, Infinity);
    }),
];

async function over(port: number, say: (conn: Deno.TcpConn) => Promise<void>): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await say(conn);
}

async function readAll(conn: Deno.TcpConn, length: number): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let got = 0; got < length;) {
    const more = await conn.read(buffer);
    if (more === null) return;
    got += more;
  }
}

/** Says something, and resets the connection. */
function reset(port: number, bytes: Uint8Array | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      if (bytes === undefined) socket.resetAndDestroy();
      else socket.write(bytes, () => socket.resetAndDestroy());
    });
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}
