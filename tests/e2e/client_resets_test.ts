/**
 * A client that resets its connection, in every state that a connection can be in.
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { freePort, type Scope, testWithTools, until } from "../support/children.ts";
import { Client } from "./client.ts";
import { isUnderDeno } from "./command.ts";
import { startSluice } from "./sluice.ts";

/** Connections that are in a state at once. */
const TOGETHER = 40;
/** Whether a reset is seen at once in every state, and not only where something is read or written. */
const seesEveryReset = isUnderDeno && Deno.env.get("SLUICE_ENGINE") !== "portable";
/** Where it is not, this ends the connection, s. */
const IDLE_TIMEOUT = seesEveryReset ? 600 : 3;
/** Descriptors of pipes that the engine linux keeps for the next one. */
const KEPT = 32;

/** What a client says first, and what the backend then does: see `behave`. */
interface State {
  readonly is: string;
  readonly says: string;
  /** Brings the connection there, once the backend has answered, if it does. */
  readonly reach?: (socket: Socket) => Promise<void>;
  readonly isAnswered?: boolean;
}

const STATES: readonly State[] = [
  { is: "connected", says: "" },
  { is: "in the middle of its first bytes", says: "GET / HT" },
  { is: "waiting for a backend", says: "unreachable\n" },
  { is: "open, and silent", says: "hold\n", isAnswered: true },
  { is: "not reading what comes", says: "flood\n", isAnswered: true, reach: isFull },
  { is: "sending what nobody reads", says: "deaf\n", isAnswered: true, reach: sendsUntilFull },
  { is: "done with sending", says: "hold\n", isAnswered: true, reach: ends },
  { is: "sending to who is done with it", says: "finish\n", isAnswered: true, reach: hasEnd },
];

for (const state of STATES) {
  testWithTools(
    `clients that reset while ${state.is} leave nothing, and the next one is served`,
    [],
    async (scope) => {
      const [backend, full] = [startBehaving(scope), await startFull(scope)];
      const port = freePort();
      const sluice = await startSluice(
        scope,
        `listen_address_v4 = "127.0.0.1"
         listen_port = ${port}
         tcp_target = ["127.0.0.1:${backend}"]
         tcp_idle_timeout = "${IDLE_TIMEOUT}s"
         connect_timeout = "2s"
         [protocols.web]
         protocol = "http"
         target = ["127.0.0.1:9"]
         [protocols.unreachable]
         protocol = "regex"
         patterns = ["^un"]
         min_length = 2
         target = ["127.0.0.1:${full}"]`,
      );
      // The first line of the access log may open something for all that follow.
      await isServed(scope, port);
      await sluice.accessLine();
      const atRest = sluice.descriptors;

      const sockets = await Promise.all(
        Array.from({ length: TOGETHER }, () => inState(scope, port, state)),
      );
      if (!state.isAnswered) {
        await until("all are there", () => sluice.descriptors >= atRest + TOGETHER);
      }
      for (const socket of sockets) socket.resetAndDestroy();

      for (let i = 0; i < TOGETHER; i++) {
        const { reason } = await sluice.accessLine();
        const expected = seesEveryReset
          ? /^(client_reset|client_left|connect_failed)$/
          : /^(client_reset|client_left|connect_failed|ended|idle_timeout)$/;
        assert.match(reason, expected);
      }
      // An attempt to connect cannot be called off under Bun: the kernel goes on with it.
      if (isUnderDeno || state.isAnswered) {
        await until("descriptors are given back", () => sluice.descriptors <= atRest + KEPT);
      }
      assert.equal(sluice.child.stderr.count(/"level":"error"/), 0);
      await isServed(scope, port);

      // Measured, not waited for: the time must pass.
      const { cpuTime } = sluice;
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.ok(sluice.cpuTime - cpuTime < 0.1, "it is busy with nothing");
    },
    60_000,
  );
}

async function isServed(scope: Scope, port: number): Promise<void> {
  const client = await Client.connect(scope, port);
  assert.equal(await client.ask("echo"), "here");
  client.close();
}

async function inState(scope: Scope, port: number, state: State): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  scope.atEnd(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  if (state.says !== "") socket.write(state.says);
  if (state.isAnswered) {
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
  }
  await state.reach?.(socket);
  return socket;
}

/** What the other side sends fills every buffer on its way. */
async function isFull(socket: Socket): Promise<void> {
  let before = -1;
  const hasStopped = () => {
    const now = socket.bytesRead;
    const stopped = now === before;
    before = now;
    return stopped;
  };
  await until("nothing more comes", hasStopped);
}

/** Sends until nothing more is taken. */
async function sendsUntilFull(socket: Socket): Promise<void> {
  const chunk = new Uint8Array(1 << 20);
  let isTaken = true;
  while (isTaken) {
    socket.write(chunk);
    let before = -1;
    await until("it is taken, or is not any more", () => {
      const left = socket.writableLength;
      isTaken = left === 0;
      const stopped = left === before;
      before = left;
      return isTaken || stopped;
    });
  }
}

function ends(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.end(resolve));
}

function hasEnd(socket: Socket): Promise<void> {
  const end = new Promise<void>((resolve) => socket.once("end", resolve));
  socket.resume();
  return end;
}

/** A backend that does what a client's first line says. */
function startBehaving(scope: Scope): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1024 });
  scope.atEnd(() => listener.close());
  const open = new Set<Deno.TcpConn>();
  scope.atEnd(() => {
    for (const conn of open) conn.close();
  });
  (async () => {
    for (;;) {
      const conn = await listener.accept();
      open.add(conn);
      behave(conn).catch(() => {}).finally(() => {
        if (open.delete(conn)) conn.close();
      });
    }
  })().catch(() => {});
  return listener.addr.port;
}

async function behave(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  const length = await conn.read(buffer) ?? 0;
  const line = new TextDecoder().decode(buffer.subarray(0, length)).trim();
  await conn.write(new TextEncoder().encode("here\n"));
  if (line === "flood") { for (;;) await conn.write(buffer); }
  if (line === "finish") await conn.closeWrite();
  if (line !== "deaf") { while (await conn.read(buffer) !== null); }
  if (line === "echo") return;
  // It is closed at the end of the test.
  await new Promise(() => {});
}

/** Somebody who has more clients than he takes in: who connects has to wait. */
async function startFull(scope: Scope): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  scope.atEnd(() => listener.close());
  const { port } = listener.addr;
  const filling = Array.from({ length: 3 }, () => connect({ port, host: "127.0.0.1" }));
  for (const socket of filling) {
    socket.on("error", () => {});
    scope.atEnd(() => socket.destroy());
  }
  await new Promise((resolve) => filling[0]!.once("connect", resolve));
  return port;
}
