/**
 * The backend of a flow: connected, watched, and passed over for the next one when it fails or is silent.
 *
 * That nobody listens there is told by the system where the platform can hear it. Everywhere else, and of backends that
 * are cut off, silence tells: a backend that was asked several times for as long as the reply timeout, and has answered
 * nobody at all meanwhile, is not there.
 *
 * @module
 */
import { formatAddress } from "./addr.ts";
import type { Backend, Client } from "./balancing/mod.ts";
import type { UdpRoute } from "./config/config.ts";
import { blame, choose, isLocal, release } from "./dial.ts";
import type { LivePool } from "./pool.ts";
import { NetError, type ReplyReceiver, type UpstreamSocket } from "./runtime/runtime.ts";
import type { UdpParts } from "./udp_parts.ts";

/** Datagrams without a reply that make a silence: of a client that begins, … */
const OPENING_PATIENCE = 2;
/** … and of one that had replies before, which may have had nothing to ask. */
const PATIENCE = 4;
/** A question older than so many reply timeouts has nothing to do with the next one. */
const LONGEST_QUESTION = 10;

/** So many flows find out that nobody listens there … */
const MOST_REFUSALS = 16;
/** … in this time, ms. Others need not try: anybody could make each of his datagrams a socket and a line in the log. */
const REFUSING = 250;

/** Backends that the access log says were passed over. */
const MOST_DETAILS = 8;

/** What most flows have of both, in common: a list of its own would take memory of each. */
const NONE: readonly never[] = [];

/**
 * Whether flows enough have just found out that nobody listens there.
 * @param now `Clock.now()`, ms.
 */
export function refuses({ refusals, refusedSince }: Backend, now: number): boolean {
  return refusals >= MOST_REFUSALS && now - refusedSince < REFUSING;
}

/** Owns the socket to one backend at a time. */
export class FlowBackend {
  readonly #parts: UdpParts;
  readonly #route: UdpRoute;
  readonly #pool: LivePool;
  readonly #client: Client;
  #backend: Backend;
  #socket: UpstreamSocket | undefined;
  /** The backend's failures when it was chosen. */
  #failures = 0;
  /** Datagrams since the last reply that wanted one, and when the first of them came (`FlowTable.now`, ms). */
  #asked = 0;
  #askedAt = 0;
  #hasAnswered = false;
  /** Those that were left since the last reply; and in words, since the beginning. */
  #left: readonly Backend[] = NONE;
  #details: readonly string[] = NONE;

  /** @param backend Of `pool`, the first to be tried. */
  constructor(
    backend: Backend,
    route: UdpRoute,
    pool: LivePool,
    client: Client,
    parts: UdpParts,
  ) {
    this.#backend = backend;
    this.#route = route;
    this.#pool = pool;
    this.#client = client;
    this.#parts = parts;
    backend.active++;
  }

  get backend(): Backend {
    return this.#backend;
  }

  /** Absent before {@linkcode connect}, and when no backend was left. */
  get socket(): UpstreamSocket | undefined {
    return this.#socket;
  }

  /** Whether a backend has replied. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Which ones were passed over, and why. */
  get detail(): string | undefined {
    return this.#details.length === 0 ? undefined : `passed over ${this.#details.join("; ")}`;
  }

  /** Opens a socket to the backend, or to the next one that allows it; says whether there is one. */
  connect(receiver: ReplyReceiver): boolean {
    const { clock, flows, net } = this.#parts;
    for (;;) {
      this.#failures = this.#backend.failures;
      // Whether it is up again is for one flow to find out; the others need not wait for that.
      if (this.#failures > 0) this.#backend.downUntil = clock.now() + this.#route.replyTimeout;
      try {
        this.#socket = net.associate(this.#backend, receiver);
        // What the client said already is sent right away.
        this.#asked = 1;
        this.#askedAt = flows.now;
        return true;
      } catch (error) {
        if (!(error instanceof NetError)) throw error;
        this.#blame(error.message, error);
        if (isLocal(error) || !this.#changeBackend()) return false;
      }
    }
  }

  /** Leaves a backend that cannot be reached for the next one; says whether there is one. */
  passOver(error: NetError, receiver: ReplyReceiver): boolean {
    this.#blame(error.message, error);
    return this.#changeBackend() && this.connect(receiver);
  }

  /**
   * Notes that the client wants a reply. If the backend has been silent for too long, goes on to another one, where
   * there is one; says whether it did.
   * @param isOpening Whether a session begins, which nobody does without wanting a reply.
   */
  changesWhenAsked(isOpening: boolean, receiver: ReplyReceiver): boolean {
    const { now } = this.#parts.flows;
    const { replyTimeout } = this.#route;
    if (replyTimeout === 0) return false;
    const age = now - this.#askedAt;
    if (this.#asked === 0 || age > LONGEST_QUESTION * replyTimeout) {
      this.#askedAt = now;
      this.#asked = 1;
      return false;
    }
    this.#asked++;
    const patience = this.#hasAnswered && !isOpening ? PATIENCE : OPENING_PATIENCE;
    // That it is silent may have been found out by another flow.
    const isOverdue = age >= replyTimeout || this.#backend.failures > 0;
    if (this.#asked < patience || !isOverdue) return false;
    this.#asked = 0;
    if (this.#backend.heard >= this.#askedAt) return false;
    this.#blame(`no reply within ${Math.round(age / 100) / 10} s`);
    if (this.#changeBackend()) return this.connect(receiver);
    // All of them had their turn, and may have another one.
    this.#left = NONE;
    return false;
  }

  /** Notes a reply. */
  answered(): void {
    this.#asked = 0;
    this.#backend.heard = this.#parts.flows.now;
    if (this.#hasAnswered && this.#backend.failures === 0) return;
    this.#hasAnswered = true;
    this.#left = NONE;
    if (this.#backend.failures > 0) {
      this.#parts.log.info(`${formatAddress(this.#backend)} answers again`);
      this.#backend.failures = this.#backend.downUntil = this.#backend.refusals = 0;
    }
  }

  close(): void {
    this.#socket?.close();
    release(this.#backend);
  }

  /** Notes that the backend failed, and how. */
  #blame(why: string, error?: NetError): void {
    const fault = `${formatAddress(this.#backend)}: ${why}`;
    if (this.#details.length < MOST_DETAILS) this.#details = [...this.#details, fault];
    if (!this.#left.includes(this.#backend)) this.#left = [...this.#left, this.#backend];
    const { clock, log } = this.#parts;
    if (error !== undefined && isLocal(error)) return;
    if (error?.code === "refused") this.#noteRefusal(clock.now());
    if (blame(this.#backend, this.#failures, clock.now())) {
      log.warning(`cannot reach ${fault}; it is tried last for a while`);
    }
  }

  #noteRefusal(now: number): void {
    const backend = this.#backend;
    if (now - backend.refusedSince >= REFUSING) {
      backend.refusedSince = now;
      backend.refusals = 0;
    }
    backend.refusals++;
  }

  /** Closes the way to the backend and takes one that was not left; without one, all stays as it is. */
  #changeBackend(): boolean {
    const untried = this.#pool.known.filter(({ backend }) => !this.#left.includes(backend));
    if (untried.length === 0) return false;
    this.#socket?.close();
    this.#socket = undefined;
    release(this.#backend);
    const now = this.#parts.clock.now();
    this.#backend = choose(this.#pool.balance, untried, this.#client, now).backend;
    this.#backend.active++;
    this.#hasAnswered = false;
    return true;
  }
}
