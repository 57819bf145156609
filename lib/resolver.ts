/**
 * Host names to addresses, remembered for as long as DNS allows. A name that was known once stays known: while
 * the system's resolver fails, connections go to the addresses of before.
 *
 * @module
 */
import { formatIp, type Ip, parseIp } from "./addr.ts";
import type { Log } from "./log.ts";
import type { Clock } from "./runtime/runtime.ts";
import { systemReason } from "./system_error.ts";

/** Asks the system for the addresses of a host name. Settles some time; rejects when there is no answer. */
export type Lookup = (name: string) => Promise<Answer>;

export interface Answer {
  /** IP addresses of both families, in any order. */
  readonly addresses: readonly string[];
  /** How long they hold, ms; 0 when it cannot be told. Apart from them, since nobody has to wait for it; never rejects. */
  readonly ttl: Promise<number>;
}

/** Bounds on how long an answer is kept, ms. */
export interface TtlBounds {
  readonly minTtl: number;
  readonly maxTtl: number;
}

/** What is known of a name. The same object for as long as it says the same. */
export interface Resolved {
  /** In canonical form, IPv4 first, each family ascending: DNS rotates its answers, but balancing wants one order. */
  readonly addresses: readonly string[];
  /** Why there are none. */
  readonly failure?: string;
}

/**
 * Most names that are remembered; beyond them the least recently used are forgotten. Far more than a configuration
 * has, because a pool whose names do not all fit would look them up anew for every connection.
 */
const MAX_NAMES = 16_384;
/** Most addresses of one name; the rest of the answer is passed over. */
const MAX_ADDRESSES = 256;
/** How long a name that could not be resolved is not asked for again, ms. */
const NEGATIVE_TTL = 5_000;
/** How long connections wait for an answer, ms. One that comes later still serves those that come after it. */
const LOOKUP_TIMEOUT = 5_000;
/**
 * How long after its time an answer is good enough for who would have to wait for the next one, ms. After longer
 * silence, a night say, the backends may well have moved.
 */
const GRACE = 30_000;

/** A cache of names with one lookup under way for each. */
export class Resolver {
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #log: Pick<Log, "info" | "warning">;
  #bounds: TtlBounds;
  readonly #names = new Map<string, Name>();

  /** @param log Told when a name cannot be resolved any more, and when it can again. */
  constructor(
    lookup: Lookup,
    clock: Clock,
    bounds: TtlBounds,
    log: Pick<Log, "info" | "warning">,
  ) {
    this.#lookup = lookup;
    this.#clock = clock;
    this.#log = log;
    this.#bounds = bounds;
  }

  /** Sets the bounds anew, for what is known already too. */
  setBounds(bounds: TtlBounds): void {
    this.#bounds = bounds;
  }

  /**
   * The addresses of a host name: at once when they are known, even if a little old while the next answer is
   * under way. Never rejects: what could not be resolved has no addresses.
   */
  resolve(name: string): Resolved | Promise<Resolved> {
    const now = this.#clock.now();
    const known = this.#names.get(name) ?? this.#add(name);
    known.used = now;
    const { resolved } = known;
    if (resolved === undefined) return known.query ?? this.#query(name, known);
    const expires = known.since + this.#lifetime(known);
    if (now < expires) return resolved;
    const query = known.query ?? this.#query(name, known);
    const serves = resolved.addresses.length > 0 && (known.failed || now < expires + GRACE);
    return serves ? resolved : query;
  }

  #add(name: string): Name {
    if (this.#names.size >= MAX_NAMES) {
      const [oldest] = [...this.#names].reduce((a, b) => b[1].used < a[1].used ? b : a);
      this.#names.delete(oldest);
    }
    const added = new Name();
    this.#names.set(name, added);
    return added;
  }

  #lifetime({ failed, ttl }: Name): number {
    if (failed) return NEGATIVE_TTL;
    return Math.min(Math.max(ttl.ms, this.#bounds.minTtl), this.#bounds.maxTtl);
  }

  /** Asks, and answers in time, if only with what was known before. */
  #query(name: string, known: Name): Promise<Resolved> {
    const { promise, resolve } = Promise.withResolvers<Resolved>();
    const fail = (why: string) => {
      const failure = `${name} could not be resolved: ${why}`;
      const serves = known.resolved !== undefined && known.resolved.addresses.length > 0;
      if (!known.failed) {
        this.#log.warning(serves ? `${failure}; its last addresses are used` : failure);
      }
      return known.fail(failure, this.#clock.now());
    };
    const learn = (answer: Answer) => {
      const wasFailing = known.failed;
      const resolved = known.learn(answer, this.#clock.now());
      if (wasFailing && resolved !== undefined) this.#log.info(`${name} can be resolved again`);
      return resolved ?? fail("it has no address");
    };
    const limit = this.#clock.setTimer(
      () => resolve(fail(`no answer within ${LOOKUP_TIMEOUT} ms`)),
      LOOKUP_TIMEOUT,
    );
    // Stays until the lookup settles: a second one would not be answered any sooner.
    known.query = promise;
    this.#lookup(name)
      .then(learn, (error) => fail(systemReason(error)))
      .then((resolved) => {
        limit.cancel();
        known.query = undefined;
        resolve(resolved);
      });
    return promise;
  }
}

/** A name's entry in the cache. */
class Name {
  /** Absent until the first lookup has come to an end. */
  resolved: Resolved | undefined;
  /** Whether the last lookup failed; `resolved` is then older than `since`. */
  failed = false;
  /** When the last lookup came to an end, and when the name was last asked for (`Clock.now()`, ms). */
  since = 0;
  used = 0;
  /** Of the last answer; filled in when it comes. */
  ttl = { ms: 0 };
  /** The lookup that is under way. */
  query: Promise<Resolved> | undefined;

  /** @returns `undefined` if there is not one address in the answer. */
  learn(answer: Answer, now: number): Resolved | undefined {
    const addresses = inOrder(answer.addresses);
    if (addresses.length === 0) return undefined;
    const ttl = this.ttl = { ms: 0 };
    answer.ttl.then((ms) => ttl.ms = ms);
    this.failed = false;
    this.since = now;
    if (String(this.resolved?.addresses) !== String(addresses)) this.resolved = { addresses };
    return this.resolved;
  }

  fail(failure: string, now: number): Resolved {
    this.failed = true;
    this.since = now;
    if (this.resolved === undefined || this.resolved.addresses.length === 0) {
      this.resolved = { addresses: [], failure };
    }
    return this.resolved;
  }
}

/** Addresses in canonical form and in the order of {@linkcode Resolved}, each once. */
function inOrder(addresses: readonly string[]): string[] {
  const ips = addresses.map(parseIp).filter((ip) => ip !== undefined).sort(compare);
  return [...new Set(ips.map(formatIp))].slice(0, MAX_ADDRESSES);
}

function compare(a: Ip, b: Ip): number {
  return a.family - b.family || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0);
}
