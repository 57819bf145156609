import assert from "node:assert/strict";
import { type Answer, type Resolved, Resolver } from "../../lib/resolver.ts";
import { ManualClock } from "../support/clock.ts";

/** A resolver whose lookups the test answers itself. */
function setUp() {
  const clock = new ManualClock();
  const lookups: Array<{ name: string } & PromiseWithResolvers<Answer>> = [];
  const lookup = (name: string) => {
    const asked = { name, ...Promise.withResolvers<Answer>() };
    lookups.push(asked);
    return asked.promise;
  };
  const lines: string[] = [];
  const resolver = new Resolver(lookup, clock, { minTtl: 30_000, maxTtl: 3_600_000 }, {
    info: (line) => void lines.push(`info: ${line}`),
    warning: (line) => void lines.push(`warning: ${line}`),
  });
  const last = () => lookups.at(-1)!;
  return {
    clock,
    /** What was logged. */
    lines,
    lookups,
    resolver,
    /** Answers the last lookup. */
    answer: async (addresses: string[], ttl = 60_000) => {
      last().resolve({ addresses, ttl: Promise.resolve(ttl) });
      await settled();
    },
    fail: async (message = "ENOTFOUND", code?: string) => {
      last().reject(Object.assign(new Error(message), { code }));
      await settled();
    },
    /** Resolves `name` to begin with. */
    known: async (name: string, addresses: string[], ttl = 60_000) => {
      resolver.resolve(name);
      last().resolve({ addresses, ttl: Promise.resolve(ttl) });
      await settled();
    },
  };
}

/** Everything that promises have to do without the clock is done. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** What is resolved without waiting. */
function atOnce(resolved: Resolved | Promise<Resolved>): readonly string[] {
  assert.ok(!(resolved instanceof Promise), "it waits");
  return resolved.addresses;
}

Deno.test("a name is looked up once and answered from memory until its time is over", async () => {
  const { clock, lookups, resolver, answer } = setUp();
  const first = resolver.resolve("db.test");
  assert.ok(first instanceof Promise);
  await answer(["10.0.0.1"]);
  assert.deepEqual(await first, { addresses: ["10.0.0.1"] });
  clock.advance(59_999);
  assert.equal(resolver.resolve("db.test"), await first);
  assert.equal(lookups.length, 1);
  clock.advance(1);
  resolver.resolve("db.test");
  assert.equal(lookups.length, 2);
});

Deno.test("the time to live is kept within the bounds, also when they change", async () => {
  const { clock, lookups, resolver, known } = setUp();
  await known("short.test", ["10.0.0.1"], 1_000);
  await known("long.test", ["10.0.0.2"], 86_400_000);
  clock.advance(29_999);
  atOnce(resolver.resolve("short.test"));
  assert.equal(lookups.length, 2);
  resolver.setBounds({ minTtl: 0, maxTtl: 20_000 });
  atOnce(resolver.resolve("short.test"));
  atOnce(resolver.resolve("long.test"));
  assert.deepEqual(lookups.slice(2).map(({ name }) => name), ["short.test", "long.test"]);
});

Deno.test("addresses are there before their time to live is", async () => {
  const { clock, lookups, resolver } = setUp();
  const ttl = Promise.withResolvers<number>();
  const first = resolver.resolve("db.test");
  lookups[0]!.resolve({ addresses: ["10.0.0.1"], ttl: ttl.promise });
  assert.deepEqual((await first).addresses, ["10.0.0.1"]);
  ttl.resolve(60_000);
  await settled();
  clock.advance(59_999);
  resolver.resolve("db.test");
  assert.equal(lookups.length, 1);
});

Deno.test("connections that arrive together share one lookup", async () => {
  const { lookups, resolver, answer } = setUp();
  const waiting = [resolver.resolve("db.test"), resolver.resolve("db.test")];
  assert.equal(lookups.length, 1);
  await answer(["10.0.0.1"]);
  const [one, other] = await Promise.all(waiting);
  assert.equal(one, other);
});

Deno.test("a little after its time an answer serves until the next one is there", async () => {
  const { clock, lookups, resolver, known, answer } = setUp();
  await known("db.test", ["10.0.0.1"]);
  clock.advance(60_000);
  assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.1"]);
  assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.1"]);
  assert.equal(lookups.length, 2);
  await answer(["10.0.0.9"]);
  assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.9"]);
});

Deno.test("long after its time an answer serves only if there is no new one", async () => {
  const { clock, resolver, known, answer, fail } = setUp();
  await known("db.test", ["10.0.0.1"]);
  clock.advance(10 * 3_600_000);
  const waiting = resolver.resolve("db.test");
  assert.ok(waiting instanceof Promise);
  await answer(["10.0.0.9"]);
  assert.deepEqual((await waiting).addresses, ["10.0.0.9"]);

  clock.advance(10 * 3_600_000);
  const stale = resolver.resolve("db.test");
  await fail();
  assert.deepEqual((await stale).addresses, ["10.0.0.9"]);
});

Deno.test("while lookups fail the old answer serves without waiting", async () => {
  const { clock, lookups, resolver, known, fail, answer } = setUp();
  await known("db.test", ["10.0.0.1"]);
  clock.advance(60_000);
  for (let failed = 1; failed <= 20; failed++) {
    assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.1"]);
    assert.equal(lookups.length, 1 + failed);
    await fail();
    clock.advance(4_999);
    assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.1"]);
    assert.equal(lookups.length, 1 + failed);
    clock.advance(1);
  }
  clock.advance(10 * 3_600_000);
  assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.1"]);
  await answer(["10.0.0.2"]);
  clock.advance(59_999);
  assert.deepEqual(atOnce(resolver.resolve("db.test")), ["10.0.0.2"]);
  assert.equal(lookups.length, 22, "and then it is kept for its time again");
});

Deno.test("a name without an answer is not asked for again for five seconds, and says why", async () => {
  const { clock, lookups, resolver, fail, answer } = setUp();
  const first = resolver.resolve("nowhere.test");
  await fail("getaddrinfo ENOTFOUND nowhere.test", "ENOTFOUND");
  assert.deepEqual(await first, {
    addresses: [],
    failure: "nowhere.test could not be resolved: no such name, or no answer from the name servers",
  });
  clock.advance(4_999);
  assert.deepEqual(atOnce(resolver.resolve("nowhere.test")), []);
  assert.equal(lookups.length, 1);
  clock.advance(1);
  const second = resolver.resolve("nowhere.test");
  await answer(["10.0.0.1"]);
  assert.deepEqual(await second, { addresses: ["10.0.0.1"] });
});

Deno.test("an answer without an address is a failure", async () => {
  const { resolver, answer } = setUp();
  const first = resolver.resolve("empty.test");
  await answer(["not an address", "fe80::1%eth0"]);
  const { addresses, failure } = await first;
  assert.deepEqual(addresses, []);
  assert.match(failure ?? "", /^empty\.test .*no address/);
});

Deno.test("nobody waits longer than five seconds, and a late answer still counts", async () => {
  const { clock, lookups, resolver, answer } = setUp();
  const first = resolver.resolve("slow.test");
  clock.advance(5_000);
  assert.match((await first).failure ?? "", /^slow\.test .*no answer within 5000 ms/);
  clock.advance(60_000);
  // The lookup is still under way: there is nothing else to wait for.
  assert.deepEqual((await resolver.resolve("slow.test")).addresses, []);
  assert.equal(lookups.length, 1);
  await answer(["10.0.0.1"]);
  assert.deepEqual(atOnce(resolver.resolve("slow.test")), ["10.0.0.1"]);
  assert.equal(clock.pending, 0);
});

Deno.test("the order of addresses is the same whatever DNS makes of it", async () => {
  const { clock, resolver, known, answer } = setUp();
  const order = ["9.0.0.1", "10.0.0.1", "10.0.0.20", "2001:db8::1", "2001:db8::10"];
  await known("db.test", ["10.0.0.20", "2001:DB8:0::10", "10.0.0.1", "2001:db8::1", "9.0.0.1"]);
  const first = resolver.resolve("db.test");
  assert.deepEqual(atOnce(first), order);
  clock.advance(60_000);
  resolver.resolve("db.test");
  await answer(["::ffff:10.0.0.1", ...order.toReversed()]);
  assert.equal(resolver.resolve("db.test"), first, "the same object, since nothing changed");
});

Deno.test("of a thousand addresses of a name the first 256 count", async () => {
  const { resolver, known } = setUp();
  const addresses = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  await known("many.test", addresses.toReversed());
  assert.deepEqual(atOnce(resolver.resolve("many.test")), addresses.slice(0, 256));
});

Deno.test("beyond 16384 names the one that was not used for longest is forgotten", async () => {
  const { clock, lookups, resolver, known } = setUp();
  for (let i = 0; i < 16_384; i++) {
    clock.advance(1);
    await known(`host${i}.test`, ["10.0.0.1"]);
  }
  clock.advance(1);
  resolver.resolve("host0.test");
  await known("one.more.test", ["10.0.0.1"]);
  assert.equal(lookups.length, 16_385);
  atOnce(resolver.resolve("host0.test"));
  assert.ok(resolver.resolve("host1.test") instanceof Promise);
});

Deno.test("the log has one line when a name cannot be resolved any more, and one when it can again", async () => {
  const { clock, lines, resolver, known, fail, answer } = setUp();
  await known("a.test", ["10.0.0.1"]);
  for (let i = 0; i < 3; i++) {
    clock.advance(60_000);
    resolver.resolve("a.test");
    await fail("no route");
  }
  assert.deepEqual(lines.splice(0), [
    "warning: a.test could not be resolved: no route; its last addresses are used",
  ]);
  clock.advance(60_000);
  resolver.resolve("a.test");
  await answer(["10.0.0.1"]);
  assert.deepEqual(lines.splice(0), ["info: a.test can be resolved again"]);
});

Deno.test("a name that was never resolved is told of at once, and a late answer too", async () => {
  const { clock, lines, resolver, answer } = setUp();
  const waiting = resolver.resolve("slow.test");
  clock.advance(5_000);
  await waiting;
  await answer(["10.0.0.1"]);
  assert.deepEqual(lines, [
    "warning: slow.test could not be resolved: no answer within 5000 ms",
    "info: slow.test can be resolved again",
  ]);
});
