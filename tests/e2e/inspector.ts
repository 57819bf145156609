/**
 * The heap of a running sluice, seen through its runtime's inspector (Deno: the Chrome DevTools Protocol, Bun: WebKit's,
 * much the same): what is really in use, where the system only knows what was not given back yet.
 *
 * @module
 */
import * as v from "valibot";
import { freePort, type Scope } from "../support/children.ts";
import { isUnderDeno } from "./command.ts";
import { type Sluice, type SluiceOptions, startSluice } from "./sluice.ts";

const answerSchema = v.object({ id: v.number(), result: v.unknown() });
const usageSchema = v.object({ usedSize: v.number(), backingStorageSize: v.number() });
const evaluatedSchema = v.object({ result: v.object({ value: v.number() }) });

/** A sluice whose heap can be seen. */
export interface Inspected {
  readonly sluice: Sluice;
  /** Collects the garbage of its main thread. @returns Bytes in use afterwards, of objects and of buffers. */
  readonly liveHeap: () => Promise<number>;
}

/** Starts sluice with a configuration; it listens. */
export async function startInspected(scope: Scope, config: string): Promise<Inspected> {
  const at = `127.0.0.1:${freePort()}`;
  const options: SluiceOptions = isUnderDeno
    ? { deno: [`--inspect=${at}`] }
    : { env: { BUN_INSPECT: `ws://${at}/` } };
  const sluice = await startSluice(scope, config, options);
  if (!isUnderDeno) return { sluice, liveHeap: () => inspect(`ws://${at}/`, liveHeapOfBun) };
  const [url = ""] = /ws:\S+/.exec(await sluice.child.stderr.next(/ws:/)) ?? [];
  return { sluice, liveHeap: () => inspect(url, liveHeapOfDeno) };
}

async function liveHeapOfDeno(socket: WebSocket): Promise<number> {
  await call(socket, 1, "HeapProfiler.collectGarbage");
  const usage = v.parse(usageSchema, await call(socket, 2, "Runtime.getHeapUsage"));
  return usage.usedSize + usage.backingStorageSize;
}

async function liveHeapOfBun(socket: WebSocket): Promise<number> {
  const expression = "Bun.gc(true), process.memoryUsage().heapUsed";
  const { result } = v.parse(
    evaluatedSchema,
    await call(socket, 1, "Runtime.evaluate", { expression, returnByValue: true }),
  );
  return result.value;
}

async function inspect<T>(url: string, ask: (socket: WebSocket) => Promise<T>): Promise<T> {
  const socket = new WebSocket(url);
  await event(socket, "open");
  const answer = await ask(socket);
  socket.close();
  await event(socket, "close");
  return answer;
}

async function call(
  socket: WebSocket,
  id: number,
  method: string,
  params = {},
): Promise<unknown> {
  socket.send(JSON.stringify({ id, method, params }));
  for (;;) {
    const message = await event(socket, "message");
    const answer = v.safeParse(answerSchema, JSON.parse(String(message.data)));
    if (answer.success && answer.output.id === id) return answer.output.result;
  }
}

function event<Type extends keyof WebSocketEventMap>(
  socket: WebSocket,
  type: Type,
): Promise<WebSocketEventMap[Type]> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error("the inspector is gone")), {
      once: true,
    });
  });
}
