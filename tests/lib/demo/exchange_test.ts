import assert from "node:assert/strict";
import type { ConnectionRecord } from "../../../lib/access_log.ts";
import { mistakes, type Seen } from "../../../lib/demo/exchange.ts";
import type { Expected } from "../../../lib/demo/rows.ts";

const backends = { nameAt: (port: number) => port === 1000 ? "web" : undefined };

const expected: Expected = {
  protocol: "http",
  host: "www.demo",
  route: "web",
  backend: "web",
  answer: "hello",
};
const record: ConnectionRecord = {
  time: 0,
  id: 1,
  transport: "tcp",
  listener: "default",
  client: { address: "127.0.0.1", port: 50_000 },
  protocol: "http",
  host: "www.demo",
  route: "web",
  backend: { address: "127.0.0.1", port: 1000 },
  up: 40,
  down: 60,
  duration: 1,
  reason: "ended",
};
const seen: Seen = { answer: "hello", written: 40, read: 60 };

Deno.test("a row as expected has no mistakes", () => {
  assert.deepEqual(mistakes(expected, record, seen, backends), []);
});

Deno.test("whatever differs is told", () => {
  const cases: readonly (readonly [Partial<ConnectionRecord>, Partial<Seen>, string])[] = [
    [{ protocol: "ssh" }, {}, 'protocol: expected "http", got "ssh"'],
    [{ serverName: "a.demo" }, {}, 'SNI: expected none, got "a.demo"'],
    [{ alpns: ["h2", "h3"] }, {}, 'ALPN: expected none, got "h2,h3"'],
    [{ host: "api.demo" }, {}, 'Host: expected "www.demo", got "api.demo"'],
    [{ dnsName: "www.demo" }, {}, 'DNS name: expected none, got "www.demo"'],
    [{ route: "api" }, {}, 'route: expected "web", got "api"'],
    [
      { backend: { address: "127.0.0.1", port: 1001 } },
      {},
      'backend: expected "web", got none',
    ],
    [{ reason: "backend_reset" }, {}, 'end: expected "ended", got "backend_reset"'],
    [{ up: 39 }, {}, "bytes up: expected 40, got 39"],
    [{ down: 61 }, {}, "bytes down: expected 60, got 61"],
    [{}, { answer: "hi" }, 'answer: expected "hello", got "hi"'],
  ];
  for (const [recorded, told, mistake] of cases) {
    const found = mistakes(expected, { ...record, ...recorded }, { ...seen, ...told }, backends);
    assert.deepEqual(found, [mistake]);
  }
});

Deno.test("a connection that is to be closed must not have reached a backend", () => {
  const closed: Expected = { protocol: "http", host: "www.demo", reason: "rejected" };
  const { backend: _, route: __, ...rest } = record;
  const refused: ConnectionRecord = { ...rest, reason: "rejected", up: 0, down: 0 };
  const nothing: Seen = { answer: "(Error: socket hang up)", written: 40, read: 0 };
  assert.deepEqual(mistakes(closed, refused, nothing, backends), []);
  assert.deepEqual(mistakes(closed, { ...record, reason: "rejected" }, nothing, backends), [
    'route: expected none, got "web"',
    'backend: expected none, got "web"',
    "bytes up: expected 0, got 40",
    "bytes down: expected 0, got 60",
  ]);
});
