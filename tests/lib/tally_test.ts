import fc from "fast-check";
import assert from "node:assert/strict";
import type { ConnectionRecord, EndReason } from "../../lib/access_log.ts";
import { MOST_SERIES, type Sums, Tally, WAITS } from "../../lib/tally.ts";
import { RECORD } from "../support/ended_record.ts";

/** Records that differ in all that is counted; times are whole numbers, whose sums are exact. */
const records = fc.array(fc.record({
  listener: fc.constantFrom("a", "ab", "b", ""),
  transport: fc.constantFrom("tcp" as const, "udp" as const),
  protocol: fc.constantFrom("a", "ab", "b", undefined),
  route: fc.constantFrom("a", "ab", "b", " ", undefined),
  reason: fc.constantFrom<EndReason>("ended", "drained"),
  up: fc.nat(),
  down: fc.nat(),
  datagramsUp: fc.option(fc.nat(), { nil: undefined }),
  duration: fc.nat(),
  timeToRoute: fc.option(fc.nat(20_000), { nil: undefined }),
})).map((all): ConnectionRecord[] =>
  all.map((one) => {
    const known = Object.entries(one).filter(([, value]) => value !== undefined);
    return { ...RECORD, ...Object.fromEntries(known) };
  })
);

/** Whatever order its series are in. */
function sorted({ series, ...sums }: Sums) {
  return { ...sums, series: series.map((one) => JSON.stringify(one)).sort() };
}

Deno.test("it counts by all labels together, whatever the names are", () => {
  fc.assert(fc.property(records, (records) => {
    const tally = new Tally();
    const counts = new Map<string, number>();
    for (const record of records) {
      tally.count(record);
      const { listener, transport, protocol = "", route = "", reason } = record;
      const key = JSON.stringify([listener, transport, protocol, route, reason]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const counted = tally.sums.series.map((
      { listener, transport, protocol, route, reason, count },
    ) => [JSON.stringify([listener, transport, protocol, route, reason]), count] as const);
    assert.deepEqual(new Map(counted), counts);
    assert.equal(counted.length, counts.size);
  }));
});

Deno.test("counted in parts and added up it is the same", () => {
  fc.assert(fc.property(records, fc.nat(10), (records, size) => {
    const whole = new Tally();
    const part = new Tally();
    const added = new Tally();
    records.forEach((record, i) => {
      whole.count(record);
      part.count(record);
      if (i % (size + 1) === 0) added.add(structuredClone(part.take()));
    });
    added.add(part.take());
    assert.ok(part.isEmpty);
    assert.deepEqual(sorted(added.sums), sorted(whole.sums));
  }));
});

Deno.test("a time is counted at the first bound that it does not exceed, or behind all of them", () => {
  const tally = new Tally();
  for (const timeToRoute of [0, 0.5, 0.6, 10_000, 10_001]) tally.count({ ...RECORD, timeToRoute });
  tally.count(RECORD);
  const { counts, sum } = tally.sums.tcp.routing;
  assert.equal(counts.length, WAITS.length + 1);
  assert.deepEqual([counts[0], counts[1], counts.at(-2), counts.at(-1)], [2, 1, 1, 1]);
  assert.equal(sum, 20_002.1);
  assert.equal(tally.sums.tcp.durations.sum, 18);
});

Deno.test("a visitor of the tunnel is counted when he leaves the edge, and not on his way there", () => {
  const tally = new Tally();
  tally.count({ ...RECORD, hop: "visitor" });
  assert.ok(tally.isEmpty);
  tally.count({ ...RECORD, hop: "agent" });
  tally.count({ ...RECORD, agent: "alice" });
  assert.equal(tally.sums.series[0]?.count, 2);
});

Deno.test("there are so many series and no more, added ones too; nothing is lost beyond them", () => {
  const tally = new Tally();
  for (let i = 0; i < MOST_SERIES; i++) tally.count({ ...RECORD, listener: `l${i}` });
  const more = new Tally();
  for (let i = 0; i < 50; i++) more.count({ ...RECORD, route: `r${i}` });
  tally.add(more.take());
  const { series } = tally.sums;
  assert.equal(series.length, MOST_SERIES + 1);
  assert.equal(series.reduce((sum, { count }) => sum + count, 0), MOST_SERIES + 50);
  const { listener, protocol, route, count } = series.at(-1)!;
  assert.deepEqual([listener, protocol, route, count], ["other", "other", "other", 50]);
});
