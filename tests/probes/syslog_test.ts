import assert from "node:assert/strict";
import { syslog } from "../../probes/syslog.ts";
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
