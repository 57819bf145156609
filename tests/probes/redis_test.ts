import assert from "node:assert/strict";
import { redis } from "../../probes/redis.ts";
import { bytes } from "../support/bytes.ts";
import { overlooked } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (text: string, final = false) => redis(bytes(text), final);
const match = (command: string, inline = false) => ({
  kind: "match",
  facts: { protocol: "redis", details: { command, inline } },
});

Deno.test("an array of texts is Redis once the command's name has arrived", () => {
  assert.deepEqual(ask("*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n"), match("LLEN"));
  assert.deepEqual(ask("*2\r\n$4\r\nLLEN\r\n"), match("LLEN"));
  assert.deepEqual(ask("*2\r\n$4\r\nLLEN\r"), { kind: "need", bytes: 14 });
  assert.deepEqual(ask("*2\r\n$4\r\nLLEN\r", true), NO);
});

Deno.test("any name will do in an array, in upper or lower case, of a module too", () => {
  assert.deepEqual(ask("*1\r\n$5\r\nhello\r\n"), match("HELLO"));
  assert.deepEqual(ask("*3\r\n$9\r\nFT.SEARCH\r\n"), match("FT.SEARCH"));
  for (const name of ["1234", "PI G", "PI\0G", "P\r\nG", "\xffING"]) {
    assert.deepEqual(ask(`*1\r\n$4\r\n${name}\r\n`), NO, JSON.stringify(name));
  }
});

Deno.test("one wrong byte in the constant parts of an array says no", () => {
  assert.deepEqual(overlooked(redis, bytes("*7\r\n$4\r\nPING\r\n"), [3, 4, 7, 12, 13]), []);
  assert.deepEqual(overlooked(redis, bytes("*7\r\n$4\r\nPING\r\n"), [0], 2), []);
});

Deno.test("a count is 1 to 1048576, a name's length 1 to 64, both without leading zeros", () => {
  assert.deepEqual(ask("*1048576\r\n$4\r\nPING\r\n"), match("PING"));
  for (const count of ["0", "-", "01", "1048577", "\r", "1\n", "x"]) {
    assert.deepEqual(ask(`*${count}`), NO, JSON.stringify(count));
  }
  for (const length of ["0", "-", "65", "\r", "x"]) {
    assert.deepEqual(ask(`*1\r\n$${length}`), NO, JSON.stringify(length));
  }
  assert.deepEqual(ask("*1\r\n$5\r\nPING\r"), NO, "a name that is shorter than it said");
  assert.deepEqual(ask("*1\r\n$3\r\nPING"), NO, "a name that is longer than it said");
});

Deno.test("a known command in a line is Redis, in any case, with either line end", () => {
  const lines: [string, string][] = [
    ["PING\r\n", "PING"],
    ["ping\n", "PING"],
    ["Set greeting hello\r\n", "SET"],
    ["SET  k  v \n", "SET"],
    ["get gr\xc3\xbc\xc3\x9fe\r\n", "GET"],
    ["AUTH app secret\r\n", "AUTH"],
    ["HELLO 3 AUTH app secret SETNAME me\r\n", "HELLO"],
    ["CONFIG GET maxmemory\r\n", "CONFIG"],
    ["INFO\r\n", "INFO"],
    ["LPUSH list a b c\n", "LPUSH"],
  ];
  for (const [line, command] of lines) assert.deepEqual(ask(line), match(command, true), line);
});

Deno.test("a line must end, within 1 KiB", () => {
  assert.deepEqual(ask("PING"), { kind: "need", bytes: 5 });
  assert.deepEqual(ask("PING", true), NO);
  assert.deepEqual(ask(`GET ${"a".repeat(1023)}\n`), match("GET", true));
  assert.deepEqual(ask(`GET ${"a".repeat(1024)}`), NO);
});

Deno.test("the first byte that no known command goes on with says no", () => {
  for (
    const head of ["x", "\0", " ", "\r", "\n", "PINH", "PINGS", "GE\n", "GETX", "SE ", "P\t", "1"]
  ) {
    assert.deepEqual(ask(head), NO, JSON.stringify(head));
  }
});

Deno.test("request lines of HTTP, RTSP and SIP are not Redis", () => {
  const lines = [
    "GET / HTTP/1.1",
    "GET /key",
    "SUBSCRIBE sip:a@b.example SIP/2.0",
    "PUBLISH sip:a@b.example SIP/2.0",
    "SUBSCRIBE /events HTTP/1.1",
    "SET x HTTP/1.0",
    "set x rtsp/1.0",
    "DEL a b c HTTP/1.1",
  ];
  for (const line of lines) {
    assert.deepEqual(ask(`${line}\r\n`), NO, line);
    assert.deepEqual(ask(`${line}\n`), NO, line);
  }
});

Deno.test("commands of other protocols with the same name have other arguments", () => {
  const lines = [
    "set k 0 0 5", // memcached
    "get a b",
    "incr k 1",
    "HELLO world",
    "HELLO",
    "TYPE I", // FTP
    "CLIENT libcurl", // DICT
    "AUTH",
    "QUIT",
    "PING a b",
  ];
  for (const line of lines) assert.deepEqual(ask(`${line}\r\n`), NO, line);
});

Deno.test("control characters in a line say no", () => {
  for (const line of ["GET a\0b\n", "GET a\tb\n", "GET a\rb\n", "GET \x7f\n"]) {
    assert.deepEqual(ask(line), NO, JSON.stringify(line));
  }
});
