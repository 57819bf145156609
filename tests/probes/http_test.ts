import assert from "node:assert/strict";
import { http } from "../../probes/http.ts";
import { bytes } from "../support/bytes.ts";

const NO = { kind: "no" };
const ask = (text: string, final = false) => http(bytes(text), final);
const match = (version: string, host?: string) => ({
  kind: "match",
  facts: { protocol: "http", ...(host !== undefined && { host }), details: { version } },
});

Deno.test("the request of RFC 9110 §3.9 is HTTP, with its Host, though other fields come first", () => {
  const request = "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\n" +
    "Host: www.example.com\r\nAccept-Language: en, mi\r\n\r\n";
  assert.deepEqual(ask(request), match("1.1", "www.example.com"));
});

Deno.test("nothing behind the Host field is waited for", () => {
  assert.deepEqual(ask("GET / HTTP/1.1\r\nHost: a.example\r\n"), match("1.1", "a.example"));
  assert.equal(ask("GET / HTTP/1.1\r\nHost: a.example").kind, "need");
});

Deno.test("a method may be any token (RFC 9110 §5.6.2)", () => {
  for (
    const method of ["G", "PROPFIND", "M-SEARCH", "get", "!#$%&'*+-.^_`|~09azAZ", "x".repeat(64)]
  ) {
    assert.deepEqual(ask(`${method} / HTTP/1.1\r\n\r\n`), match("1.1"), method);
  }
});

Deno.test("the first byte that is not of a request line says no", () => {
  const heads = [
    "\x16",
    "\x00",
    "{",
    "<",
    " ",
    "\xff",
    "GET\r",
    "GET\n",
    "GET(",
    "GET  ",
    "GET /\r",
    "GET /\n",
    "GET /\0",
    "GET / X",
    "GET / HTTX",
    "GET / h",
    "GET / HTTP/2",
    "GET / HTTP/1.x",
    "GET / HTTP/1.1 ",
    "GET / HTTP/1.1\rX",
    "GET / HTTP/1.10",
    "x".repeat(65),
    "PRI * HTTP/1",
    "PRI / HTTP/2",
    "\rX",
    "\r\r",
  ];
  for (const head of heads) {
    assert.deepEqual(ask(head), NO, JSON.stringify(head));
    const before = head.slice(0, -1);
    assert.equal(ask(before).kind, "need", `${JSON.stringify(before)} may still be one`);
  }
});

Deno.test("the letters HTTP elsewhere are not HTTP", () => {
  const heads = [
    "HTTP",
    "HTTP/1.1 200 OK\r\n\r\n",
    "\xfe\x01GET / HTTP/1.1\r\n\r\n",
    "OPTIONS * RTSP/1.0\r\nX: HTTP/1.1\r\n\r\n",
    "INVITE sip:a@b SIP/2.0\r\n",
    "EHLO HTTP\r\n",
    "GET /\r\nHTTP/1.1\r\n",
  ];
  for (const head of heads) assert.notEqual(ask(head).kind, "match", JSON.stringify(head));
  for (const head of heads) assert.deepEqual(ask(head, true), NO, JSON.stringify(head));
});

Deno.test("bare LFs end lines, and a few empty lines may come first (RFC 9112 §2.2)", () => {
  assert.deepEqual(ask("GET / HTTP/1.0\nHost: a\n\n"), match("1.0", "a"));
  assert.deepEqual(ask("\r\n\n\r\nGET / HTTP/1.1\r\n\r\n"), match("1.1"));
  assert.deepEqual(ask("\r\n".repeat(100)), NO);
});

Deno.test("a Host is lower-cased and loses white space, port, brackets and a trailing dot", () => {
  const hosts: Record<string, string> = {
    "a.example": "a.example",
    " \t A.Example \t ": "a.example",
    "a.example.": "a.example",
    "a.example:8080": "a.example",
    "a.example.:8080": "a.example",
    "a.example:": "a.example",
    "192.0.2.1:80": "192.0.2.1",
    "[2001:DB8::1]": "2001:db8::1",
    "[2001:db8::1]:443": "2001:db8::1",
    "under_score-1": "under_score-1",
  };
  for (const [value, host] of Object.entries(hosts)) {
    assert.deepEqual(ask(`GET / HTTP/1.1\r\nhOST:${value}\r\n`), match("1.1", host), value);
  }
});

Deno.test("a Host that is no name gives no host, and the request is still HTTP", () => {
  const values = [
    "",
    " ",
    ".",
    "a b",
    "a,b c",
    "user@a",
    "a/b",
    "a:b",
    "a:80:80",
    "[::1",
    "::1",
    "[]",
    "b\xfccher",
    "\xa0a",
    "a\0",
    "a".repeat(300),
    `a${" ".repeat(10_000)}b`,
  ];
  for (const value of values) {
    assert.deepEqual(ask(`GET / HTTP/1.1\r\nHost:${value}\r\n`), match("1.1"), value.slice(0, 20));
  }
});

Deno.test("only a field of the name Host is one", () => {
  for (const field of ["X-Host: a", "Host : a", " Host: a", "Hosts: a", "Host"]) {
    assert.deepEqual(ask(`GET / HTTP/1.1\r\n${field}\r\n\r\n`), match("1.1"), field);
  }
});

Deno.test("a Host in the body is not one", () => {
  assert.deepEqual(ask("POST / HTTP/1.0\r\n\r\nHost: a\r\n\r\n"), match("1.0"));
});

Deno.test("of two Host fields the first one is the host, so that the cut does not decide", () => {
  assert.deepEqual(ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), match("1.1", "a"));
});

Deno.test("the host of an absolute target goes before the Host field (RFC 9112 §3.2.2)", () => {
  const targets: Record<string, string | undefined> = {
    "http://A.example:81/p?q#f": "a.example",
    "https://a.example": "a.example",
    "http://a.example?q": "a.example",
    "ws+unix://[::1]:1/": "::1",
    "http:///p": undefined,
    "http://user:password@a.example/": undefined,
  };
  for (const [target, host] of Object.entries(targets)) {
    assert.deepEqual(ask(`GET ${target} HTTP/1.1\r\n`), match("1.1", host), target);
    assert.deepEqual(ask(`GET ${target} HTTP/1.1\r\nHost: b\r\n\r\n`), match("1.1", host), target);
  }
  assert.deepEqual(ask("GET /http://a/ HTTP/1.1\r\nHost: b\r\n"), match("1.1", "b"), "a path");
});

Deno.test("CONNECT names the host in its target (RFC 9112 §3.2.3)", () => {
  assert.deepEqual(
    ask("CONNECT A.example:443 HTTP/1.1\r\nHost: b\r\n\r\n"),
    match("1.1", "a.example"),
  );
  assert.deepEqual(ask("CONNECT [::1]:443 HTTP/1.1\r\n"), match("1.1", "::1"));
});

Deno.test("the HTTP/2 preface is HTTP, without a host (RFC 9113 §3.4)", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  assert.deepEqual(ask(preface), match("2"));
  assert.deepEqual(ask(preface + "\0\0\0\x04\0\0\0\0\0"), match("2"));
  for (let length = 0; length < preface.length; length++) {
    const head = preface.slice(0, length);
    assert.deepEqual(ask(head), { kind: "need", bytes: length + 1 }, `${length} bytes`);
    if (length > "PRI * ".length) {
      assert.deepEqual(ask(head + "?"), NO, `${length} bytes and a strange one`);
    }
  }
});

Deno.test("a request line of 8,200 bytes is HTTP", () => {
  assert.deepEqual(ask(`GET /${"a".repeat(8184)} HTTP/1.1\r\n\r\n`), match("1.1"));
});

Deno.test("a head without an end is not waited for: 16 KiB or 128 fields", () => {
  const line = "GET / HTTP/1.1\r\n";
  assert.deepEqual(ask("GET /" + "a".repeat(17_000)), NO);
  assert.deepEqual(ask(line + "Cookie: " + "a".repeat(17_000)), NO);
  assert.deepEqual(
    ask(line + `Cookie: ${"a".repeat(1000)}\r\n`.repeat(17) + "Host: a\r\n\r\n"),
    NO,
  );
  assert.deepEqual(ask(line + `Cookie: ${"a".repeat(1000)}\r\n`.repeat(16)).kind, "need");
  assert.deepEqual(ask(line + "A:\r\n".repeat(127) + "Host: a\r\n"), match("1.1", "a"));
  assert.deepEqual(ask(line + "A:\r\n".repeat(128) + "Host: a\r\n"), NO);
});

Deno.test("a request that ends before its Host is not HTTP", () => {
  for (
    const head of ["", "GET", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a"]
  ) {
    assert.deepEqual(ask(head, true), NO, JSON.stringify(head));
  }
});
