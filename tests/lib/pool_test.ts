import assert from "node:assert/strict";
import { formatAddress, parseHostPort } from "../../lib/addr.ts";
import type { Candidate } from "../../lib/balancing/mod.ts";
import type { Algorithm, Pool } from "../../lib/config/config.ts";
import { Pools } from "../../lib/pool.ts";
import { Resolver } from "../../lib/resolver.ts";
import { ManualClock } from "../support/clock.ts";

/** Pools over names that the test sets; a name without addresses cannot be resolved, `pending` names hang. */
function setUp() {
  const clock = new ManualClock();
  const names = new Map<string, string[]>();
  const pending = new Set<string>();
  const lookup = (name: string) => {
    if (pending.has(name)) return new Promise<never>(() => {});
    const addresses = names.get(name);
    return addresses === undefined
      ? Promise.reject(new Error("ENOTFOUND"))
      : Promise.resolve({ addresses, ttl: Promise.resolve(60_000) });
  };
  const resolver = new Resolver(lookup, clock, { minTtl: 0, maxTtl: 3_600_000 }, {
    info: () => {},
    warning: () => {},
  });
  return { clock, names, pending, pools: new Pools(resolver, Math.random) };
}

/** A pool of `host:port` or `host:port*weight`. */
function poolOf(targets: string[], algorithm: Algorithm = "round_robin"): Pool {
  return {
    algorithm,
    targets: targets.map((text) => {
      const [hostPort = "", weight = "1"] = text.split("*");
      return { ...parseHostPort(hostPort), weight: Number(weight) };
    }),
  };
}

/** Candidates as {@linkcode poolOf} takes them. */
function written(candidates: readonly Candidate[]): string[] {
  return candidates.map(({ backend, weight }) =>
    formatAddress(backend) + (weight === 1 ? "" : `*${weight}`)
  );
}

/** Everything that promises have to do without the clock is done. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** What is there without waiting. */
function atOnce(candidates: readonly Candidate[] | Promise<readonly Candidate[]>) {
  assert.ok(!(candidates instanceof Promise), "it waits");
  return candidates;
}

Deno.test("addresses are candidates at once, in the order of the file, and always the same list", () => {
  const { pools } = setUp();
  const live = pools.get(poolOf(["10.0.0.2:80", "[2001:db8::1]:80*3", "10.0.0.1:80"]));
  const candidates = atOnce(live.candidates());
  assert.deepEqual(written(candidates), ["10.0.0.2:80", "[2001:db8::1]:80*3", "10.0.0.1:80"]);
  assert.equal(live.candidates(), candidates);
});

Deno.test("a host name is as many backends as it has addresses, each with its weight", async () => {
  const { names, pools } = setUp();
  names.set("db.test", ["2001:db8::1", "10.0.0.9", "10.0.0.8"]);
  const live = pools.get(poolOf(["10.0.0.1:80", "db.test:90*2"]));
  const expected = ["10.0.0.1:80", "10.0.0.8:90*2", "10.0.0.9:90*2", "[2001:db8::1]:90*2"];
  const candidates = await live.candidates();
  assert.deepEqual(written(candidates), expected);
  assert.equal(live.candidates(), candidates, "from now on the same list without waiting");
});

Deno.test("names are looked up before the first connection", async () => {
  const { names, pools } = setUp();
  names.set("db.test", ["10.0.0.1"]);
  const live = pools.get(poolOf(["db.test:80"]));
  await settled();
  assert.deepEqual(written(atOnce(live.candidates())), ["10.0.0.1:80"]);
});

Deno.test("an address that two targets lead to is one backend with the share of both", async () => {
  const { names, pools } = setUp();
  names.set("a.test", ["10.0.0.1"]);
  names.set("b.test", ["10.0.0.1", "10.0.0.2"]);
  const live = pools.get(poolOf(["a.test:80*2", "b.test:80", "10.0.0.2:81"]));
  assert.deepEqual(written(await live.candidates()), [
    "10.0.0.1:80*3",
    "10.0.0.2:80",
    "10.0.0.2:81",
  ]);
});

Deno.test("candidates follow what a name resolves to, and backends that stay keep their counts", async () => {
  const { clock, names, pools } = setUp();
  names.set("db.test", ["10.0.0.1", "10.0.0.2"]);
  const live = pools.get(poolOf(["db.test:80"]));
  const [, stays] = await live.candidates();
  assert.ok(stays);
  stays.backend.active = 7;
  names.set("db.test", ["10.0.0.2", "10.0.0.3"]);
  clock.advance(3_600_000);
  const candidates = await live.candidates();
  assert.deepEqual(written(candidates), ["10.0.0.2:80", "10.0.0.3:80"]);
  assert.equal(candidates[0]?.backend, stays.backend);
});

Deno.test("a name that cannot be resolved leaves the others, and says why", async () => {
  const { names, pools } = setUp();
  names.set("a.test", ["10.0.0.1"]);
  const live = pools.get(poolOf(["a.test:80", "gone.test:80"]));
  assert.deepEqual(written(await live.candidates()), ["10.0.0.1:80"]);
  assert.deepEqual(live.unresolved, ["gone.test could not be resolved: ENOTFOUND"]);
});

Deno.test("a pool in which nothing could be resolved has no candidates", async () => {
  const { pools } = setUp();
  const live = pools.get(poolOf(["gone.test:80"]));
  assert.deepEqual(await live.candidates(), []);
  assert.equal(live.unresolved.length, 1);
});

Deno.test("a name that failed is not waited for again, unless there is nothing else", async () => {
  const { clock, names, pending, pools } = setUp();
  names.set("a.test", ["10.0.0.1"]);
  const mixed = pools.get(poolOf(["a.test:80", "gone.test:80"]));
  const alone = pools.get(poolOf(["gone.test:80"]));
  await mixed.candidates();
  await alone.candidates();
  pending.add("gone.test");
  clock.advance(5_000);
  assert.deepEqual(written(atOnce(mixed.candidates())), ["10.0.0.1:80"]);
  const waiting = alone.candidates();
  assert.ok(waiting instanceof Promise);
  clock.advance(5_000);
  assert.deepEqual(await waiting, []);
});

Deno.test("a name that failed joins the others once it is found", async () => {
  const { clock, names, pools } = setUp();
  names.set("a.test", ["10.0.0.1"]);
  const live = pools.get(poolOf(["a.test:80", "late.test:80"]));
  await live.candidates();
  names.set("late.test", ["10.0.0.2"]);
  clock.advance(5_000);
  atOnce(live.candidates());
  await settled();
  assert.deepEqual(written(atOnce(live.candidates())), ["10.0.0.1:80", "10.0.0.2:80"]);
  assert.deepEqual(live.unresolved, []);
});

Deno.test("an equal pool is the same one after a reload, turns and all", () => {
  const { pools } = setUp();
  const live = pools.get(poolOf(["10.0.0.1:80", "10.0.0.2:80"]));
  pools.retain([poolOf(["10.0.0.1:80", "10.0.0.2:80"])]);
  assert.equal(pools.get(poolOf(["10.0.0.1:80", "10.0.0.2:80"])), live);
});

Deno.test("pools differ by targets, their order, weights and algorithm", () => {
  const { pools } = setUp();
  const lives = [
    poolOf(["10.0.0.1:80", "10.0.0.2:80"]),
    poolOf(["10.0.0.2:80", "10.0.0.1:80"]),
    poolOf(["10.0.0.1:80", "10.0.0.2:80*2"]),
    poolOf(["10.0.0.1:80", "10.0.0.2:80"], "random"),
  ].map((pool) => pools.get(pool));
  assert.equal(new Set(lives).size, 4);
});

Deno.test("a pool that no configuration names is forgotten", () => {
  const { pools } = setUp();
  const gone = pools.get(poolOf(["10.0.0.1:80"]));
  pools.get(poolOf(["10.0.0.2:80"]));
  pools.retain([poolOf(["10.0.0.2:80"])]);
  assert.notEqual(pools.get(poolOf(["10.0.0.1:80"])), gone);
});

Deno.test("an address is one backend in all pools, before and after a reload", () => {
  const { pools } = setUp();
  const [here] = atOnce(pools.get(poolOf(["10.0.0.1:80"])).candidates());
  const changed = poolOf(["10.0.0.9:80", "10.0.0.1:80*5"], "least_connections");
  const [, there] = atOnce(pools.get(changed).candidates());
  pools.retain([changed]);
  assert.ok(here !== undefined && here.backend === there?.backend);
  assert.deepEqual([here.weight, there.weight], [1, 5]);
});
