import assert from "node:assert/strict";
import { Talk, textOf } from "../../../support/http_talk.ts";

const GET = "GET /a?b HTTP/1.1\r\nHost: blog.example\r\nAccept: */*\r\n\r\n";
const HEAD = GET.replace("GET", "HEAD");
const POST = "POST /form HTTP/1.1\r\nHost: blog.example\r\nContent-Length: 5\r\n\r\nhello";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
const EMPTY = "HTTP/1.1 204 No Content\r\n\r\n";

/** Asserts that everything went by as it was. */
function passes(talk: Talk, up: string, down: string): void {
  assert.equal(talk.upText, up);
  assert.equal(talk.downText, down);
}

Deno.test("a request and its answer go by as they are, and are one exchange", () => {
  const talk = new Talk().asks(POST);
  talk.clock.advance(10);
  talk.says(OK.slice(0, -1));
  talk.clock.advance(5);
  talk.says(OK.slice(-1)).ends();
  passes(talk, POST, OK);
  assert.deepEqual(talk.events, ["began 1", "responded 1", "answered 1", "ended 1"]);
  const [exchange] = talk.exchanges;
  assert.deepEqual(exchange?.place, { endpoint: "blog", visitor: "192.0.2.7:4711" });
  assert.equal(exchange.startedAt, Date.UTC(2026, 0, 1));
  assert.equal(exchange.request.method, "POST");
  assert.equal(exchange.request.target, "/form");
  assert.deepEqual(exchange.request.fields, [["Host", "blog.example"], ["Content-Length", "5"]]);
  assert.equal(textOf(exchange.requestBody.bytes), "hello");
  assert.equal(exchange.response?.status, 200);
  assert.equal(exchange.response.reason, "OK");
  assert.equal(textOf(exchange.responseBody.bytes), "yes");
  assert.equal(exchange.waited, 10);
  assert.equal(exchange.duration, 15);
  assert.equal(exchange.outcome, "complete");
});

Deno.test("the time of a request counts from its first byte", () => {
  const talk = new Talk().asks(GET.slice(0, 3));
  talk.clock.advance(7);
  talk.asks(GET.slice(3)).says(OK);
  assert.equal(talk.exchanges[0]?.duration, 7);
  assert.equal(talk.exchanges[0]?.startedAt, Date.UTC(2026, 0, 1));
});

Deno.test("a connection is kept alive for any number of requests", () => {
  const talk = new Talk();
  for (let i = 0; i < 100; i++) talk.asks(GET).says(OK).asks(HEAD).says(OK.slice(0, -3));
  talk.ends();
  assert.equal(talk.exchanges.length, 200);
  assert.ok(talk.outcomes.every((outcome) => outcome === "complete"));
  passes(talk, (GET + HEAD).repeat(100), (OK + OK.slice(0, -3)).repeat(100));
});

Deno.test("requests may be sent before the first is answered", () => {
  const talk = new Talk().asks(GET + POST + HEAD);
  assert.deepEqual(talk.events, ["began 1", "began 2", "began 3"]);
  talk.says(OK + EMPTY + OK.slice(0, -3)).ends();
  assert.deepEqual(talk.exchanges.map(({ response }) => response?.status), [200, 204, 200]);
  assert.deepEqual(talk.outcomes, ["complete", "complete", "complete"]);
});

Deno.test("of requests that wait for their answers there are 32, and the next one is refused when they have them", () => {
  const talk = new Talk().asks(GET.repeat(33));
  passes(talk, GET.repeat(32), "");
  assert.equal(talk.tap.answer, undefined);
  talk.says(OK.repeat(31));
  assert.equal(talk.tap.answer, undefined);
  talk.says(OK);
  assert.ok(talk.downText.startsWith(`${OK.repeat(32)}HTTP/1.1 503 `));
  assert.equal(talk.outcomes.at(-1), "refused");
});

Deno.test("requests that wait for their answers have heads of 256 kB and one more together", () => {
  const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(65_000)}\r\n\r\n`;
  const talk = new Talk().asks(long.repeat(6));
  assert.equal(talk.upText, long.repeat(5));
  talk.says(OK.repeat(5));
  assert.match(talk.downText, /HTTP\/1.1 503 /);
});

Deno.test("100 Continue, and hints, are no answers", () => {
  const asked = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n").slice(0, -5);
  const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const talk = new Talk().asks(asked).says(interim);
  assert.deepEqual(talk.events, ["began 1"]);
  talk.asks("hello").says(OK).ends();
  passes(talk, `${asked}hello`, interim + OK);
  assert.deepEqual(talk.exchanges[0]?.interim, [100, 103]);
  assert.deepEqual(talk.events, ["began 1", "responded 1", "answered 1", "ended 1"]);
});

Deno.test("a WebSocket is an exchange that lasts until the visit is over, and its bytes go by as they are", () => {
  const asked = GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  const talk = new Talk().asks(asked).says(`${switched}\x81\x02hi`);
  assert.deepEqual(talk.events, ["began 1", "responded 1", "answered 1"]);
  talk.asks("GET / HTTP/1.1\r\n\r\n\x00\xff").says(OK);
  talk.ends();
  passes(talk, `${asked}GET / HTTP/1.1\r\n\r\n\x00\xff`, `${switched}\x81\x02hi${OK}`);
  const [exchange] = talk.exchanges;
  assert.equal(talk.events.at(-1), "ended 1");
  assert.equal(talk.exchanges.length, 1);
  assert.equal(exchange?.upgradedTo, "websocket");
  assert.equal(exchange.outcome, "complete");
  assert.equal(exchange.requestBody.length, 20);
  assert.equal(exchange.responseBody.length, 4 + OK.length);
  assert.equal(exchange.kept, 0);
});

Deno.test("an upgrade that the service refuses is an exchange like any other", () => {
  const asked = GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const talk = new Talk().asks(asked).says(OK).asks(GET).says(OK).ends();
  assert.deepEqual(talk.outcomes, ["complete", "complete"]);
  assert.equal(talk.exchanges[0]?.upgradedTo, undefined);
});

Deno.test("what a visitor has sent of another protocol before the switch goes on with what comes then", () => {
  const asked = GET.replace("\r\n\r\n", "\r\nUpgrade: x\r\n\r\n");
  const talk = new Talk().asks(`${asked}early`).says("HTTP/1.1 101 \r\n\r\n").asks(" late");
  assert.equal(talk.upText, `${asked}early late`);
});

Deno.test("CONNECT becomes a tunnel if the service agrees", () => {
  const asked = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";
  const refused = new Talk().asks(asked).says(OK).asks("\0\x01").says("\x02").ends();
  passes(refused, `${asked}\0\x01`, `${OK}\x02`);
  assert.equal(refused.exchanges[0]?.upgradedTo, "CONNECT");
  const talk = new Talk().asks(asked).says(OK.replace("200 OK", "403 No")).asks(GET).says(OK)
    .ends();
  assert.deepEqual(talk.exchanges.map(({ response }) => response?.status), [403, 200]);
});

Deno.test("HTTP/2 is passed on without a look inside: with prior knowledge, and by an upgrade", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
  const known = new Talk().asks(preface.slice(0, 20)).asks(preface.slice(20)).says("\0\0\0").ends();
  passes(known, preface, "\0\0\0");
  assert.equal(known.exchanges[0]?.upgradedTo, "h2c");
  assert.deepEqual(known.events, ["began 1", "answered 1", "ended 1"]);

  const asked = GET.replace(
    "\r\n\r\n",
    "\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
  );
  const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04";
  const upgraded = new Talk().asks(asked).says(switched).asks(preface).ends();
  passes(upgraded, asked + preface, switched);
});

Deno.test("an answer may come before its request is over", () => {
  const talk = new Talk().asks(POST.slice(0, -3)).says(OK);
  assert.deepEqual(talk.events, ["began 1", "responded 1", "answered 1"]);
  talk.asks("llo");
  assert.equal(talk.events.at(-1), "ended 1");
  assert.equal(textOf(talk.exchanges[0]!.requestBody.bytes), "hello");
  talk.asks(GET).says(EMPTY).ends();
  assert.deepEqual(talk.outcomes, ["complete", "complete"]);
});

Deno.test("a request that gets no answer, or half of one, is told of when the visit is over", () => {
  const talk = new Talk().asks(GET + GET).says(OK.slice(0, -1)).ends();
  assert.deepEqual(talk.outcomes, ["cut_short", "unanswered"]);
  const events = [
    "began 1",
    "began 2",
    "responded 1",
    "answered 1",
    "ended 1",
    "answered 2",
    "ended 2",
  ];
  assert.deepEqual(talk.events, events);
  const half = new Talk().asks(POST.slice(0, -1)).ends();
  assert.deepEqual(half.events, ["began 1", "answered 1", "ended 1"]);
});

Deno.test("an answer without a length lasts until the service ends it", () => {
  const answer = "HTTP/1.0 200 OK\r\n\r\nand so on";
  const talk = new Talk().asks(GET).says(answer);
  assert.deepEqual(talk.events, ["began 1", "responded 1"]);
  talk.ends();
  passes(talk, GET, answer);
  assert.deepEqual(talk.outcomes, ["complete"]);
  assert.equal(textOf(talk.exchanges[0]!.responseBody.bytes), "and so on");
});

Deno.test("chunked bodies are kept without their framing, and go by with it", () => {
  const chunks = "5;a=b\r\nhello\r\n1 \r\n\xff\r\n0\r\nX-Sum: 7\r\n\r\n";
  const asked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n" + chunks;
  const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
  const talk = new Talk().asks(asked + asked).says(answer + answer).ends();
  passes(talk, asked + asked, answer + answer);
  assert.deepEqual(talk.outcomes, ["complete", "complete"]);
  assert.equal(textOf(talk.exchanges[1]!.requestBody.bytes), "hello\xff");
  assert.equal(textOf(talk.exchanges[1]!.responseBody.bytes), "hello\xff");
});

Deno.test("of a long body the beginning is kept, and all of it is counted", () => {
  const asked = POST.replace("5\r\n\r\nhello", `2000\r\n\r\n${"x".repeat(600)}`);
  const talk = new Talk().asks(asked).asks("y".repeat(600)).asks("z".repeat(800)).says(OK);
  const { requestBody } = talk.exchanges[0]!;
  assert.equal(textOf(requestBody.bytes), "x".repeat(600) + "y".repeat(400));
  assert.equal(requestBody.length, 2000);
  assert.equal(requestBody.isWhole, false);
  assert.equal(new Talk({ keeps: 0 }).asks(POST).says(OK).exchanges[0]?.kept, 0);
});

Deno.test("what an exchange forgets it keeps no more of", () => {
  const talk = new Talk().asks(POST.slice(0, -3));
  const { requestBody } = talk.exchanges[0]!;
  assert.equal(textOf(requestBody.bytes), "he");
  talk.exchanges[0]!.forget();
  talk.asks("llo");
  assert.equal(requestBody.bytes.length, 0);
  assert.equal(requestBody.length, 5);
});

Deno.test("empty lines before a request are passed over, and on", () => {
  const talk = new Talk().asks(`\r\n\r\n${GET}`).says(OK).ends();
  passes(talk, `\r\n\r\n${GET}`, OK);
  assert.equal(talk.exchanges[0]?.request.method, "GET");
});

/** Requests that another reader might take for something else (RFC 9112 §6.3, §11), and the first line that is answered. */
const AMBIGUOUS: Readonly<Record<string, string>> = {
  "both lengths":
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
  "two lengths": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
  "the same length twice":
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
  "a list of lengths": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
  "a signed length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
  "a length in hex": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
  "an empty length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
  "a huge length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740992\r\n\r\n",
  "identity": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
  "chunked first": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
  "chunked with a tab": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
  "xchunked": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
  "two codings":
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
  "chunked in 1.0": "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  "a folded line": "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
  "space before a colon": "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
  "no colon": "GET / HTTP/1.1\r\nHost\r\n\r\n",
  "no name": "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
  "a bare CR": "GET / HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
  "a bare LF": "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
  "bare LFs": "GET / HTTP/1.1\nHost: a\n\n",
  "a NUL": "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
  "two spaces": "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
  "a space in the target": "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
  "a tab in the target": "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n",
  "no version": "GET /\r\nHost: a\r\n\r\n",
  "a long version": "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
  "a lower-case version": "GET / http/1.1\r\nHost: a\r\n\r\n",
  "no Host": "GET / HTTP/1.1\r\n\r\n",
  "two Hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
  "a list of Hosts": "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
  "a Host with a user": "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
  "another Host in the target": "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
};

Deno.test("a request that is ambiguous is answered 400, and nothing of it goes on", () => {
  for (const [what, request] of Object.entries(AMBIGUOUS)) {
    const talk = new Talk().asks(GET).says(OK).asks(request).asks(GET).says(OK).ends();
    assert.equal(talk.upText, GET, what);
    assert.match(talk.downText.slice(OK.length), /^HTTP\/1\.1 400 Bad Request\r\n/, what);
    assert.match(talk.downText, /\r\nConnection: close\r\n/, what);
    assert.deepEqual(talk.outcomes, ["complete", "refused"], what);
    assert.equal(talk.exchanges[1]?.response?.status, 400, what);
    assert.equal(talk.events.at(-1), "ended 2", what);
  }
});

Deno.test("other refusals say what is the matter", () => {
  const requests: ReadonlyArray<readonly [string, number]> = [
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br, chunked\r\n\r\n", 501],
    ["GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505],
    [`GET / HTTP/1.1\r\nX: ${"x".repeat(65_536)}`, 431],
    [`GET / HTTP/1.1\r\nHost: a\r\n${"a:\r\n".repeat(1_000)}\r\n`, 431],
  ];
  for (const [request, status] of requests) {
    const talk = new Talk().asks(request);
    assert.equal(talk.upText, "");
    assert.equal(Number(talk.downText.slice(9, 12)), status);
  }
});

Deno.test("a body that breaks its framing ends the visit, and is answered if it has no answer yet", () => {
  const asked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  const broken = [
    "g\r\n",
    "\r\n",
    "-1\r\n",
    "0x5\r\n",
    "5 5\r\n",
    "5\n",
    "5\r\r\n",
    "1234567890abc\r\n",
    `1;${"x".repeat(5000)}`,
    "1\r\nab",
    "1\r\nab\r\n",
    "1\r\na\n",
    "0\r\nX\r\n",
    "0\r\nX: y\n",
    `0\r\n${`X: ${"x".repeat(4000)}\r\n`.repeat(5)}`,
  ];
  for (const chunk of broken) {
    const fresh = new Talk().asks(asked).asks(chunk).asks("\r\n").ends();
    assert.match(fresh.downText, /^HTTP\/1\.1 400 /, JSON.stringify(chunk));
    assert.ok(fresh.upText.startsWith(asked));
    assert.deepEqual(fresh.outcomes, ["refused"]);
    // In the midst of an answer another one has no place.
    const begun = new Talk().asks(asked).says(OK.slice(0, -1)).asks(chunk).asks("\r\n").ends();
    assert.equal(begun.downText, OK.slice(0, -1));
    assert.deepEqual(begun.outcomes, ["refused"]);
    const answered = new Talk().asks(asked).says(OK).asks(chunk).asks("\r\n").ends();
    assert.equal(answered.downText, OK);
    assert.deepEqual(answered.outcomes, ["complete"]);
    for (const talk of [fresh, begun, answered]) assert.notEqual(talk.tap.answer, undefined);
  }
});

Deno.test("a refusal waits until the requests before it have been answered", () => {
  const talk = new Talk().asks(`${GET + POST}GET / HTTP/1.1\r\n\r\n${GET}`);
  assert.equal(talk.upText, GET + POST);
  talk.says(OK);
  assert.equal(talk.tap.answer, undefined);
  talk.says(`${OK}what nobody asked for`);
  assert.match(talk.downText.slice(2 * OK.length), /^HTTP\/1\.1 400 /);
  talk.ends();
  assert.deepEqual(talk.outcomes, ["complete", "complete", "refused"]);
});

Deno.test("HEAD is refused without a body", () => {
  assert.match(new Talk().asks("HEAD / HTTP/1.1\r\n\r\n").downText, /\r\n\r\n$/);
});

Deno.test("what is no HTTP is passed on to the visitor, and belongs to the request that waited for it", () => {
  const answers = [
    "ICY 200 OK\r\n\r\nmusic",
    "SSH-2.0-x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhat",
    `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`,
  ];
  for (const answer of answers) {
    const talk = new Talk().asks(GET).says(answer).says(`${OK} and more\r\n`).asks(GET).ends();
    passes(talk, GET + GET, `${answer + OK} and more\r\n`);
    assert.equal(talk.outcomes[0], "malformed", answer.slice(0, 40));
  }
});

Deno.test("an answer that nobody asked for is passed on", () => {
  const talk = new Talk().asks(GET).says(OK + OK.replace("200 OK", "408 Late")).ends();
  passes(talk, GET, OK + OK.replace("200 OK", "408 Late"));
  assert.deepEqual(talk.outcomes, ["complete"]);
});

Deno.test("of a service bare LFs and folded lines are taken", () => {
  const answer = "\nHTTP/1.1 200\nX: a\n b\nContent-Length: 3\n\nyes";
  const talk = new Talk().asks(GET).says(answer).asks(GET).says(OK).ends();
  assert.deepEqual(talk.outcomes, ["complete", "complete"]);
  assert.deepEqual(talk.exchanges[0]?.response, {
    status: 200,
    reason: "",
    version: "1.1",
    fields: [["X", "a b"], ["Content-Length", "3"]],
  });
});

Deno.test("a request for another name is answered 421", () => {
  const other = GET.replace("blog.example", "shop.example");
  for (const same of ["blog.example", "BLOG.example:8080", "blog.example."]) {
    const talk = new Talk({ name: "blog.example" }).asks(GET.replace("blog.example", same)).says(
      OK,
    );
    assert.equal(talk.downText, OK);
    talk.asks(other);
    assert.match(talk.downText, /HTTP\/1\.1 421 Misdirected Request\r\n/);
    assert.equal(talk.ends().outcomes.join(), "complete,refused");
  }
  for (const none of ["GET / HTTP/1.0\r\n\r\n", "GET http://shop.example/ HTTP/1.0\r\n\r\n"]) {
    assert.match(new Talk({ name: "blog.example" }).asks(none).downText, /^HTTP\/1\.1 421 /);
  }
});

const credentials = ["alice:wonder:land", "bob:p\xe4ss"];
const withAuthorization = (value: string) =>
  GET.replace("\r\n\r\n", `\r\nAuthorization: ${value}\r\n\r\n`);

Deno.test("with a password every request has to say it, and it is not passed on", () => {
  for (const who of ["alice:wonder:land", "bob:p\xc3\xa4ss"]) {
    const asked = withAuthorization(`Basic ${btoa(who)}`);
    const talk = new Talk({ credentials }).asks(asked).says(OK).asks(asked).says(OK).asks(GET)
      .ends();
    assert.equal(talk.upText, GET + GET);
    assert.match(
      talk.downText.slice(2 * OK.length),
      /^HTTP\/1\.1 401 Unauthorized\r\n[^]*\r\nWWW-Authenticate: Basic realm="sluice", charset="UTF-8"\r\n/,
    );
    assert.deepEqual(talk.outcomes, ["complete", "complete", "refused"]);
  }
});

Deno.test("a wrong password is as good as none", () => {
  const wrong = [
    `Basic ${btoa("alice:wonder")}`,
    `Basic ${btoa("alice:wonder:land ")}`,
    `Basic ${btoa("")}`,
    "Basic",
    "Basic !",
    `Bearer ${btoa("alice:wonder:land")}`,
    `Basic ${btoa("alice:wonder:land")}\r\nAuthorization: Basic ${btoa("bob")}`,
  ];
  for (const value of wrong) {
    const talk = new Talk({ credentials }).asks(withAuthorization(value));
    assert.match(talk.downText, /^HTTP\/1\.1 401 /, value);
    assert.equal(talk.upText, "");
  }
});

Deno.test("with a password no connection becomes one of HTTP/2, whose requests could not be asked for it", () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  assert.match(new Talk({ credentials }).asks(preface).downText, /^HTTP\/1\.1 505 /);
  const upgrade = "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
  const asked = withAuthorization(`Basic ${btoa("alice:wonder:land")}`).replace(/\r\n$/, upgrade);
  assert.equal(new Talk({ credentials }).asks(asked).upText, GET);
  const other = asked.replace("h2c", "websocket");
  assert.match(new Talk({ credentials }).asks(other).upText, /Upgrade: websocket/);
});

Deno.test("the service is told who asked for what, whatever the visitor says of it", () => {
  const said = "x-forwarded-for: 10.0.0.1\r\nX_Forwarded_For: 10.0.0.2\r\nForwarded: for=x\r\n";
  const asked = GET.replace("\r\n\r\n", `\r\n${said}X-Forwarded-Proto: https\r\n\r\n`);
  const told = [
    "X-Forwarded-For: 192.0.2.7",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: blog.example",
    'Forwarded: for="192.0.2.7:4711";proto=http;host="blog.example"',
    "",
    "",
  ].join("\r\n");
  const talk = new Talk({ forwarded: "replace" }).asks(asked);
  assert.equal(talk.upText, GET.slice(0, -2) + told);
  assert.ok(
    talk.exchanges[0]?.request.fields.some(([name]) => name === "Forwarded"),
    "as passed on",
  );
});

Deno.test("behind a proxy that is believed the visitor's address is put behind what that one says", () => {
  const asked = GET.replace(
    "\r\n\r\n",
    "\r\nX-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nX-Forwarded-Proto: https\r\n\r\n",
  );
  const visitor = { address: "::ffff:192.0.2.7", port: 1 };
  const { upText } = new Talk({ forwarded: "append", visitor }).asks(asked);
  assert.match(upText, /\r\nX-Forwarded-For: 10\.0\.0\.1, 192\.0\.2\.7\r\n/);
  assert.match(upText, /\r\nForwarded: for=10\.0\.0\.1, for="192\.0\.2\.7:1";proto=http;host=/);
  assert.match(upText, /\r\nX-Forwarded-Proto: https\r\n/);
  const over6 = new Talk({ forwarded: "append", visitor: { address: "2001:db8::1", port: 2 } });
  assert.match(over6.asks(GET).upText, /\r\nForwarded: for="\[2001:db8::1\]:2";/);
});

Deno.test("the service may be asked for another Host, and everything else stays as it is", () => {
  const asked = "GET http://blog.example/a HTTP/1.1\r\nX:   y \r\nhost: blog.example\r\n\r\n";
  const talk = new Talk({ host: "localhost:3000", name: "blog.example" }).asks(asked);
  assert.equal(
    talk.upText,
    "GET http://localhost:3000/a HTTP/1.1\r\nHost: localhost:3000\r\nX:   y \r\n\r\n",
  );
  assert.equal(
    new Talk({ host: "b" }).asks("GET / HTTP/1.0\r\n\r\n").upText,
    "GET / HTTP/1.0\r\nHost: b\r\n\r\n",
  );
});

Deno.test("what is not changed is passed on without a copy", () => {
  const { tap } = new Talk();
  const bytes = new TextEncoder().encode(GET + POST);
  const passed = tap.up(bytes);
  assert.equal(passed.buffer, bytes.buffer);
  assert.equal(passed.length, bytes.length);
});
