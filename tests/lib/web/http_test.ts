import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Answer,
  answer,
  formatAnswer,
  type Page,
  parseRequest,
  type Request,
} from "../../../lib/web/http.ts";
import { bytesOf } from "../../support/rig.ts";

const parse = (text: string, final = false) => parseRequest(bytesOf(text), final);
const asked = (method: string, path: string): Request => ({
  method,
  path,
  query: "",
  fields: new Map(),
});
/** What of a request is of account to most. */
const brief = (parsed: ReturnType<typeof parse>) =>
  parsed.kind === "match" ? [parsed.request.method, parsed.request.path] : parsed;
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a request is its method and its path, without a query", () => {
  const requests: Readonly<Record<string, string>> = {
    "GET /metrics HTTP/1.1": "/metrics",
    "GET /metrics?name[]=a?b HTTP/1.1": "/metrics",
    "GET /? HTTP/1.0": "/",
    "GET http://localhost:9464/metrics?x HTTP/1.1": "/metrics",
    "GET HTTPS://localhost HTTP/1.1": "",
    "GET * HTTP/1.1": "*",
    "GET //metrics HTTP/1.1": "//metrics",
  };
  for (const [line, path] of Object.entries(requests)) {
    assert.deepEqual(brief(parse(`${line}\r\nHost: x\r\n\r\n`)), ["GET", path], line);
  }
});

Deno.test("lines may end with a line feed alone, as those that people type", () => {
  assert.deepEqual(brief(parse("HEAD /healthz HTTP/1.0\n\n")), ["HEAD", "/healthz"]);
});

Deno.test("what follows the head is of no account", () => {
  assert.deepEqual(brief(parse("POST /a HTTP/1.1\r\n\r\n\n\0GET /b")), ["POST", "/a"]);
});

Deno.test("until the head is complete one byte more is asked for, and without it there is no request", () => {
  const whole = "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
  for (let length = 0; length < whole.length; length++) {
    const part = whole.slice(0, length);
    assert.deepEqual(parse(part), { kind: "need", bytes: length + 1 }, part);
    assert.deepEqual(parse(part, true), { kind: "no" }, part);
  }
});

Deno.test("what is no request is known by its first line", () => {
  const lines = [
    "",
    "GET /",
    "GET  / HTTP/1.1",
    "GET /a b HTTP/1.1",
    "GET /\x01 HTTP/1.1",
    "G(T / HTTP/1.1",
    " GET / HTTP/1.1",
    "GET / HTTP/2.0",
    "GET / HTTP/1.1 ",
    "SSH-2.0-OpenSSH_9.9",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  ];
  for (const line of lines) assert.deepEqual(parse(`${line}\r\n`), { kind: "no" }, line);
});

Deno.test("no bytes make the parser throw, and once they are all there it has an answer", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ maxLength: 60 }).map((text) => bytesOf(`GET /${text} HTTP/1.1\r\n\r\n`)),
  );
  fc.assert(fc.property(bytes, (bytes) => {
    const early = parseRequest(bytes, false);
    if (early.kind === "need") assert.equal(early.bytes, bytes.length + 1);
    else assert.deepEqual(parseRequest(bytes, true), early);
    assert.notEqual(parseRequest(bytes, true).kind, "need");
  }));
});

Deno.test("the query and the fields of a request are there for who asks for them", () => {
  const parsed = parse("GET /a?b=c?d HTTP/1.1\r\nHOST:  x \r\nx: 1\nX: 2\r\n\r\nBody: 3\r\n\r\n");
  assert.ok(parsed.kind === "match");
  assert.equal(parsed.request.query, "b=c?d");
  assert.deepEqual([...parsed.request.fields], [["host", "x"], ["x", "1, 2"]]);
});

const page: Page = () => ({ status: 200, body: "" });
const PAGES = new Map([["/a", page], ["/b", page]]);

Deno.test("a path without a page is 404, and the answer says which there are", async () => {
  for (const path of ["/", "", "/A", "/a/", "*", "/constructor", "__proto__"]) {
    const found = await answer(asked("GET", path), { pages: PAGES });
    assert.deepEqual(found, { status: 404, body: "/a\n/b\n" }, path);
  }
});

Deno.test("other methods than GET and HEAD are 405, and no page is made", async () => {
  const pages = new Map([["/a", () => assert.fail("made")]]);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "get", "CONNECT"]) {
    const found = await answer(asked(method, "/a"), { pages });
    assert.equal(found.status, 405, method);
    assert.match(textOf(formatAnswer(found, 0)), /\r\nAllow: GET, HEAD\r\n/);
  }
});

Deno.test("an answer says what it is, how long it is, and that the connection ends with it", () => {
  const made = { status: 200, body: "über\n", contentType: "text/x" } as const;
  const date = Date.UTC(1994, 10, 6, 8, 49, 37);
  assert.equal(
    textOf(formatAnswer(made, date, asked("GET", "/a"))),
    [
      "HTTP/1.1 200 OK",
      "Date: Sun, 06 Nov 1994 08:49:37 GMT",
      "Content-Type: text/x",
      "Content-Length: 6",
      "Cache-Control: no-store",
      "X-Content-Type-Options: nosniff",
      "Connection: close",
      "",
      "über\n",
    ].join("\r\n"),
  );
});

Deno.test("HEAD gets the head of the same answer", () => {
  const made = { status: 200, body: "über\n" } as const;
  const whole = textOf(formatAnswer(made, 0, asked("GET", "/a")));
  const head = textOf(formatAnswer(made, 0, asked("HEAD", "/a")));
  assert.equal(`${head}über\n`, whole);
});

Deno.test("an action is done by POST alone, and its path is no page", async () => {
  const actions = new Map([["/do", (): Answer => ({ status: 200, body: "done" })]]);
  const site = { pages: PAGES, actions };
  assert.equal((await answer(asked("POST", "/do"), site)).body, "done");
  assert.equal((await answer(asked("POST", "/a"), site)).status, 405);
  const refused = await answer(asked("GET", "/do"), site);
  assert.match(textOf(formatAnswer(refused, 0)), /^HTTP\/1.1 405 [^]*\r\nAllow: POST\r\n/);
});

Deno.test("who the guard turns away gets to no page", async () => {
  const guard = ({ fields }: Request) =>
    fields.has("x") ? undefined : { status: 403, body: "no" } as const;
  const pages = new Map([["/a", () => assert.fail("made")]]);
  assert.equal((await answer(asked("GET", "/a"), { pages, guard })).status, 403);
  const known = { ...asked("GET", "/a"), fields: new Map([["x", ""]]) };
  assert.equal((await answer(known, { pages: PAGES, guard })).status, 200);
});

Deno.test("a stream has no length, and fields of the site stand in every answer", () => {
  const stream = { status: 200, body: () => Promise.resolve(), contentType: "text/x" } as const;
  const head = textOf(formatAnswer(stream, 0, undefined, ["X-A: b"]));
  assert.doesNotMatch(head, /Content-Length/);
  assert.match(head, /\r\nX-A: b\r\n[^]*\r\n\r\n$/);
});
