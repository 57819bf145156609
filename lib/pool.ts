/**
 * Pools in use: what the configuration names, as the backends that are there now.
 *
 * @module
 */
import { formatAddress, parseIp } from "./addr.ts";
import { Backend, type Balance, balancers, type Candidate } from "./balancing/mod.ts";
import type { Pool, Route, Target } from "./config/config.ts";
import { Count } from "./count.ts";
import type { Resolved, Resolver } from "./resolver.ts";

/**
 * The pools of the running configuration. Those that a reload leaves equal live on with all they know, and so
 * does every backend that is still in some pool or has a connection open.
 */
export class Pools {
  readonly #resolver: Resolver;
  readonly #random: () => number;
  readonly #backends: Backends;
  readonly #pools = new Map<string, LivePool>();

  /**
   * @param random Gives numbers in [0, 1).
   * @param countOf Gives the count of an address's connections or flows.
   */
  constructor(
    resolver: Resolver,
    random: () => number,
    countOf = (address: string) => new Count(address, undefined),
  ) {
    this.#resolver = resolver;
    this.#backends = new Backends(countOf);
    this.#random = random;
  }

  /** The live pool of `pool`; the same one for an equal pool. For when the configuration is applied, not per connection. */
  get(pool: Pool): LivePool {
    const key = keyOf(pool);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const balance = balancers[pool.algorithm](this.#random);
    const live = new LivePool(pool.targets, balance, this.#resolver, this.#backends);
    // Names are looked up right away, so that the first connection need not wait for them.
    void live.candidates();
    this.#pools.set(key, live);
    return live;
  }

  /** The live pools of those of `routes` that forward. */
  of<AnyRoute extends Route>(routes: readonly AnyRoute[]): ReadonlyMap<AnyRoute, LivePool> {
    return new Map(
      routes.flatMap((route) =>
        route.action.kind === "forward" ? [[route, this.get(route.action.pool)]] : []
      ),
    );
  }

  /** Every backend that is in some pool now, once. */
  get backends(): ReadonlySet<Backend> {
    const pools = [...this.#pools.values()];
    return new Set(pools.flatMap(({ known }) => known.map(({ backend }) => backend)));
  }

  /**
   * Forgets every pool that is equal to none of these. To be called after a reload, when the new pools have been
   * got: then what is known of a backend has passed to them.
   */
  retain(pools: Iterable<Pool>): void {
    const keys = new Set(Array.from(pools, keyOf));
    for (const key of this.#pools.keys()) {
      if (!keys.has(key)) this.#pools.delete(key);
    }
  }
}

/** The pools that `routes` forward to. */
export function poolsOf(routes: readonly Route[]): readonly Pool[] {
  return routes.flatMap(({ action }) => action.kind === "forward" ? [action.pool] : []);
}

function keyOf({ algorithm, targets }: Pool): string {
  return JSON.stringify([algorithm, targets.map(({ host, port, weight }) => [host, port, weight])]);
}

/** One pool, its host names followed to where they lead now. */
export class LivePool {
  readonly balance: Balance;
  readonly #targets: readonly Target[];
  readonly #names: readonly FollowedName[];
  readonly #resolver: Resolver;
  readonly #backends: Backends;
  #candidates: readonly Candidate[] = [];
  #unresolved: readonly string[] = [];

  constructor(
    targets: readonly Target[],
    balance: Balance,
    resolver: Resolver,
    backends: Backends,
  ) {
    this.#targets = targets;
    this.balance = balance;
    this.#resolver = resolver;
    this.#backends = backends;
    const names = targets.map(({ host }) => host).filter((host) => parseIp(host) === undefined);
    this.#names = [...new Set(names)].map((name) => ({ name, answer: undefined }));
    if (names.length === 0) this.#fill();
  }

  /** The backends as they were found last; {@linkcode candidates} also sees to it that they are still the right ones. */
  get known(): readonly Candidate[] {
    return this.#candidates;
  }

  /** Why some names gave no candidates, a sentence each. */
  get unresolved(): readonly string[] {
    return this.#unresolved;
  }

  /**
   * The backends to choose from, in the order of the file and without repetition; none if no name could be
   * resolved. A promise only while there is a name to wait for; never rejects.
   */
  candidates(): readonly Candidate[] | Promise<readonly Candidate[]> {
    for (const followed of this.#names) {
      if (this.#resolve(followed) !== followed.answer) return this.#follow();
    }
    return this.#candidates;
  }

  /** A name that failed is not waited for again while there are others to choose from. */
  #resolve({ name, answer }: FollowedName): Resolved | Promise<Resolved> {
    const next = this.#resolver.resolve(name);
    const failed = answer?.failure !== undefined;
    return failed && next instanceof Promise && this.#candidates.length > 0 ? answer : next;
  }

  #follow(): readonly Candidate[] | Promise<readonly Candidate[]> {
    const answers = this.#names.map((followed) => this.#resolve(followed));
    return answers.every((answer): answer is Resolved => !(answer instanceof Promise))
      ? this.#fill(answers)
      : Promise.all(answers).then((answers) => this.#fill(answers));
  }

  /** @param answers For each name, in turn. */
  #fill(answers: readonly Resolved[] = []): readonly Candidate[] {
    this.#names.forEach((followed, i) => followed.answer = answers[i]);
    this.#unresolved = answers.flatMap(({ failure }) => failure ?? []);
    const addresses = new Map(this.#names.map(({ name, answer }) => [name, answer?.addresses]));
    const weights = new Map<Backend, number>();
    for (const { host, port, weight } of this.#targets) {
      for (const address of addresses.get(host) ?? [host]) {
        const backend = this.#backends.at(address, port);
        // Where two targets lead to one address it gets the share of both.
        weights.set(backend, (weights.get(backend) ?? 0) + weight);
      }
    }
    return this.#candidates = Array.from(weights, ([backend, weight]) => ({ backend, weight }));
  }
}

/** A host name of a pool, and the answer from which its candidates were made. */
interface FollowedName {
  readonly name: string;
  answer: Resolved | undefined;
}

/**
 * One object for each address, for as long as somebody holds it: a pool, or an open connection. So DNS may
 * take an address away and bring it back without its connections being lost count of.
 */
class Backends {
  readonly #countOf: (address: string) => Count;
  readonly #byAddress = new Map<string, WeakRef<Backend>>();
  readonly #forget = new FinalizationRegistry<string>((key) => {
    // Meanwhile there may be a new object for the address.
    if (this.#byAddress.get(key)?.deref() === undefined) this.#byAddress.delete(key);
  });

  constructor(countOf: (address: string) => Count) {
    this.#countOf = countOf;
  }

  at(address: string, port: number): Backend {
    const key = formatAddress({ address, port });
    const known = this.#byAddress.get(key)?.deref();
    if (known !== undefined) return known;
    const backend = new Backend(address, port, this.#countOf(key));
    this.#byAddress.set(key, new WeakRef(backend));
    this.#forget.register(backend, key);
    return backend;
  }
}
