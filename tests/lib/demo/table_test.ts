import assert from "node:assert/strict";
import type { ConnectionRecord } from "../../../lib/access_log.ts";
import { PROBE_TIMEOUT } from "../../../lib/demo/config.ts";
import { connectionLine, headLine, mark, styleFor } from "../../../lib/demo/table.ts";

const backends = {
  nameAt: (port: number, transport: string) =>
    port === 40_000 && transport === "tcp" ? "site-b-h2" : undefined,
};
const plain = styleFor(false);

const record: ConnectionRecord = {
  time: 0,
  id: 1,
  transport: "tcp",
  listener: "default",
  client: { address: "127.0.0.1", port: 50_000 },
  protocol: "tls",
  serverName: "b.demo",
  alpns: ["h2", "http/1.1"],
  route: "site_b_h2",
  backend: { address: "127.0.0.1", port: 40_000 },
  up: 525,
  down: 1315,
  duration: 1,
  timeToRoute: 0.449,
  reason: "ended",
};

Deno.test("a connection stands under the heads of its columns", () => {
  const head = headLine("sent", plain);
  const line = `   ${connectionLine("HTTP/2 to b.demo", record, backends)}`;
  for (
    const [title, cell] of [["detected", "tls"], ["route", "site_b_h2"], ["backend", "site-b-h2 :"]]
  ) {
    assert.equal(line.indexOf(cell ?? ""), head.indexOf(title ?? ""), cell);
  }
  assert.match(
    line,
    /tls {2}b\.demo {2}h2,http\/1\.1 +site_b_h2 +site-b-h2 :40000 +0\.4 ms +525 +1315\n$/,
  );
  assert.equal(line.length, head.length);
  assert.ok(line.trimEnd().length <= 100, line);
});

Deno.test("columns stay apart where one has more than usual", () => {
  const long = { ...record, up: 1_234_567, down: 7_654_321, timeToRoute: 12_345 };
  assert.match(connectionLine("", long, backends), / 12345 ms 1234567 7654321\n$/);
});

Deno.test("a flow shows the name that was asked for", () => {
  const { serverName: _, alpns: __, ...rest } = record;
  const query = { ...rest, transport: "udp", protocol: "dns", dnsName: "www.a.demo" } as const;
  assert.match(connectionLine("", query, backends), / dns {2}www\.a\.demo /);
});

Deno.test("ports are those of the transport", () => {
  const onUdp = connectionLine("", { ...record, transport: "udp" }, backends);
  assert.match(onUdp, / 127\.0\.0\.1 :40000 /);
});

Deno.test("a connection that reached no backend shows why", () => {
  const { backend: _, route: __, ...rest } = record;
  const line = connectionLine("", { ...rest, reason: "no_route" }, backends);
  assert.match(line, /– +closed: no route/);
});

Deno.test("silence is told from words that nobody knows", () => {
  const { protocol: _, serverName: __, alpns: ___, ...rest } = record;
  assert.match(connectionLine("", { ...rest, timeToRoute: 0.2 }, backends), / unknown /);
  assert.match(
    connectionLine("", { ...rest, timeToRoute: PROBE_TIMEOUT }, backends),
    / nothing in time /,
  );
});

Deno.test("marks are coloured where colour is shown", () => {
  assert.equal(mark(true, plain), "✔");
  assert.equal(mark(false, plain), "✘");
  assert.equal(mark(true, styleFor(true)), "\x1b[32m✔\x1b[0m");
});
