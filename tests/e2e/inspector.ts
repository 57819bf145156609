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

/** What is asked of a thread, and what it answers. */
type Ask = (id: number, method: string) => Promise<unknown>;

const answerSchema = v.object({ id: v.number(), result: v.unknown() });
const usageSchema = v.object({ usedSize: v.number(), backingStorageSize: v.number() });
const evaluatedSchema = v.object({ result: v.object({ value: v.number() }) });
const attachedSchema = v.object({
  method: v.literal("NodeWorker.attachedToWorker"),
  params: v.object({ sessionId: v.string() }),
});
const fromWorkerSchema = v.object({
  method: v.literal("NodeWorker.receivedMessageFromWorker"),
  params: v.object({ message: v.pipe(v.string(), v.parseJson(), answerSchema) }),
});

/** A sluice whose heap can be seen. */
export interface Inspected {
  readonly sluice: Sluice;
  /**
   * Collects the garbage of its threads.
   * @param wake Gives the data thread something to do. Until it has, it waits for the kernel and answers nobody else.
   * @returns Bytes in use afterwards, of objects and of buffers.
   */
  readonly liveHeap: (wake: () => Promise<void>) => Promise<number>;
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
  const hasDataThread = sluice.child.stderr.count(/"engine: linux/) > 0;
  return {
    sluice,
    liveHeap: (wake) =>
      inspect(url, async (socket) => {
        const main = await liveHeapOfDeno((id, method) => call(socket, id, method));
        return hasDataThread ? main + await liveHeapOfWorker(socket, wake) : main;
      }),
  };
}

async function liveHeapOfDeno(ask: Ask): Promise<number> {
  await ask(1, "HeapProfiler.collectGarbage");
  const usage = v.parse(usageSchema, await ask(2, "Runtime.getHeapUsage"));
  return usage.usedSize + usage.backingStorageSize;
}

/** Of the only worker; the main thread passes on what it is asked and what it answers. */
async function liveHeapOfWorker(socket: WebSocket, wake: () => Promise<void>): Promise<number> {
  const [{ params: { sessionId } }] = await Promise.all([
    message(socket, attachedSchema),
    call(socket, 3, "NodeWorker.enable", { waitForDebuggerOnStart: false }),
  ]);
  return await liveHeapOfDeno(async (id, method) => {
    const forWorker = { sessionId, message: JSON.stringify({ id, method }) };
    const [{ params: { message: { result } } }] = await Promise.all([
      message(socket, fromWorkerSchema, ({ params }) => params.message.id === id),
      call(socket, 3 + id, "NodeWorker.sendMessageToWorker", forWorker).then(wake),
    ]);
    return result;
  });
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
  return (await message(socket, answerSchema, (answer) => answer.id === id)).result;
}

/** The next message that is as the schema says, and fits; it listens from the moment it is called. */
async function message<Output>(
  socket: WebSocket,
  schema: v.GenericSchema<unknown, Output>,
  fits: (message: Output) => boolean = () => true,
): Promise<Output> {
  for (;;) {
    const { data } = await event(socket, "message");
    const message = v.safeParse(schema, JSON.parse(String(data)));
    if (message.success && fits(message.output)) return message.output;
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
