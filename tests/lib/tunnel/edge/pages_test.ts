import assert from "node:assert/strict";
import { pageFor } from "../../../../lib/tunnel/edge/pages.ts";
import { bytesOf } from "../../../support/rig.ts";

const head = (fields = "", method = "GET") =>
  bytesOf(`${method} / HTTP/1.1\r\nHost: blog.t.example\r\n${fields}\r\n`);

function shown(
  reason: Parameters<typeof pageFor>[0],
  request = head(),
  detail?: string,
): { readonly fields: string; readonly body: string } {
  const page = pageFor(reason, "blog.t.example", detail, request);
  assert.ok(page);
  const text = new TextDecoder().decode(page);
  const end = text.indexOf("\r\n\r\n");
  return { fields: text.slice(0, end), body: text.slice(end + 4) };
}

Deno.test("each reason has its status; only those that pass say when to try again", () => {
  const statuses = {
    no_route: "404 Not Found",
    agent_away: "503 Service Unavailable",
    connect_failed: "502 Bad Gateway",
    limit_agent: "503 Service Unavailable",
    acl_denied: "403 Forbidden",
  } as const;
  for (const [reason, status] of Object.entries(statuses)) {
    const { fields } = shown(reason as keyof typeof statuses);
    assert.equal(fields.split("\r\n")[0], `HTTP/1.1 ${status}`);
    assert.equal(fields.includes("Retry-After: 5"), status.startsWith("503"), reason);
  }
  assert.equal(pageFor("ended", "x", undefined, head()), undefined);
});

Deno.test("a browser gets a page, everybody else text", () => {
  const accepts = {
    "Accept: text/html,application/xhtml+xml\r\n": "html",
    "accept: application/json, text/html;q=0.5\r\n": "html",
    "Accept: */*\r\n": "plain",
    "Accept: application/json\r\n": "plain",
    "": "plain",
    "X-Accept: text/html\r\n": "plain",
    "\r\nAccept: text/html\r\n": "plain",
  };
  for (const [fields, kind] of Object.entries(accepts)) {
    const { fields: answer, body } = shown("no_route", head(fields));
    assert.ok(answer.includes(`Content-Type: text/${kind}; charset=utf-8`), fields);
    assert.equal(body.startsWith("<!doctype html>"), kind === "html");
  }
});

Deno.test("the length is that of the body, which a HEAD request does not get", () => {
  for (const request of [head("Accept: text/html\r\n"), head()]) {
    const { fields, body } = shown("connect_failed", request, "127.0.0.1:3000: ä");
    const [, length] = /Content-Length: (\d+)/.exec(fields) ?? [];
    assert.equal(Number(length), new TextEncoder().encode(body).length);
  }
  const { fields, body } = shown("no_route", head("", "HEAD"));
  assert.equal(body, "");
  assert.ok(!fields.includes("Content-Length: 0"));
});

Deno.test("nothing that somebody else chose becomes part of the page's own text", () => {
  const { body } = shown("connect_failed", head("Accept: text/html\r\n"), `<script>"'&`);
  assert.ok(body.includes("<pre>&#60;script&#62;&#34;&#39;&#38;</pre>"));
  assert.ok(!body.includes("<script"));
});
