/**
 * Starts a data thread, from the main thread. Nothing foreign is loaded before it is known that it may be.
 *
 * @module
 */
import type {
  Ear,
  FromThread,
  StartThread,
  ThreadHandle,
  ToThread,
} from "../../data_thread/messages.ts";
import type { Doorbell } from "./doorbell.ts";
import type { ThreadCommand, ThreadSetup, ThreadState } from "./thread.ts";

/** Starts a thread that serves on the system's own sockets. */
export const startThread: StartThread = async (shared, ear) => {
  demandPermission();
  const { Doorbell } = await import("./doorbell.ts");
  const doorbell = new Doorbell();
  const thread = new LinuxThread(doorbell, ear);
  thread.post({ shared, doorbell: doorbell.wire });
  await thread.ready;
  return thread;
};

function demandPermission(): void {
  if (Deno.build.os !== "linux") throw new Error(`the system is ${Deno.build.os}`);
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    throw new Error("foreign calls are not permitted (--allow-ffi)");
  }
}

/** A Worker that blocks in epoll. */
class LinuxThread implements ThreadHandle {
  readonly #worker = new Worker(import.meta.resolve("./thread.ts"), {
    type: "module",
    name: "data",
  });
  readonly #doorbell: Doorbell;
  readonly #ear: Ear;
  readonly #ready = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #state: "starting" | "serving" | "ending" | "over" = "starting";

  constructor(doorbell: Doorbell, ear: Ear) {
    this.#doorbell = doorbell;
    this.#ear = ear;
    this.#worker.onmessage = ({ data }: MessageEvent<FromThread | ThreadState>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failed(event.message);
    };
  }

  /** Rejects if it cannot serve. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  post(message: ThreadSetup | ToThread | ThreadCommand): void {
    if (this.#state === "over") return;
    this.#worker.postMessage(message);
    this.#doorbell.ring();
  }

  say(message: ToThread): void {
    this.post(message);
  }

  end(): Promise<void> {
    if (this.#state !== "over") this.#state = "ending";
    this.post({ kind: "end" });
    return this.#over.promise;
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
        if (this.#state === "serving") this.#ear.hear(message);
    }
  }

  #failed(why: string): void {
    const before = this.#state;
    this.#leave();
    if (before === "starting") this.#ready.reject(new Error(why));
    if (before === "serving") this.#ear.failed(why);
  }

  /** The thread has gone, or goes with the next thing that it does. */
  #leave(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#worker.terminate();
    this.#doorbell.close();
    this.#over.resolve();
  }
}
