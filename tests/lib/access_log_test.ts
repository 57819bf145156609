import fc from "fast-check";
import assert from "node:assert/strict";
import { type ConnectionRecord, RECORD_FORMATS } from "../../lib/access_log.ts";
import { LineBuffer } from "../../lib/line_buffer.ts";
import type { LogFormat } from "../../lib/log_text.ts";

function formatRecord(record: ConnectionRecord, format: LogFormat = "text"): string {
  const lines = new LineBuffer();
  RECORD_FORMATS[format](record, lines);
  return lines.take().lines;
}

const formatRecordAsJson = (record: ConnectionRecord) => formatRecord(record, "json");

const full: ConnectionRecord = {
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  id: 17,
  transport: "tcp",
  listener: "default",
  client: { address: "192.0.2.7", port: 50022 },
  protocol: "tls",
  serverName: "a.example",
  host: "b.example",
  alpns: ["h2", "http/1.1"],
  route: "web",
  backend: { address: "2001:db8::1", port: 443 },
  up: 517,
  down: 40960,
  duration: 1234.5678,
  timeToRoute: 0.4321,
  timeToConnect: 1.15,
  reason: "ended",
  detail: "second attempt",
};

const bare: ConnectionRecord = {
  time: full.time,
  id: 18,
  transport: "tcp",
  listener: "default",
  client: { address: "192.0.2.7", port: 50023 },
  up: 0,
  down: 0,
  duration: 0,
  reason: "client_left",
};

const squeezed = (line: string) => line.trimEnd().split(/ +/);

Deno.test("a line has the time, then key=value in a fixed order", () => {
  assert.deepEqual(squeezed(formatRecord(full)), [
    "2026-01-02T03:04:05.006Z",
    "reason=ended",
    "transport=tcp",
    "listener=default",
    "client=192.0.2.7:50022",
    "protocol=tls",
    "route=web",
    "backend=[2001:db8::1]:443",
    "bytes_up=517",
    "bytes_down=40960",
    "duration_ms=1234.6",
    "route_ms=0.4",
    "connect_ms=1.2",
    "id=17",
    "server_name=a.example",
    "host=b.example",
    "alpns=h2,http/1.1",
    'detail="second',
    'attempt"',
  ]);
});

Deno.test("what a connection did not get to has a dash, so that columns keep their numbers", () => {
  const fields = squeezed(formatRecord(bare));
  assert.equal(fields.length, 14);
  assert.deepEqual(
    fields.map((field) => field.split("=")[0]),
    [
      ...squeezed(formatRecord(full)).slice(0, 14).map((field) => field.split("=")[0]),
    ].with(0, fields[0]),
  );
  assert.ok(fields.includes("backend=-"));
});

Deno.test("columns meet from line to line", () => {
  const column = (record: ConnectionRecord) => formatRecord(record).indexOf(" id=");
  assert.equal(column({ ...full, backend: { address: "10.0.0.1", port: 80 } }), column(bare));
});

Deno.test("a JSON line has the same keys and reads as the record", () => {
  assert.deepEqual(JSON.parse(formatRecordAsJson(full)), {
    time: "2026-01-02T03:04:05.006Z",
    reason: "ended",
    transport: "tcp",
    listener: "default",
    client: "192.0.2.7:50022",
    protocol: "tls",
    route: "web",
    backend: "[2001:db8::1]:443",
    bytes_up: 517,
    bytes_down: 40960,
    duration_ms: 1234.6,
    route_ms: 0.4,
    connect_ms: 1.2,
    id: 17,
    server_name: "a.example",
    host: "b.example",
    alpns: ["h2", "http/1.1"],
    detail: "second attempt",
  });
});

Deno.test("a JSON line has no key for what is not known", () => {
  assert.deepEqual(Object.keys(JSON.parse(formatRecordAsJson(bare))), [
    "time",
    "reason",
    "transport",
    "listener",
    "client",
    "bytes_up",
    "bytes_down",
    "duration_ms",
    "id",
  ]);
});

Deno.test("whatever a client sent, it is one line, and its words are where they belong", () => {
  const name = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(name, name, fc.array(name), name, (serverName, host, alpns, detail) => {
      const record = { ...full, serverName, host, alpns, detail };
      const text = formatRecord(record);
      assert.match(text, /^[ -~]+\n$/);
      assert.equal(text.match(/"/g)?.length, 2);
      assert.equal(text.match(/ (server_name|host|alpns|detail)=/g)?.length, 4);
      const line = formatRecordAsJson(record);
      assert.match(line, /^[ -~]+\n$/);
      assert.deepEqual(Object.keys(JSON.parse(line)).length, 18);
    }),
  );
});

Deno.test("a hello with thousands of ALPNs makes a line like others", () => {
  const alpns = Array.from({ length: 5000 }, (_, i) => `p${i}`);
  assert.ok(formatRecord({ ...full, alpns }).length < 500);
  assert.ok(formatRecordAsJson({ ...full, alpns }).length < 800);
});

Deno.test("a visitor of the tunnel is told with the agent and the name that it came to", () => {
  const record = { ...full, agent: "alice", endpoint: "blog" };
  assert.ok(formatRecord(record).includes(" agent=alice endpoint=blog "));
  const { agent, endpoint } = JSON.parse(formatRecordAsJson(record));
  assert.deepEqual([agent, endpoint], ["alice", "blog"]);
});

Deno.test("times are those of ISO 8601, whichever second was written before", () => {
  const time = fc.double({ min: 0, max: Date.UTC(9999, 11, 31), noNaN: true });
  fc.assert(fc.property(fc.array(fc.tuple(time, fc.nat(999))), (times) => {
    for (const at of times.flatMap(([time, more]) => [time, time + more])) {
      const [text] = formatRecord({ ...bare, time: at }).split(" ");
      assert.equal(text, new Date(at).toISOString());
    }
  }));
});

Deno.test("times in ms have one digit behind the point, and none where it is zero", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (duration) => {
    const { duration_ms } = JSON.parse(formatRecordAsJson({ ...bare, duration }));
    assert.equal(duration_ms, Math.round(duration * 10) / 10);
    const text = / duration_ms=(\S+)/.exec(formatRecord({ ...bare, duration }))?.[1];
    assert.equal(text, String(duration_ms));
  }));
});

Deno.test("values that were seen before are written as at first, however many others came between", () => {
  const first = formatRecord({ ...bare, listener: "a b", route: "l0" });
  for (let i = 0; i < 5000; i++) {
    const text = formatRecord({ ...bare, listener: `l${i}`, route: `r${i}`, protocol: `p${i}` });
    assert.ok(text.includes(` listener=l${i} `) && text.includes(` route=r${i} `));
  }
  assert.equal(formatRecord({ ...bare, listener: "a b", route: "l0" }), first);
});
