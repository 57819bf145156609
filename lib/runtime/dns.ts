/**
 * The system's way from host names to addresses, by the names that every runtime has.
 *
 * @module
 */
import type { Lookup } from "../resolver.ts";

/** What gives times to live (s), which the system's own lookup does not: the name servers. */
export interface TtlSource {
  resolve4(name: string, options: { ttl: true }): Promise<ReadonlyArray<{ ttl: number }>>;
  resolve6(name: string, options: { ttl: true }): Promise<ReadonlyArray<{ ttl: number }>>;
}

/** How long a name server may take to give them, ms. */
const TTL_TIMEOUT = 1_000;
/**
 * Most lookups under way at once. While the name servers are silent each holds one of the runtime's threads, of which
 * Deno has 32, and without one no log is written and no file is read.
 */
const MOST_AT_ONCE = 16;

/**
 * Looks names up as every program of the system does, `/etc/hosts` and search domains included, and asks the
 * name servers for the times to live afterwards, when they have the answer at hand. Of several the shortest counts.
 */
export function systemLookup(ttls?: TtlSource): Lookup {
  return inTurn(MOST_AT_ONCE, async (name) => {
    // Loaded with the first name: most backends are addresses, and it takes time.
    const { lookup, Resolver } = await import("node:dns/promises");
    ttls ??= new Resolver({ timeout: TTL_TIMEOUT, tries: 1 });
    const found = await lookup(name, { all: true });
    return { addresses: found.map(({ address }) => address), ttl: shortestTtl(ttls, name) };
  });
}

/** Lets so many lookups be under way at once, and the next one begin when one of them has settled. */
export function inTurn(most: number, lookup: Lookup): Lookup {
  let underWay = 0;
  const waiting: Array<() => void> = [];
  return async (name) => {
    if (underWay < most) underWay++;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      return await lookup(name);
    } finally {
      const next = waiting.shift();
      if (next === undefined) underWay--;
      else next();
    }
  };
}

/** ms; 0 if no name server knows the name, as those of `/etc/hosts`. */
async function shortestTtl(ttls: TtlSource, name: string): Promise<number> {
  const answers = await Promise.allSettled([
    ttls.resolve4(name, { ttl: true }),
    ttls.resolve6(name, { ttl: true }),
  ]);
  const seconds = answers
    .flatMap((answer) => answer.status === "fulfilled" ? answer.value : [])
    .map(({ ttl }) => ttl);
  return seconds.length === 0 ? 0 : Math.min(...seconds) * 1000;
}
