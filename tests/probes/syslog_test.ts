import assert from "node:assert/strict";
import { syslog, syslogDatagram } from "../../probes/syslog.ts";
import { bytes } from "../support/bytes.ts";
import { overlooked } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (text: string, final = false) => syslog(bytes(text), final);
const match = (format: string, framing = "non-transparent") => ({
  kind: "match",
  facts: { protocol: "syslog", details: { format, framing } },
});

Deno.test("the first example of RFC 5424 §6.5 is syslog once its time has arrived", () => {
  const time = "<34>1 2003-10-11T22:14:15";
  assert.deepEqual(ask(`${time}.003Z mymachine.example.com su - ID47 - …`), match("rfc5424"));
  assert.deepEqual(ask(time), match("rfc5424"));
  assert.deepEqual(ask(time.slice(0, -1)), { kind: "need", bytes: time.length });
  assert.deepEqual(ask(time.slice(0, -1), true), NO);
});

Deno.test("a message of RFC 5424 may say that it knows no time", () => {
  assert.deepEqual(ask("<13>1 - "), match("rfc5424"));
  assert.deepEqual(ask("<13>1 -x"), NO);
});

Deno.test("the examples of RFC 3164 §5.4 are syslog, the day padded with a space too", () => {
  assert.deepEqual(ask("<34>Oct 11 22:14:15 mymachine su: …"), match("rfc3164"));
  assert.deepEqual(ask("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!"), match("rfc3164"));
});

Deno.test("every month is one", () => {
  for (const month of "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")) {
    assert.deepEqual(ask(`<0>${month} 31 23:59:59`), match("rfc3164"), month);
  }
  for (const month of ["jan", "Jas", "Mas", "Okt", "Mon"]) assert.deepEqual(ask(`<0>${month}`), NO);
});

Deno.test("a time of RFC 3339 without a version before it is the older format, as relays write it", () => {
  assert.deepEqual(ask("<13>2026-11-21T06:55:54+00:00 vm x:"), match("rfc3164"));
  assert.deepEqual(ask("<13>1999-11-21T06:55:54+00:00 vm x:"), match("rfc3164"));
});

Deno.test("octets may be counted before the message (RFC 6587 §3.4.1)", () => {
  assert.deepEqual(ask("95 <13>1 - "), match("rfc5424", "octet-counting"));
  assert.deepEqual(ask("34 <13>Nov 21 06:52:25"), match("rfc3164", "octet-counting"));
  for (const count of ["0 ", "01", "15 ", "1048577", "x", " ", "-"]) {
    assert.deepEqual(ask(count), NO, count);
  }
  assert.equal(ask("1048576 <13>1 - ").kind, "match");
  assert.deepEqual(ask("95  "), NO);
});

Deno.test("a priority is 0 to 191, without leading zeros", () => {
  for (const priority of ["0", "9", "13", "100", "191"]) {
    assert.deepEqual(ask(`<${priority}>1 - `), match("rfc5424"), priority);
  }
  for (const priority of [">", "00", "013", "192", "1911", "999", "-", "1x", " 1"]) {
    assert.deepEqual(ask(`<${priority}`), NO, priority);
  }
});

Deno.test("one wrong byte in the constant parts says no", () => {
  const rfc5424 = bytes("<191>1 2003-10-11T22:14:15.003Z");
  assert.deepEqual(overlooked(syslog, rfc5424, [4, 11, 14, 17, 20, 23]), []);
  assert.deepEqual(overlooked(syslog, rfc5424, [6], 10), [], "a digit would begin a year");
  const rfc3164 = bytes("<191>Oct 11 22:14:15");
  assert.deepEqual(overlooked(syslog, rfc3164, [4, 6, 7, 8, 11, 14, 17]), []);
});

Deno.test("what is no digit of a date or a time says no", () => {
  const heads = ["1 2003-2", "1 2003-1x", "1 2003-10-4", "1 2003-10-11T3", "1 2003-10-11T22:6"];
  for (const head of [...heads, "Oct 4", "Oct xx", "Oct 11 3", "Oct 11 22:6", "2 -", "1x", "x"]) {
    assert.deepEqual(ask(`<13>${head}`), NO, head);
  }
});

const askDatagram = (text: string) => syslogDatagram([bytes(text)], false);
const datagramMatch = (format: string) => ({
  kind: "match",
  facts: { protocol: "syslog", details: { format } },
});

Deno.test("a datagram is syslog with the time of either format", () => {
  assert.deepEqual(
    askDatagram("<34>1 2003-10-11T22:14:15.003Z host su - - -"),
    datagramMatch("rfc5424"),
  );
  assert.deepEqual(askDatagram("<34>1 - "), datagramMatch("rfc5424"));
  assert.deepEqual(askDatagram("<34>Oct 11 22:14:15 mymachine su: …"), datagramMatch("rfc3164"));
  assert.deepEqual(askDatagram("<34>Oct 11 22:14:15\0\x01\x02"), datagramMatch("rfc3164"));
});

Deno.test("a datagram without a time is syslog if it is text (RFC 3164 §4.3.2)", () => {
  const texts = [
    "Use the BFG!",
    "1",
    "1 2",
    "Oct",
    "Oct 11 22:14",
    "a\tb\r\nc\0",
    "caf\xc3\xa9",
    "<1>",
  ];
  for (const text of texts) {
    assert.deepEqual(askDatagram(`<0>${text}`), datagramMatch("untimed"), JSON.stringify(text));
  }
  for (const text of ["", "\0", "a\0b", "a\0\0", "\x01", "a\x7f", "a\x1b[0m"]) {
    assert.deepEqual(askDatagram(`<0>${text}`), NO, JSON.stringify(text));
  }
});

Deno.test("text of a datagram is looked at as far as 1 KiB", () => {
  assert.deepEqual(askDatagram(`<0>${"a".repeat(1023)}\x01`), NO);
  assert.deepEqual(askDatagram(`<0>${"a".repeat(1024)}\x01`), datagramMatch("untimed"));
});

Deno.test("octets are not counted in a datagram, and a priority is as over TCP", () => {
  for (
    const text of ["", "<", "<>a", "<192>a", "<01>a", "<1", "<1a>b", "34 <13>Nov 21 06:52:25", "a"]
  ) {
    assert.deepEqual(askDatagram(text), NO, text);
  }
});
