import assert from "node:assert/strict";
import type { ConnectionRecord } from "../../../lib/access_log.ts";
import type { Report } from "../../../lib/data_thread/messages.ts";
import { MOST_UNTAKEN, Reports } from "../../../lib/data_thread/reports.ts";
import { ManualClock } from "../../support/clock.ts";

const RECORD: ConnectionRecord = {
  time: 1,
  id: 1,
  transport: "tcp",
  listener: "default",
  client: { address: "192.0.2.1", port: 1 },
  serverName: "ünï\n\u2028",
  up: 1,
  down: 2,
  duration: 0.1 + 0.2,
  reason: "ended",
};

function setUp() {
  const clock = new ManualClock();
  const sent: Report[] = [];
  const shared = new SharedArrayBuffer(4);
  const taken = new Int32Array(shared);
  const reports = new Reports({ clock, taken: shared, send: (report) => void sent.push(report) });
  return { clock, sent, taken, reports };
}

Deno.test("records and lines are sent together, a moment later, as they are", () => {
  const { clock, sent, reports } = setUp();
  reports.access(RECORD);
  reports.warning("careful", { what: "a" });
  reports.info("well");
  clock.advance(9);
  assert.equal(sent.length, 0);
  clock.advance(1);
  assert.equal(sent.length, 1);
  assert.deepEqual(JSON.parse(sent[0]!.records), [RECORD]);
  assert.deepEqual(sent[0]!.lines, [
    { level: "warning", message: "careful", properties: { what: "a" } },
    { level: "info", message: "well" },
  ]);
  assert.equal(clock.pending, 0);
});

Deno.test("many are sent at once, without waiting for more", () => {
  const { clock, sent, reports } = setUp();
  for (let i = 0; i < 256; i++) reports.access({ ...RECORD, id: i });
  assert.equal(JSON.parse(sent[0]!.records).length, 256);
  assert.equal(clock.pending, 0);
});

Deno.test("to flush sends what there is, and nothing where there is nothing", () => {
  const { sent, reports } = setUp();
  reports.flush();
  assert.equal(sent.length, 0);
  reports.access(RECORD);
  reports.flush();
  reports.flush();
  assert.equal(sent.length, 1);
});

Deno.test("what is not taken is bounded: more is lost, counted, and said with what comes next", () => {
  const { clock, sent, taken, reports } = setUp();
  for (let i = 0; i < MOST_UNTAKEN + 7; i++) reports.access(RECORD);
  reports.error("lost, too");
  clock.advance(10);
  const count = () => sent.reduce((sum, { records }) => sum + JSON.parse(records).length, 0);
  assert.equal(count(), MOST_UNTAKEN);
  assert.deepEqual(sent.map(({ lost }) => lost).filter((lost) => lost > 0), []);
  Atomics.add(taken, 0, 1);
  reports.access(RECORD);
  reports.access(RECORD);
  reports.flush();
  assert.equal(count(), MOST_UNTAKEN + 1);
  assert.equal(sent.at(-1)?.lost, 9);
});
