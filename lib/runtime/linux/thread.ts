/**
 * The entry point of a data thread: a server on the system's own sockets, in a loop of its own. It is a Worker that
 * `start_thread.ts` starts.
 *
 * @module
 */
import { DataThread } from "../../data_thread/data_thread.ts";
import type { FromThread, ThreadStart, ToThread } from "../../data_thread/messages.ts";
import { type DoorbellWire, Doorkeeper } from "./doorbell.ts";
import { Loop, LoopClock } from "./loop.ts";
import { LinuxNet } from "./net.ts";
import { Poller } from "./poller.ts";
import { selfTest } from "./self_test.ts";

/** The first message to the thread; it rings for this one, too. */
export interface ThreadSetup extends ThreadStart {
  readonly doorbell: DoorbellWire;
}

/** Beside what the server is told. */
export type ThreadCommand = { readonly kind: "end" };

/** What the thread says of itself, beside what the server says. */
export type ThreadState =
  | { readonly kind: "ready" }
  /** Its last word, after an `end`. */
  | { readonly kind: "ended" }
  /** Its last word, after a fault; before `ready`: it cannot serve here. */
  | { readonly kind: "failed"; readonly why: string };

/** What a Worker has in the place of a window. */
interface WorkerScope {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: FromThread | ThreadState): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data }: MessageEvent<ThreadSetup>) => {
  try {
    selfTest();
    serve(data);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    leave({ kind: "failed", why: `its self-test has failed: ${why}` });
  }
};

function serve({ doorbell, ...start }: ThreadSetup): void {
  const clock = new LoopClock();
  const poller = new Poller();
  const loop = new Loop(poller, clock);
  const doorkeeper = new Doorkeeper(doorbell, poller, loop);
  doorkeeper.received();
  const net = new LinuxNet(clock, poller, { sharesPorts: start.shared.together !== undefined });
  const thread = new DataThread({
    net,
    clock,
    random: Math.random,
    ...start,
    say: (message) => scope.postMessage(message),
    notices: () => net.notices,
    attend: (promise) => loop.attend(promise),
  });
  /** What the system holds for this thread would outlive it, so it is given back here. */
  let isOver = false;
  const end = (last: ThreadState) => {
    if (isOver) return;
    isOver = true;
    loop.stop();
    try {
      doorkeeper.leave();
      thread.close();
      net.close();
      poller.abandon();
    } finally {
      leave(last);
    }
  };
  const fail = (error: unknown) => end({ kind: "failed", why: reason(error) });
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error ?? event.message);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  scope.onmessage = ({ data }: MessageEvent<ToThread | ThreadCommand>) => {
    doorkeeper.received();
    if (data.kind === "end") end({ kind: "ended" });
    else thread.hear(data);
  };
  scope.postMessage({ kind: "ready" });
  loop.run().catch(fail);
}

function leave(last: ThreadState): void {
  scope.postMessage(last);
  scope.close();
}

function reason(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
