/**
 * What is reset before Bun has said that it is open.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { BunConn } from "../../lib/runtime/bun_conn.ts";
import { BunListener } from "../../lib/runtime/bun_listener.ts";

/** Connects and resets, as often as it is told; then wakes who waits. */
const RESETTER = `
  import { connect } from "node:net";
  import { workerData } from "node:worker_threads";
  const { port, times, done } = workerData;
  for (let time = 0; time < times; time++) {
    await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.resetAndDestroy());
      socket.on("close", resolve);
      socket.on("error", () => {});
    });
  }
  Atomics.store(new Int32Array(done), 0, 1);
  Atomics.notify(new Int32Array(done), 0);
`;

const descriptors = () => readdirSync("/proc/self/fd").length;

Deno.test("clients that are gone before they were accepted take nothing, and the next one is served", async () => {
  const listener = new BunListener({ address: "127.0.0.1", port: 0, backlog: 16 });
  const atFirst = descriptors();
  const accepted = listener.accept();
  const done = new SharedArrayBuffer(4);
  const complaints: unknown[] = [];
  const { error } = console;
  console.error = (...words) => complaints.push(words);
  const { port } = listener.address;
  const resetter = new Worker(RESETTER, { eval: true, workerData: { port, times: 50, done } });
  const over = new Promise((resolve) => resetter.on("exit", resolve));
  // Bun accepts nothing meanwhile: this is its thread.
  Atomics.wait(new Int32Array(done), 0, 0);
  await over;

  const client = connect(port, "127.0.0.1");
  await new Promise((resolve) => client.on("connect", resolve));
  const conn = await accepted;
  assert.equal(conn.remote.port, client.localPort);
  conn.close();
  client.destroy();
  await listener.close();
  console.error = error;
  assert.deepEqual(complaints, []);
  assert.ok(descriptors() <= atFirst + 2, `${descriptors()} after ${atFirst}`);
});

Deno.test("a socket that has lost the address of its other side is no connection", () => {
  assert.equal(BunConn.of(socketOf(undefined)), undefined);
  assert.equal(BunConn.of(socketOf("::ffff:192.0.2.1"))?.remote.address, "192.0.2.1");
});

function socketOf(remoteAddress: string | undefined): Parameters<typeof BunConn.of>[0] {
  const nothing = () => {};
  const yes = () => true;
  return {
    data: undefined,
    localAddress: "127.0.0.1",
    localPort: 1,
    remoteAddress,
    remotePort: 2,
    write: ({ length }) => length,
    shutdown: nothing,
    close: nothing,
    terminate: nothing,
    pause: nothing,
    resume: nothing,
    setNoDelay: yes,
    setKeepAlive: yes,
  };
}
