/**
 * The outside of one data thread: what it is asked, what it asks, and what it reports.
 *
 * @module
 */
import type { MainLog } from "../log.ts";
import type { Lookup } from "../resolver.ts";
import { Exchange } from "./exchange.ts";
import type {
  FromThread,
  NameQuestions,
  PlaneQuestions,
  Report,
  SharedCounts,
  StartThread,
  ThreadHandle,
} from "./messages.ts";

export interface RemoteThreadParts {
  readonly startThread: StartThread;
  /** What it shares with other threads, before and beside it. */
  readonly common: Pick<SharedCounts, "ids" | "together">;
  readonly lookup: Lookup;
  readonly log: MainLog;
  /** Told when the thread has come to an end that nobody wanted. */
  readonly onFailed: (why: string) => void;
}

/** A data thread that serves. */
export class RemoteThread {
  /** Fails when the thread does. */
  readonly ask: Exchange<PlaneQuestions, NameQuestions>["ask"];
  readonly #handle: ThreadHandle;

  private constructor(handle: ThreadHandle, exchange: Exchange<PlaneQuestions, NameQuestions>) {
    this.#handle = handle;
    this.ask = exchange.ask.bind(exchange);
  }

  /** @throws {Error} If it cannot serve; the message says what is missing. */
  static async start(parts: RemoteThreadParts): Promise<RemoteThread> {
    const { startThread, common, log, onFailed } = parts;
    const shared = { ...common, taken: new SharedArrayBuffer(4) };
    const taken = new Int32Array(shared.taken);
    const exchange = new Exchange<PlaneQuestions, NameQuestions>(
      (saying) => handle.say(saying),
      names(parts.lookup),
    );
    const handle = await startThread({ shared, logFormat: log.format }, {
      hear(message: FromThread) {
        if (message.kind !== "report") return exchange.hear(message);
        take(message, log);
        Atomics.add(taken, 0, message.size);
      },
      failed(why) {
        exchange.end(new Error(`the data thread has failed: ${why}`));
        onFailed(why);
      },
    });
    return new RemoteThread(handle, exchange);
  }

  /** As `ThreadHandle.end`. */
  end(): Promise<void> {
    return this.#handle.end();
  }
}

/** Answers for names. */
function names(lookup: Lookup) {
  const ttls = new Map<number, Promise<number>>();
  let lastTicket = 0;
  return {
    async addresses(name: string) {
      const { addresses, ttl } = await lookup(name);
      const ticket = ++lastTicket;
      ttls.set(ticket, ttl);
      return { addresses, ticket };
    },
    ttl(ticket: number) {
      const ttl = ttls.get(ticket);
      ttls.delete(ticket);
      return ttl ?? 0;
    },
  };
}

/** Logs what was reported. */
function take({ access, lines, lost }: Report, log: MainLog): void {
  log.accessBatch(access);
  for (const { level, message, properties } of lines) log[level](message, properties);
  if (lost > 0) {
    log.warning(
      `lost on their way from the data thread, as they came too fast: ${lost} lines of the logs`,
    );
  }
}
