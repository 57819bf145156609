import assert from "node:assert/strict";
import fc from "fast-check";
import { rendezvous } from "../../../lib/balancing/rendezvous.ts";
import { Backend, type Candidate } from "../../../lib/balancing/mod.ts";

const backends = (...weights: number[]): Candidate[] =>
  weights.map((weight, i) => ({ backend: new Backend(`10.0.0.${i + 1}`, 443), weight }));
const clients = Array.from({ length: 10_000 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);

const anyCandidates = fc.uniqueArray(
  fc.record({ address: fc.ipV4(), port: fc.integer({ min: 1, max: 65535 }), weight: fc.nat(9) }),
  { minLength: 1, maxLength: 12, selector: ({ address, port }) => `${address}:${port}` },
).map((all) =>
  all.map(({ address, port, weight }): Candidate => ({
    backend: new Backend(address, port),
    weight: weight + 1,
  }))
);
const anyClient = fc.record({ address: fc.oneof(fc.ipV4(), fc.ipV6()), port: fc.nat(65535) });

Deno.test("the same client goes to the same backend, whatever the order of the candidates", () => {
  fc.assert(fc.property(
    anyCandidates.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))
    ),
    anyClient,
    ([all, shuffled], { address, port }) => {
      assert.equal(rendezvous(all, address, port), rendezvous(shuffled, address, port));
    },
  ));
});

Deno.test("taking a backend away moves only the clients that were on it", () => {
  fc.assert(fc.property(
    anyCandidates.filter((all) => all.length > 1),
    fc.nat(),
    fc.array(anyClient, { minLength: 20 }),
    (all, gone, clients) => {
      const removed = all[gone % all.length];
      const rest = all.filter((candidate) => candidate !== removed);
      for (const { address, port } of clients) {
        const before = rendezvous(all, address, port);
        const after = rendezvous(rest, address, port);
        if (before !== removed) assert.equal(after, before);
        else assert.notEqual(after, removed);
      }
    },
  ));
});

Deno.test("a heavier weight only draws clients to its backend", () => {
  fc.assert(fc.property(anyCandidates, fc.nat(), anyClient, (all, at, { address, port }) => {
    const light = all[at % all.length]!;
    const heavy = { backend: light.backend, weight: light.weight + 1 };
    const before = rendezvous(all, address, port);
    const after = rendezvous(
      all.map((each) => each === light ? heavy : each),
      address,
      port,
    );
    assert.ok(after === heavy || after === before);
  }));
});

Deno.test("clients spread as the weights say", () => {
  for (const weights of [[1, 1], [1, 1, 1, 1, 1], [1, 2, 3], [1, 9]]) {
    const all = backends(...weights);
    const total = weights.reduce((a, b) => a + b);
    const counts = weights.map(() => 0);
    for (const address of clients) counts[all.indexOf(rendezvous(all, address, 0))]!++;
    const chiSquare = counts.reduce((sum, count, i) => {
      const expected = clients.length * weights[i]! / total;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // With at most four degrees of freedom chance alone goes beyond 23.5 once in ten thousand.
    assert.ok(chiSquare < 23.5, `weights ${weights}: ${counts}`);
  }
});

Deno.test("the connections of one client spread by their ports", () => {
  const all = backends(1, 1, 1, 1);
  const counts = all.map(() => 0);
  for (let port = 32_768; port < 42_768; port++) {
    counts[all.indexOf(rendezvous(all, "198.51.100.7", port))]!++;
  }
  for (const count of counts) assert.ok(Math.abs(count - 2500) < 200, String(counts));
});

Deno.test("taking one of n backends away moves one in n clients", () => {
  const all = backends(1, 1, 1, 1, 1);
  const rest = all.slice(1);
  const moved = clients.filter((address) =>
    rendezvous(all, address, 0) !== rendezvous(rest, address, 0)
  );
  assert.ok(Math.abs(moved.length - 2000) < 160, `${moved.length} of 10000`);
});

// The hash must never change: replicas of different versions, and every restart, have to agree.
Deno.test("clients stay where earlier versions put them", () => {
  const all = [
    { backend: new Backend("10.0.0.1", 80), weight: 1 },
    { backend: new Backend("10.0.0.1", 81), weight: 1 },
    { backend: new Backend("2001:db8::1", 80), weight: 2 },
  ];
  const placed = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::7", "2001:db8::8", "127.0.0.1"]
    .map((address) => [address, all.indexOf(rendezvous(all, address, 0))]);
  assert.deepEqual(Object.fromEntries(placed), {
    "192.0.2.1": 2,
    "192.0.2.2": 0,
    "192.0.2.3": 1,
    "2001:db8::7": 1,
    "2001:db8::8": 2,
    "127.0.0.1": 1,
  });
});
