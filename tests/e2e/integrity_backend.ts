/**
 * The backend of the integrity test, in a Worker: it does what the client's plan says, and says what it has seen. Its
 * first message is its port.
 *
 * @module
 */
import { decodePlan, PLAN_LENGTH, type Seen } from "./integrity_plan.ts";
import { readStream, writeStream } from "./integrity_stream.ts";

interface WorkerScope {
  postMessage(message: number | Seen): void;
}

const scope = globalThis as unknown as WorkerScope;
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1024 });
scope.postMessage(listener.addr.port);
for (;;) {
  const conn = await listener.accept().catch(() => undefined);
  if (conn !== undefined) void serve(conn);
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  const header = new Uint8Array(PLAN_LENGTH);
  for (let at = 0; at < PLAN_LENGTH;) {
    const got = await conn.read(header.subarray(at)).catch(() => null);
    if (got === null) return conn.close();
    at += got;
  }
  const plan = decodePlan(header);
  const { id, ending, leavesAt } = plan;
  const enough = ending === "backend leaves" ? leavesAt : Infinity;
  const sending = send(conn, plan);
  const seen = await readStream(conn, plan.upSeed, new Uint8Array(plan.size), enough);
  if (ending === "whole") await sending;
  conn.close();
  await sending;
  scope.postMessage({ id, ...seen });
}

/** Whoever leaves cuts this short. */
async function send(
  conn: Deno.TcpConn,
  { down, downSeed, size }: ReturnType<typeof decodePlan>,
): Promise<void> {
  try {
    await writeStream(conn, downSeed, down, size);
    await conn.closeWrite();
  } catch {
    // The client sees what is missing.
  }
}
