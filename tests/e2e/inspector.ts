/**
 * The heap of a running Deno, seen through its inspector (the Chrome DevTools Protocol): what is really in use, where
 * the system only knows what was not given back yet.
 *
 * @module
 */
import * as v from "valibot";

const answerSchema = v.object({ id: v.number(), result: v.unknown() });
const usageSchema = v.object({ usedSize: v.number(), backingStorageSize: v.number() });

/**
 * Collects the garbage of a process.
 * @param url What `--inspect` said it listens on.
 * @returns Bytes in use afterwards, of objects and of buffers.
 */
export async function liveHeap(url: string): Promise<number> {
  const socket = new WebSocket(url);
  await event(socket, "open");
  await call(socket, 1, "HeapProfiler.collectGarbage");
  const usage = v.parse(usageSchema, await call(socket, 2, "Runtime.getHeapUsage"));
  socket.close();
  await event(socket, "close");
  return usage.usedSize + usage.backingStorageSize;
}

async function call(socket: WebSocket, id: number, method: string): Promise<unknown> {
  socket.send(JSON.stringify({ id, method }));
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
