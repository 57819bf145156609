/**
 * Starts a data thread, from the main thread. Nothing foreign is loaded before it is known that it may be.
 *
 * @module
 */
import type {
  Ear,
  FromThread,
  StartThread,
  ThreadAhead,
  ThreadHandle,
  ThreadStart,
  ToThread,
} from "../../data_thread/messages.ts";
import type { Doorbell } from "./doorbell.ts";
import type { ThreadCommand, ThreadSetup, ThreadState } from "./thread.ts";

/** Starts a thread that serves on the system's own sockets. */
export const startThread: StartThread = async (start, ear) => {
  const hindrance = hindranceOf();
  if (hindrance !== undefined) throw new Error(hindrance);
  return await serving(new LinuxThread(), start, ear);
};

/** Begins to start a thread that is likely to be wanted: that takes a while, on another core. */
export function beginThread(): ThreadAhead {
  let ahead = hindranceOf() === undefined ? new LinuxThread() : undefined;
  const taken = () => {
    const thread = ahead;
    ahead = undefined;
    return thread;
  };
  return {
    startThread(start, ear) {
      const thread = taken();
      return thread === undefined ? startThread(start, ear) : serving(thread, start, ear);
    },
    dismissThread: () => taken()?.dismiss(),
  };
}

/** Why there can be no thread, if nothing else is known. */
function hindranceOf(): string | undefined {
  if (Deno.build.os !== "linux") return `the system is ${Deno.build.os}`;
  const { state } = Deno.permissions.querySync({ name: "ffi" });
  return state === "granted" ? undefined : "foreign calls are not permitted (--allow-ffi)";
}

async function serving(
  thread: LinuxThread,
  start: ThreadStart,
  ear: Ear,
): Promise<ThreadHandle> {
  try {
    const { Doorbell } = await import("./doorbell.ts");
    await thread.serve(new Doorbell(), start, ear);
  } catch (error) {
    thread.dismiss();
    throw error;
  }
  return thread;
}

/** A Worker that blocks in epoll. */
class LinuxThread implements ThreadHandle {
  readonly #worker = new Worker(import.meta.resolve("./thread.ts"), {
    type: "module",
    name: "data",
  });
  /** Absent until it is to serve, as who hears of it. */
  #doorbell: Doorbell | undefined;
  #ear: Ear | undefined;
  readonly #ready = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #state: "starting" | "serving" | "ending" | "over" = "starting";

  constructor() {
    // Who waits for it is told; it may have failed before there is somebody.
    this.#ready.promise.catch(() => {});
    this.#worker.onmessage = ({ data }: MessageEvent<FromThread | ThreadState>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failed(event.message);
    };
  }

  /** Resolves when it does; rejects if it cannot. */
  serve(doorbell: Doorbell, start: ThreadStart, ear: Ear): Promise<void> {
    this.#doorbell = doorbell;
    this.#ear = ear;
    this.#post({ ...start, doorbell: doorbell.wire });
    return this.#ready.promise;
  }

  say(message: ToThread): void {
    this.#post(message);
  }

  end(): Promise<void> {
    if (this.#state !== "over") this.#state = "ending";
    this.#post({ kind: "end" });
    return this.#over.promise;
  }

  /** Ends it where it does not serve. */
  dismiss(): void {
    this.#leave();
  }

  #post(message: ThreadSetup | ToThread | ThreadCommand): void {
    if (this.#state === "over") return;
    this.#worker.postMessage(message);
    this.#doorbell?.ring();
  }

  #hear(message: FromThread | ThreadState): void {
    switch (message.kind) {
      case "ready":
        this.#state = "serving";
        return this.#ready.resolve();
      case "ended":
        return this.#leave();
      case "failed":
        return this.#failed(message.why);
      default:
        if (this.#state === "serving") this.#ear?.hear(message);
    }
  }

  #failed(why: string): void {
    const before = this.#state;
    this.#leave();
    if (before === "starting") this.#ready.reject(new Error(why));
    if (before === "serving") this.#ear?.failed(why);
  }

  /** The thread has gone, or goes with the next thing that it does. */
  #leave(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#worker.terminate();
    this.#doorbell?.close();
    this.#over.resolve();
  }
}
