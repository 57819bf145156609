import assert from "node:assert/strict";
import type { ConnectionRecord } from "../../../lib/access_log.ts";
import type { Report } from "../../../lib/data_thread/messages.ts";
import { MOST_UNTAKEN, Reports } from "../../../lib/data_thread/reports.ts";
import { accessLines } from "../../support/access_lines.ts";
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
  const send = (report: Report) => void sent.push(structuredClone(report));
  const reports = new Reports({ clock, format: "json", taken: shared, send });
  return { clock, sent, taken, reports };
}

/** How many lines of the access log were sent, and how many connections were counted. */
function sums(sent: readonly Report[]) {
  const lines = sent.flatMap(({ access }) => accessLines(access)).length;
  const counted = sent.flatMap(({ access }) => access.sums.series.map(({ count }) => count));
  return { lines, counted: counted.reduce((a, b) => a + b, 0) };
}

Deno.test("lines of both logs are sent together, a moment later", () => {
  const { clock, sent, reports } = setUp();
  reports.access(RECORD);
  reports.access({ ...RECORD, id: 2 });
  reports.warning("careful", { what: "a" });
  reports.info("well");
  clock.advance(49);
  assert.equal(sent.length, 0);
  clock.advance(1);
  assert.equal(sent.length, 1);
  const [{ access, lines }] = sent as [Report];
  assert.deepEqual(accessLines(access).map(({ id, server_name }) => [id, server_name]), [
    [1, RECORD.serverName],
    [2, RECORD.serverName],
  ]);
  assert.deepEqual(access.sums.series.map(({ listener, count }) => [listener, count]), [
    ["default", 2],
  ]);
  assert.deepEqual(lines, [
    { level: "warning", message: "careful", properties: { what: "a" } },
    { level: "info", message: "well" },
  ]);
  assert.equal(clock.pending, 0);
});

Deno.test("what was sent is not sent again", () => {
  const { sent, reports } = setUp();
  for (const id of [1, 2]) {
    reports.access({ ...RECORD, id });
    reports.flush();
  }
  assert.deepEqual(sent.map(({ access }) => accessLines(access).map(({ id }) => id)), [[1], [2]]);
  assert.deepEqual(sent.map(({ access }) => access.sums.tcp.traffic.up), [1, 1]);
});

Deno.test("many are sent without waiting for more, and none is lost between two batches", () => {
  const { sent, taken, reports } = setUp();
  let id = 0;
  while (sent.length < 3) {
    reports.access({ ...RECORD, id: ++id });
    taken[0] = sent.reduce((sum, { size }) => sum + size, 0);
  }
  reports.flush();
  const ids = sent.flatMap(({ access }) => accessLines(access).map(({ id }) => id));
  assert.deepEqual(ids, Array.from({ length: id }, (_, i) => i + 1));
  assert.equal(sums(sent).counted, id);
});

Deno.test("to flush sends what there is, and nothing where there is nothing", () => {
  const { clock, sent, reports } = setUp();
  reports.flush();
  assert.equal(sent.length, 0);
  reports.access(RECORD);
  reports.flush();
  reports.flush();
  assert.equal(sent.length, 1);
  assert.equal(clock.pending, 0);
});

Deno.test("what is not taken is bounded: further lines are lost, counted, and that is said with what comes next", () => {
  const { clock, sent, taken, reports } = setUp();
  const ended = 30_000;
  for (let i = 0; i < ended; i++) {
    reports.access(RECORD);
    clock.advance(1);
  }
  reports.error("lost, too");
  const size = sent.reduce((sum, { size }) => sum + size, 0);
  assert.ok(size >= MOST_UNTAKEN && size < MOST_UNTAKEN + 1024, `${size}`);
  const reached = sent.length;
  clock.advance(1000);
  assert.equal(sent.length, reached, "nothing more is sent");
  assert.equal(clock.pending, 0);
  Atomics.add(taken, 0, size);
  reports.access(RECORD);
  clock.advance(50);
  const { lines, counted } = sums(sent);
  const lost = sent.reduce((sum, { lost }) => sum + lost, 0);
  assert.equal(lines + lost, ended + 1 + 1);
  assert.ok(sent.at(-1)!.lost > 0);
  assert.equal(counted, ended + 1);
});

Deno.test("of the way to the tunnel's edge there is no line; an agent's is counted, a visitor's is not", () => {
  const { clock, sent, reports } = setUp();
  reports.access({ ...RECORD, hop: "visitor" });
  reports.access({ ...RECORD, hop: "agent" });
  clock.advance(50);
  assert.deepEqual(sums(sent), { lines: 0, counted: 1 });
});
