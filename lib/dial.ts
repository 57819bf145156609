/**
 * From a pool to a connection: choose, connect, and where that fails try the next.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import type { Backend, Balance, Candidate, Client } from "./balancing/mod.ts";
import type { Log } from "./log.ts";
import type { LivePool } from "./pool.ts";
import {
  type Clock,
  type Conn,
  type ConnectOptions,
  type Net,
  NetError,
} from "./runtime/runtime.ts";

/** What it takes to dial. */
export interface DialParts {
  readonly net: Pick<Net, "connect">;
  readonly clock: Clock;
  /** Told when a backend cannot be reached any more, and when it can again. */
  readonly log: Pick<Log, "info" | "warning">;
}

/** `timeout` is that of each attempt. */
export interface DialOptions extends ConnectOptions {
  /** Further attempts after the first one failed. */
  readonly retries: number;
}

export type Dialled =
  /** The caller closes `conn`, and calls {@linkcode release} once it is closed. `detail` names those tried before it, and why. */
  | {
    readonly kind: "connected";
    readonly conn: Conn;
    readonly backend: Backend;
    readonly detail?: string;
  }
  /** Nothing is left to close or release. `backend` is the last one tried; `detail` names them all and why. */
  | { readonly kind: "failed"; readonly detail: string; readonly backend?: Backend };

/** How long a backend is tried last after its first failure, ms; each further one doubles it … */
const FIRST_DOWN = 500;
/** … up to this, ms. */
const LONGEST_DOWN = 30_000;

/**
 * Connects `client` to a backend of `pool`: the balancer's choice first, what it chooses of the rest when that
 * fails, no address twice.
 */
export async function dial(
  { net, clock, log }: DialParts,
  pool: LivePool,
  client: SocketAddress,
  options: DialOptions,
): Promise<Dialled> {
  const candidates = pool.candidates();
  let untried = candidates instanceof Promise ? await candidates : candidates;
  let last: Backend | undefined;
  const faults: string[] = [];
  for (let attempt = 0; attempt <= options.retries && untried.length > 0; attempt++) {
    const now = clock.now();
    const choice = choose(pool.balance, untried, client, now);
    const { backend } = choice;
    const failures = backend.failures;
    // Whether it is up again is for one connection to find out; the others need not wait for that.
    if (failures > 0) backend.downUntil = now + options.timeout;
    // Counted from here, so that connections which arrive together do not all choose the same one.
    backend.active++;
    try {
      const conn = await net.connect(backend, options);
      if (backend.failures > 0) log.info(`${formatAddress(backend)} can be reached again`);
      backend.failures = backend.downUntil = 0;
      const detail = faults.length > 0 && { detail: `passed over ${faults.join("; ")}` };
      return { kind: "connected", conn, backend, ...detail };
    } catch (error) {
      release(backend);
      if (!(error instanceof NetError)) throw error;
      const fault = `${formatAddress(backend)}: ${error.message}`;
      faults.push(fault);
      if (!isLocal(error) && blame(backend, failures, clock.now())) {
        log.warning(`cannot reach ${fault}; it is tried last for a while`);
      }
    }
    last = backend;
    untried = untried.filter((candidate) => candidate !== choice);
  }
  const detail = [...faults, ...pool.unresolved].join("; ");
  return { kind: "failed", detail, ...last && { backend: last } };
}

/** Ends the count of a connection that {@linkcode dial} made. */
export function release(backend: Backend): void {
  backend.active--;
}

/**
 * What the balancer chooses of the candidates that are up, or of all if none is.
 * @param candidates Not empty.
 * @param now `Clock.now()`, ms.
 */
export function choose(
  balance: Balance,
  candidates: readonly Candidate[],
  client: Client,
  now: number,
): Candidate {
  for (const { backend } of candidates) {
    if (backend.downUntil > now) {
      const up = candidates.filter(({ backend }) => backend.downUntil <= now);
      return balance(up.length > 0 ? up : candidates, client);
    }
  }
  return balance(candidates, client);
}

/** Whether an attempt failed because sluice's own system ran out of something, which says nothing of the backend. */
export function isLocal({ code }: NetError): boolean {
  return code === "exhausted" || code === "unavailable";
}

/**
 * Counts a failure; says whether it is the first one.
 * @param before The backend's failures when the attempt began: of attempts that were under way together only one counts.
 */
export function blame(backend: Backend, before: number, now: number): boolean {
  if (backend.failures !== before) return false;
  backend.failures++;
  backend.downUntil = now + Math.min(FIRST_DOWN * 2 ** (backend.failures - 1), LONGEST_DOWN);
  return before === 0;
}
