/**
 * A plane in another thread. When its thread fails, another one is started with what ran: connections are lost, the
 * process lives on.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { MainLog } from "../log.ts";
import type { Gauges, Listening, Plane } from "../plane.ts";
import type { Lookup } from "../resolver.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import type { SharedCounts, StartThread } from "./messages.ts";
import { encodeConfig } from "./plain_config.ts";
import { RemoteThread } from "./remote_thread.ts";
import { SharedTable } from "./shared_table.ts";

export interface RemotePlaneParts {
  readonly startThread: StartThread;
  readonly lookup: Lookup;
  readonly clock: Clock;
  readonly log: MainLog;
  /** What its threads share with those of other planes; absent: there are no others. */
  readonly common?: Pick<SharedCounts, "ids" | "together">;
}

/** How long after a failure the thread is started again, ms; each further failure doubles it … */
const SHORTEST_PAUSE = 100;
/** … up to this, ms … */
const LONGEST_PAUSE = 10_000;
/** … until one has run for so long, ms. */
const STEADY = 60_000;
/** How long an answer may take that is due at once, ms; then gauges are as they were last told, and a drain is over. */
const PATIENCE = 500;

/** Nothing goes on. */
export const NOTHING: Gauges = {
  activeConnections: 0,
  activeFlows: 0,
  live: { tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } },
  drops: new Map(),
  backends: [],
};

/** Stands for the server in a data thread. */
export class RemotePlane implements Plane {
  readonly #parts: RemotePlaneParts;
  readonly #common: Pick<SharedCounts, "ids" | "together">;
  /** Absent from its failure until there is another one that runs. */
  #thread: RemoteThread | undefined;
  /** What runs, or is to run again. */
  #config: Config | undefined;
  #addresses: readonly Listening[] = [];
  #gauges = NOTHING;
  /** The question for them that is open. */
  #asked: Promise<Gauges> | undefined;
  /** The last change of what runs; there is one at a time. */
  #change: Promise<void> = Promise.resolve();
  #since: number;
  #pause = 0;
  #restart: Timer | undefined;
  #ending = false;

  private constructor(parts: RemotePlaneParts) {
    this.#parts = parts;
    this.#common = parts.common ?? { ids: new SharedArrayBuffer(8) };
    this.#since = parts.clock.now();
  }

  /**
   * Starts the thread; it serves nothing yet.
   * @throws {Error} If it cannot serve here; the message says what is missing.
   */
  static async start(parts: RemotePlaneParts): Promise<RemotePlane> {
    const plane = new RemotePlane(parts);
    plane.#thread = await plane.#start();
    return plane;
  }

  get addresses(): readonly Listening[] {
    return this.#addresses;
  }

  gauges(): Promise<Gauges> {
    return this.#asked ??= this.#ask().finally(() => this.#asked = undefined);
  }

  apply(config: Config): Promise<void> {
    return this.#exclusively(async () => {
      await this.#run(config);
      this.#config = config;
    });
  }

  async drain(): Promise<void> {
    this.#end();
    // What has failed has no connections.
    const drained = this.#thread?.ask("drain", undefined).catch(() => {});
    await this.#within((this.#config?.drainTimeout ?? 0) + PATIENCE, drained);
  }

  async close(): Promise<void> {
    this.#end();
    const thread = this.#thread;
    await thread?.ask("close", undefined).catch(() => {});
    this.#thread = undefined;
    this.#gauges = NOTHING;
    await thread?.end();
  }

  /** In the log. */
  get #name(): string {
    const { together } = this.#common;
    return together === undefined
      ? "the data thread"
      : `data thread ${together.thread + 1} of ${together.threads}`;
  }

  #end(): void {
    this.#ending = true;
    this.#restart?.cancel();
  }

  async #ask(): Promise<Gauges> {
    const answer = this.#thread?.ask("gauges", undefined).catch(() => undefined);
    return this.#gauges = await this.#within(PATIENCE, answer) ?? this.#gauges;
  }

  /** What `promise` resolves to, or `undefined` after `ms`: a thread may be caught in a loop. */
  async #within<Value>(
    ms: number,
    promise: Promise<Value> | undefined,
  ): Promise<Value | undefined> {
    const limit = Promise.withResolvers<undefined>();
    const timer = this.#parts.clock.setTimer(() => limit.resolve(undefined), ms);
    const value = await Promise.race([promise, limit.promise]);
    timer.cancel();
    return value;
  }

  /** Waits until everything before has come to an end. */
  #exclusively(change: () => Promise<void>): Promise<void> {
    const done = this.#change.then(change);
    this.#change = done.catch(() => {});
    return done;
  }

  async #run(config: Config): Promise<void> {
    const thread = this.#thread ?? await this.#start();
    try {
      this.#addresses = await thread.ask("apply", encodeConfig(config));
    } catch (error) {
      if (thread !== this.#thread) await thread.end();
      throw error;
    }
    if (thread !== this.#thread && this.#ending) return await thread.end();
    this.#thread = thread;
  }

  async #start(): Promise<RemoteThread> {
    const thread = await RemoteThread.start({
      ...this.#parts,
      common: this.#common,
      onFailed: (why) => this.#failed(thread, why),
    });
    this.#since = this.#parts.clock.now();
    return thread;
  }

  #failed(thread: RemoteThread, why: string): void {
    // Of one that does not serve yet, who starts it knows.
    if (thread !== this.#thread) return;
    const { clock, log } = this.#parts;
    this.#thread = undefined;
    this.#gauges = NOTHING;
    if (this.#common.together !== undefined) new SharedTable(this.#common.together).clear();
    if (clock.now() - this.#since > STEADY) this.#pause = 0;
    const next = this.#ending ? "" : " and is started again";
    log.error(`${this.#name} has failed${next}; its connections are lost`, { why });
    this.#restartSoon();
  }

  #restartSoon(): void {
    if (this.#ending) return;
    this.#pause = Math.min(Math.max(2 * this.#pause, SHORTEST_PAUSE), LONGEST_PAUSE);
    this.#restart = this.#parts.clock.setTimer(
      () => void this.#exclusively(() => this.#runAgain()),
      this.#pause,
    );
  }

  /** Unless a change has done so already. */
  async #runAgain(): Promise<void> {
    if (this.#ending || this.#thread !== undefined || this.#config === undefined) return;
    const { log } = this.#parts;
    try {
      await this.#run(this.#config);
      log.info(`${this.#name} runs again`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error(`${this.#name} cannot be started again; it is tried anew`, { why });
      this.#restartSoon();
    }
  }
}
