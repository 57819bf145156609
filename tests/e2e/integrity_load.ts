/**
 * Streams of every length in both directions at once, ended in every way, through a real sluice: every byte that arrives
 * has to be the right one, and of what was not cut short every byte has to arrive.
 *
 * @module
 */
import assert from "node:assert/strict";
import { freePort, type Scope, until } from "../support/children.ts";
import { encodePlan, makePlan, type Plan, PLAN_LENGTH, type Seen } from "./integrity_plan.ts";
import { randomFrom, type ReadStream, readStream, writeStream } from "./integrity_stream.ts";
import { type AccessLine, type Sluice, startSluice } from "./sluice.ts";

/** Connections at once. */
const TOGETHER = 8;

/** What was carried. */
export interface Carried {
  /** Bytes that arrived and were right. */
  readonly bytes: number;
  readonly whole: number;
  /** Connections that one side left before its end. */
  readonly cut: number;
  readonly seconds: number;
}

/**
 * Carries at least so many bytes.
 * @throws {AssertionError} If one of them was lost or altered.
 */
export async function carry(scope: Scope, bytes: number, seed: number): Promise<Carried> {
  const load = new Load(seed, await Backend.start(scope));
  const port = freePort();
  const sluice = await startSluice(
    scope,
    `listen_address_v4 = "127.0.0.1"
     listen_port = ${port}
     tcp_target = ["127.0.0.1:${load.backend.port}"]
     [protocols.web]
     protocol = "http"
     target = ["127.0.0.1:9"]`,
  );
  const start = performance.now();
  const slot = async () => {
    while (load.bytes < bytes) await load.connection(port);
  };
  await Promise.all(Array.from({ length: TOGETHER }, slot));
  const seconds = (performance.now() - start) / 1000;
  await load.compareWith(sluice);
  const { whole, cut } = load;
  return { bytes: load.bytes, whole, cut, seconds };
}

class Load {
  bytes = 0;
  whole = 0;
  cut = 0;
  readonly backend: Backend;
  readonly #random: () => number;
  /** In the order of their ends, by the client's address. */
  readonly #over = new Map<string, Plan[]>();
  #lastId = 0;

  constructor(seed: number, backend: Backend) {
    this.#random = randomFrom(seed);
    this.backend = backend;
  }

  /** One connection, from its beginning to its end. */
  async connection(port: number): Promise<void> {
    const plan = makePlan(++this.#lastId, this.#random);
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const { hostname, port: own } = conn.localAddr;
    const address = `${hostname}:${own}`;
    const seen = this.backend.seen(plan.id);
    const down = await converse(conn, plan);
    const up = await seen;
    for (const [{ fault }, way] of [[up, "up"], [down, "down"]] as const) {
      assert.equal(fault, undefined, `${JSON.stringify(plan)}, ${way}: ${fault}`);
    }
    if (plan.ending === "whole") {
      const got = [up.length, up.end, down.length, down.end];
      const wanted = [plan.up, "end of stream", plan.down, "end of stream"];
      assert.deepEqual(got, wanted, JSON.stringify(plan));
    }
    if (plan.ending === "whole") this.whole++;
    else this.cut++;
    this.bytes += up.length + down.length;
    const over = this.#over.get(address) ?? [];
    this.#over.set(address, over);
    over.push(plan);
  }

  /** The access log has to say the same. */
  async compareWith(sluice: Sluice): Promise<void> {
    const count = this.whole + this.cut;
    await until("every connection is logged", () => sluice.accessLines.length === count);
    for (const line of sluice.accessLines) {
      const plan = this.#over.get(line.client)?.shift();
      assert.ok(plan, `nobody knows ${line.client}`);
      if (plan.ending === "whole") assertLogged(line, plan);
      else assert.match(line.reason, /^(ended|client_reset|backend_reset)$/);
    }
  }
}

function assertLogged({ bytes_up, bytes_down, reason }: AccessLine, plan: Plan): void {
  assert.deepEqual([bytes_up, bytes_down, reason], [PLAN_LENGTH + plan.up, plan.down, "ended"]);
}

/** The client's part. @returns What it has read. */
async function converse(conn: Deno.TcpConn, plan: Plan): Promise<ReadStream> {
  const { ending, leavesAt, size } = plan;
  const send = async (length: number) => {
    await writeAll(conn, encodePlan(plan));
    await writeStream(conn, plan.upSeed, length, size);
  };
  if (ending === "client leaves") {
    await send(leavesAt);
    // A reset takes back what was not delivered yet; by this the backend knows the plan.
    const read = await readStream(conn, plan.downSeed, new Uint8Array(1), 1);
    // What came meanwhile is left unread, which makes this a reset.
    conn.close();
    return read;
  }
  const sending = send(plan.up).then(() => conn.closeWrite()).catch((error) => {
    if (ending === "whole") throw error;
  });
  const read = await readStream(conn, plan.downSeed, new Uint8Array(size));
  await sending;
  conn.close();
  return read;
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** The backend, as seen from here. */
class Backend {
  readonly port: number;
  readonly #waiting = new Map<number, (seen: Seen) => void>();

  private constructor(worker: Worker, port: number) {
    this.port = port;
    worker.onmessage = ({ data }: MessageEvent<Seen>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    };
  }

  static async start(scope: Scope): Promise<Backend> {
    const url = new URL("integrity_backend.ts", import.meta.url);
    const worker = new Worker(url, { type: "module" });
    scope.atEnd(() => worker.terminate());
    const port = await new Promise<number>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    });
    return new Backend(worker, port);
  }

  /** What it will have seen of a connection. */
  seen(id: number): Promise<Seen> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}
