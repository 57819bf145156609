import assert from "node:assert/strict";
import type { Config } from "../../../../lib/config/config.ts";
import { startThreads } from "../../../../lib/data_thread/joint_plane.ts";
import type { StartThread, ThreadHandle } from "../../../../lib/data_thread/messages.ts";
import type { MainLog } from "../../../../lib/log.ts";
import { systemClock } from "../../../../lib/runtime/clock.ts";
import { startThread } from "../../../../lib/runtime/linux/start_thread.ts";
import { freePort, until } from "../../../support/children.ts";
import { loadLinux } from "../../../support/linux_net.ts";
import { defaultTo, listenerWith, poolOf } from "../../../support/routes.ts";

// Loaded before the first test, as it is never closed.
const linux = await loadLinux();
const LOCALHOST = "127.0.0.1";
/** As many as may be. The kernel deals them out by chance: that one thread gets none happens once in 500,000 times. */
const CONNECTIONS = 20;

Deno.test({
  name: "Linux threads: one fails, the others' connections live, and its places are free again",
  ignore: "reason" in linux,
  async fn() {
    const echo = Deno.listen({ hostname: LOCALHOST, port: 0 });
    const echoing = serveEcho(echo);
    const handles: ThreadHandle[] = [];
    const start: StartThread = async (...how) => {
      const handle = await startThread(...how);
      handles.push(handle);
      return handle;
    };
    const lines: string[] = [];
    const line = (message: string) => void lines.push(message);
    const log: MainLog = {
      format: "text",
      access: () => {},
      accessBatch: () => {},
      debug: line,
      info: line,
      warning: line,
      error: line,
    };
    const lookup = () => Promise.reject(new Error("no names here"));
    const plane = await startThreads({ startThread: start, lookup, clock: systemClock, log }, 2);
    const port = freePort();
    await plane.apply(configWith(port, echo.addr.port));

    const connect = () => Deno.connect({ hostname: LOCALHOST, port });
    const conns = await Promise.all(Array.from({ length: CONNECTIONS }, connect));
    const answered = () => Promise.all(conns.map(isAnswered));
    assert.ok((await answered()).every((yes) => yes));
    const late = await connect();
    assert.equal(await isAnswered(late), false, "there are as many as may be");
    late.close();

    // No message of sluice's.
    handles[0]!.say(null as never);
    await until("it runs again", () => lines.includes("data thread 1 of 2 runs again"));
    assert.match(lines[0]!, /^data thread 1 of 2 has failed and is started again/);
    const alive = await answered();
    const lost = alive.filter((yes) => !yes).length;
    assert.ok(lost > 0 && lost < CONNECTIONS, `${lost} were lost`);

    const more = await Promise.all(Array.from({ length: lost + 1 }, connect));
    const served = await Promise.all(more.map(isAnswered));
    assert.equal(served.filter((yes) => yes).length, lost);
    assert.equal((await plane.gauges()).activeConnections, CONNECTIONS);

    for (const conn of [...conns, ...more]) conn.close();
    await plane.close();
    echo.close();
    await echoing;
  },
});

async function isAnswered(conn: Deno.TcpConn): Promise<boolean> {
  try {
    await conn.write(new Uint8Array(1));
    return await conn.read(new Uint8Array(1)) === 1;
  } catch {
    return false;
  }
}

async function serveEcho(listener: Deno.TcpListener): Promise<void> {
  const open: Promise<void>[] = [];
  for await (const conn of listener) {
    open.push(conn.readable.pipeTo(conn.writable).catch(() => {}));
  }
  await Promise.all(open);
}

function configWith(port: number, target: number): Config {
  const to = { defaultRoute: defaultTo(poolOf(LOCALHOST, target)) };
  return {
    tcp: [listenerWith({ port, ...to })],
    udp: [],
    maxConnections: CONNECTIONS,
    maxFlows: 1,
    drainTimeout: 1000,
    engine: "linux",
    threads: 2,
    dns: { minTtl: 30_000, maxTtl: 3_600_000 },
  };
}
