import assert from "node:assert/strict";
import {
  exchangeJson,
  exchangeLine,
  formatDuration,
  formatSize,
} from "../../../../lib/tunnel/http/line.ts";
import type { Exchange } from "../../../../lib/tunnel/http/exchange.ts";
import { Talk } from "../../../support/http_talk.ts";

function exchange(target: string, status = "200 OK", method = "GET"): Exchange {
  const talk = new Talk().asks(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
  talk.clock.advance(9.966);
  talk.says(`HTTP/1.1 ${status}\r\nContent-Length: 1234\r\n\r\n${"x".repeat(1234)}`).ends();
  return talk.exchanges[0]!;
}

Deno.test("a line says what was asked, what came of it, how long that took and how much it was", () => {
  assert.equal(
    exchangeLine(exchange("/path"), { hasColour: false }),
    "GET      /path                                     200 OK                      9.97 ms    1.2 kB",
  );
});

Deno.test("lines are as wide as the terminal, their columns stand below each other, and long targets are cut", () => {
  const targets = ["/", `/${"long/".repeat(40)}end?id=1`];
  for (const columns of [60, 79, 80, 120, 200]) {
    const style = { columns, hasColour: false };
    const lines = targets.map((target) => exchangeLine(exchange(target), style));
    lines.push(exchangeLine(exchange("/a", "500 Internal Server Error", "OPTIONS"), style));
    for (const line of lines) assert.equal(line.length, columns, line);
    assert.equal(new Set(lines.map((line) => line.search(/ {2}[25]00/))).size, 1);
    assert.match(lines[1]!, /^GET {6}\/long.*….*id=1 {2}/);
  }
  assert.match(exchangeLine(exchange(targets[1]!), { hasColour: false }), /(long\/){40}end\?id=1/);
});

Deno.test("a terminal that is too narrow for the columns gets a target of 12 characters", () => {
  const line = exchangeLine(exchange("/abcdefghijklmnopq"), { columns: 20, hasColour: false });
  assert.equal(line, "GET      /abcdefg…opq  200   9.97 ms    1.2 kB");
});

Deno.test("the colour says of which class the status is", () => {
  const statuses = { "200 OK": 32, "304 Not Modified": 36, "404 Not Found": 33, "503 No": 31 };
  for (const [status, colour] of Object.entries(statuses)) {
    const line = exchangeLine(exchange("/", status, "HEAD"), { hasColour: true });
    assert.ok(line.includes(`\x1b[${colour}m${status}`), line);
    assert.equal(line.split("\x1b").length, 3);
  }
});

Deno.test("no terminal obeys what a visitor sent", () => {
  const line = exchangeLine(exchange("/\xff\x9b2J", "200 \x1b[2J"), { hasColour: false });
  assert.match(line, /\/\\xff\\x9b2J .*200 \\x1b\[2J/);
  assert.match(exchangeJson(exchange("/\x9b2J")), /"target":"\/\\u009b2J"/);
});

Deno.test("what got no answer, or half of one, or went on otherwise, says so", () => {
  const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const line = (talk: Talk, columns?: number) =>
    exchangeLine(talk.ends().exchanges[0]!, { hasColour: true, ...columns && { columns } })
      .replaceAll("\x1b[", "~");
  assert.match(line(new Talk().asks(get)), /~31mno answer /);
  assert.match(line(new Talk().asks(get), 60), /~31m– /);
  assert.match(line(new Talk().asks(get).says("what\r\n\r\n")), /~31mno HTTP /);
  const half = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  assert.match(line(new Talk().asks(get).says(half)), /~31m200 cut short /);
  assert.match(line(new Talk().asks("PRI * HTTP/2.0\r\n\r\n")), /PRI .*~35mh2c /);
  assert.match(line(new Talk().asks("\r\n\0\r\n\r\n")), /^- .*~33m400 Bad Request/);
  const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  assert.match(line(new Talk().asks(get).says(switched)), /~35m101 Switching Protocols/);
});

Deno.test("for programs a line is an object of JSON", () => {
  assert.deepEqual(JSON.parse(exchangeJson(exchange("/path"))), {
    time: "2026-01-01T00:00:00.000Z",
    endpoint: "blog",
    visitor: "192.0.2.7:4711",
    method: "GET",
    target: "/path",
    status: 200,
    outcome: "complete",
    duration_ms: 9.97,
    bytes_up: 0,
    bytes_down: 1234,
  });
});

Deno.test("durations and sizes have as many digits as count", () => {
  const durations: ReadonlyArray<readonly [number, string]> = [
    [0, "0.00 ms"],
    [9.994, "9.99 ms"],
    [9.996, "10.0 ms"],
    [99.96, "100 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [12_345, "12.3 s"],
    [99_940, "99.9 s"],
    [100_000, "2 min"],
    [7_300_000, "2 h"],
  ];
  for (const [ms, text] of durations) assert.equal(formatDuration(ms), text);
  const sizes: ReadonlyArray<readonly [number, string]> = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [9_960, "10 kB"],
    [999_600, "1.0 MB"],
    [12_345_678, "12 MB"],
    [5e12, "5.0 TB"],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
});
