import assert from "node:assert/strict";
import fc from "fast-check";
import { Backend, balancers, type Candidate } from "../../../lib/balancing/mod.ts";
import type { Algorithm } from "../../../lib/config/config.ts";

const client = { address: "192.0.2.1", port: 50_000 };
const algorithms = Object.keys(balancers) as Algorithm[];

const candidates = (...weights: number[]): Candidate[] =>
  weights.map((weight, i) => ({ backend: new Backend("10.0.0.1", i + 1), weight }));

/** Numbers in [0, 1) that are the same in every run: the linear congruential generator of C's drand48. */
function seeded(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = state * 0x5deece66dn + 0xbn & 0xffff_ffff_ffffn;
    return Number(state) / 2 ** 48;
  };
}

/** How often each of `from` was chosen in `turns`. */
function tally(balance: () => Candidate, from: readonly Candidate[], turns: number): number[] {
  const counts = from.map(() => 0);
  for (let i = 0; i < turns; i++) counts[from.indexOf(balance())]!++;
  return counts;
}

Deno.test("every algorithm chooses one of the candidates that it is given", () => {
  assert.equal(algorithms.length, 8);
  const all = candidates(1, 2, 3, 1, 5);
  for (const algorithm of algorithms) {
    const balance = balancers[algorithm](seeded(1));
    fc.assert(fc.property(fc.subarray(all, { minLength: 1 }), (some) => {
      const chosen = balance(some, client);
      assert.ok(some.includes(chosen), algorithm);
      chosen.backend.active++;
    }));
  }
});

Deno.test("none chooses the first", () => {
  const all = candidates(1, 9);
  const balance = balancers.none(seeded(1));
  assert.equal(balance(all, client), all[0]);
  assert.equal(balance(all.slice(1), client), all[1]);
});

Deno.test("source_ip keeps a client together, source_socket spreads its connections", () => {
  const all = candidates(1, 1, 1, 1);
  const chosen = (algorithm: Algorithm) => {
    const balance = balancers[algorithm](seeded(1));
    const ports = Array.from({ length: 64 }, (_, i) => 40_000 + i);
    return new Set(ports.map((port) => balance(all, { ...client, port }))).size;
  };
  assert.equal(chosen("source_ip"), 1);
  assert.equal(chosen("source_socket"), 4);
});

Deno.test("random honours the weights", () => {
  const all = candidates(1, 2, 7);
  const balance = balancers.random(seeded(2));
  const [one, two, seven] = tally(() => balance(all, client), all, 10_000);
  // Five standard deviations, of 30, 40 and 46.
  assert.ok(Math.abs(one! - 1000) < 150, `${one}`);
  assert.ok(Math.abs(two! - 2000) < 200, `${two}`);
  assert.ok(Math.abs(seven! - 7000) < 230, `${seven}`);
});

Deno.test("round_robin takes turns by weight and spreads them evenly", () => {
  const all = candidates(5, 1, 1);
  const balance = balancers.round_robin(seeded(1));
  const turns = Array.from({ length: 14 }, () => all.indexOf(balance(all, client)));
  assert.deepEqual(turns, [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
});

Deno.test("round_robin keeps the shares of those that are left when one goes and comes back", () => {
  const all = candidates(2, 1, 1);
  const balance = balancers.round_robin(seeded(1));
  const rest = all.slice(0, 2);
  const counts = [tally(() => balance(all, client), all, 41)];
  counts.push(tally(() => balance(rest, client), rest, 300));
  counts.push(tally(() => balance(all, client), all, 400));
  const [, [two, one] = [], [half, ...quarters] = []] = counts;
  assert.ok(Math.abs(two! - 200) <= 2 && Math.abs(one! - 100) <= 2, String(counts));
  assert.ok(Math.abs(half! - 200) <= 2, String(counts));
  for (const quarter of quarters) assert.ok(Math.abs(quarter - 100) <= 2, String(counts));
});

Deno.test("least_connections chooses the fewest connections for the weight", () => {
  const all = candidates(1, 1, 4);
  const balance = balancers.least_connections(seeded(1));
  [2, 1, 3].forEach((active, i) => all[i]!.backend.active = active);
  assert.equal(balance(all, client), all[2]);
  all[2]!.backend.active = 5;
  assert.equal(balance(all, client), all[1]);
});

Deno.test("least_connections fills every backend up to its share", () => {
  const all = candidates(1, 2, 3);
  const balance = balancers.least_connections(seeded(1));
  for (let i = 0; i < 60; i++) balance(all, client).backend.active++;
  assert.deepEqual(all.map(({ backend }) => backend.active), [10, 20, 30]);
});

Deno.test("least_connections breaks ties at random, by weight", () => {
  const all = candidates(1, 3);
  const balance = balancers.least_connections(seeded(3));
  const [one, three] = tally(() => balance(all, client), all, 4000);
  assert.ok(Math.abs(one! - 1000) < 140 && one! + three! === 4000, `${one}`);
});

Deno.test("random_two never chooses the most loaded of three or more, and spreads over the rest", () => {
  const all = candidates(1, 1, 1, 1);
  [5, 9, 5, 5].forEach((active, i) => all[i]!.backend.active = active);
  const balance = balancers.random_two(seeded(4));
  const counts = tally(() => balance(all, client), all, 3000);
  assert.equal(counts[1], 0);
  for (const i of [0, 2, 3]) assert.ok(Math.abs(counts[i]! - 1000) < 140, String(counts));
});

Deno.test("random_two balances nearly as well as the least loaded of all", () => {
  const all = candidates(1, 1, 1, 1, 2, 2);
  const balance = balancers.random_two(seeded(5));
  for (let i = 0; i < 8000; i++) balance(all, client).backend.active++;
  for (const { backend, weight } of all) {
    assert.ok(Math.abs(backend.active / weight - 1000) < 10, `${backend.active} of ${weight}`);
  }
});
