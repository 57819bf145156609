import assert from "node:assert/strict";
import { dns } from "../../probes/dns.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { overlookedBytes, overlookedLengths } from "../support/datagrams.ts";
import { range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (datagram: Uint8Array) => dns([datagram], false);

const NAME = "\x07example\x03com\0";
const A = "\0\x01";
const SOA = "\0\x06";
const IXFR = "\0\xfb";
const IN = "\0\x01";
/** An EDNS record without options (RFC 6891 §6.1.2). */
const OPT = "\0\0\x29\x04\xd0\0\0\0\0\0\0";
/** A record of the name that the question asks for, `data` long. */
const record = (data = 0) =>
  concat("\xc0\x0c", A, IN, "\0\0\0\0", prefixed(2, new Uint8Array(data)));

interface MessageParts {
  /** The second word of the header. */
  readonly flags?: number;
  readonly counts?: readonly [number, number, number, number];
  readonly question?: string;
  readonly records?: readonly (string | Uint8Array)[];
}

/** A message; a plain query where nothing else is said. */
function message(parts: MessageParts = {}) {
  const { flags = 0x0100, counts = [1, 0, 0, 0], question = NAME + A + IN, records = [] } = parts;
  const words = [0x1234, flags, ...counts].flatMap((word) => [word >> 8, word & 0xff]);
  return concat(Uint8Array.from(words), question, ...records);
}

const match = (name: string, type: string, operation = "query") => ({
  kind: "match",
  facts: { protocol: "dns", dnsName: name.toLowerCase(), details: { operation, name, type } },
});

Deno.test("a query gives the name and the type that it asks for", () => {
  assert.deepEqual(ask(message()), match("example.com", "A"));
  assert.deepEqual(
    ask(message({ question: "\x05mIxEd\x03Org\0\0\x1c\0\x01" })),
    match("mIxEd.Org", "AAAA"),
  );
  assert.deepEqual(
    ask(message({ question: `\x01a\0\xff\x01${IN}` })),
    match("a", "TYPE65281"),
  );
});

Deno.test("the root is a dot", () => {
  assert.deepEqual(ask(message({ question: `\0\0\x02${IN}` })), match(".", "NS"));
});

Deno.test("a byte that could be taken for another name is escaped", () => {
  const question = `\x09a.b\\c d\xff\0\x03com\0${A}${IN}`;
  assert.deepEqual(
    ask(message({ question })),
    match("a\\.b\\\\c\\032d\\255\\000.com", "A"),
  );
});

Deno.test("recursion desired, authentic data and checking disabled are the flags of a query", () => {
  for (const flags of [0, 0x0100, 0x0020, 0x0010, 0x0130]) {
    assert.equal(ask(message({ flags })).kind, "match", flags.toString(16));
  }
  for (const flags of [0x8000, 0x0400, 0x0200, 0x0080, 0x0040, 1, 2, 4, 8]) {
    assert.deepEqual(ask(message({ flags })), NO, flags.toString(16));
  }
});

Deno.test("an opcode is one that a client of a server has for UDP", () => {
  const question = NAME + SOA + IN;
  const accepted = range(0, 16).filter((opcode) =>
    ask(message({ flags: opcode << 11, question })).kind === "match"
  );
  assert.deepEqual(accepted, [0, 4, 5], "query, notify, update");
});

Deno.test("a query has one question, no answer, and no authority but for IXFR", () => {
  const counts: [number, number, number, number][] = [[0, 0, 0, 0], [2, 0, 0, 0], [1, 1, 0, 0], [
    1,
    0,
    1,
    0,
  ]];
  for (const each of counts) {
    const records = [record(4)];
    assert.deepEqual(ask(message({ counts: each, records })), NO, `${each}`);
    assert.deepEqual(ask(message({ counts: each })), NO, `${each}, without the record`);
  }
  const question = NAME + IXFR + IN;
  const counted = { counts: [1, 0, 1, 0] as const, records: [record(22)] };
  assert.deepEqual(ask(message({ question, ...counted })), match("example.com", "IXFR"));
  assert.deepEqual(ask(message({ question })), NO);
});

Deno.test("a query has up to two additional records, which are all there", () => {
  const counts = (additional: number) => [1, 0, 0, additional] as const;
  assert.equal(ask(message({ counts: counts(1), records: [OPT] })).kind, "match");
  assert.equal(ask(message({ counts: counts(2), records: [OPT, record(9)] })).kind, "match");
  assert.deepEqual(ask(message({ counts: counts(3), records: [OPT, OPT, OPT] })), NO);
  assert.deepEqual(ask(message({ counts: counts(2), records: [OPT] })), NO);
  assert.deepEqual(ask(message({ counts: counts(0), records: [OPT] })), NO);
  assert.deepEqual(ask(message({ counts: counts(0xffff) })), NO);
});

Deno.test("a NOTIFY may say the SOA record, and that it is authoritative (RFC 1996 §3.7)", () => {
  const question = NAME + SOA + IN;
  const notify = match("example.com", "SOA", "notify");
  assert.deepEqual(ask(message({ flags: 0x2400, question })), notify);
  const counts = [1, 1, 0, 0] as const;
  assert.deepEqual(
    ask(message({ flags: 0x2400, counts, question, records: [record(22)] })),
    notify,
  );
  const two = [1, 2, 0, 0] as const;
  assert.deepEqual(
    ask(message({ flags: 0x2400, counts: two, question, records: [record(), record()] })),
    NO,
  );
});

Deno.test("an UPDATE names a zone, and has as many records as it likes (RFC 2136 §2)", () => {
  const parts = { flags: 0x2800, counts: [1, 2, 3, 1] as const, records: Array(6).fill(record(4)) };
  const question = NAME + SOA + IN;
  assert.deepEqual(ask(message({ ...parts, question })), match("example.com", "SOA", "update"));
  assert.deepEqual(ask(message(parts)), NO, "an address is no zone");
});

Deno.test("a question is not compressed, and its name is no longer than names are", () => {
  const label = (length: number) => String.fromCharCode(length) + "a".repeat(length);
  const named = (...labels: string[]) =>
    ask(message({ question: `${labels.join("")}\0${A}${IN}` }));
  assert.deepEqual(named("\xc0\x0c"), NO);
  assert.equal(named(label(63)).kind, "match");
  assert.deepEqual(named(label(64)), NO);
  const longest = [label(63), label(63), label(63)];
  assert.equal(named(...longest, label(61)).kind, "match", "255 bytes");
  assert.deepEqual(named(...longest, label(62)), NO, "256 bytes");
  assert.deepEqual(named(...longest, label(63)), NO);
  assert.deepEqual(named(...Array(300).fill("\x01a")), NO);
});

Deno.test("a record's name may point back, never ahead or at itself", () => {
  const pointing = (name: string) => {
    const records = [name + A + IN + "\0\0\0\0\0\0"];
    return ask(message({ counts: [1, 0, 0, 1], records })).kind;
  };
  assert.equal(pointing("\xc0\x0c"), "match");
  assert.equal(pointing("\x03www\xc0\x0c"), "match");
  assert.equal(pointing("\x03www\0"), "match");
  for (const name of ["\xc0\x1d", "\xc0\x1e", "\xff\xff", "\x40", "\x80\x0c", "\xbf\x0c"]) {
    assert.equal(pointing(name), "no", JSON.stringify(name));
  }
});

Deno.test("a class is IN, CH, HS or ANY, and a type is not 0", () => {
  const classes = range(0, 0x101).filter((each) => {
    const question = NAME + A + String.fromCharCode(each >> 8, each & 0xff);
    return ask(message({ question })).kind === "match";
  });
  assert.deepEqual(classes, [1, 3, 4, 255]);
  assert.deepEqual(ask(message({ question: `${NAME}\0\0${IN}` })), NO);
});

Deno.test("a message has exactly its length", () => {
  assert.deepEqual(overlookedLengths(dns, message()), []);
  assert.deepEqual(overlookedLengths(dns, message({ counts: [1, 0, 0, 1], records: [OPT] })), []);
});

Deno.test("one wrong byte in the counts says no", () => {
  assert.deepEqual(overlookedBytes(dns, message(), range(4, 12)), []);
});

Deno.test("an empty datagram, and one that is a part of a header, say no", () => {
  assert.deepEqual(ask(bytes("")), NO);
  assert.deepEqual(ask(message().subarray(0, 11)), NO);
});
