import assert from "node:assert/strict";
import { encodeClientHello } from "../../../lib/client_hello_encoder.ts";
import { datagramsOf } from "../../../lib/explain/asked_datagrams.ts";
import { dns } from "../../../probes/dns.ts";
import { quic } from "../../../probes/quic.ts";
import { bytes } from "../../support/bytes.ts";

Deno.test("a server name and ALPN are said in an Initial of QUIC version 1 that fills its datagram", () => {
  const datagrams = datagramsOf({ serverName: "a.example", alpns: ["h3", "doq"] });
  assert.deepEqual(datagrams.map(({ length }) => length), [1200]);
  const answer = quic(datagrams, false);
  assert(answer.kind === "match");
  const { serverName, alpns, details } = answer.facts;
  assert.deepEqual([serverName, alpns, details?.["version"]], ["a.example", ["h3", "doq"], "1"]);
  assert.equal(quic(datagramsOf({ alpns: ["h3"] }), false).kind, "match");
});

Deno.test("a hello that is too long for one datagram is said in two", () => {
  const alpns = Array.from({ length: 7 }, (_, at) => String(at).repeat(200));
  const datagrams = datagramsOf({ serverName: "a.example", alpns });
  assert.deepEqual(datagrams.map(({ length }) => length), [1200, 1200]);
  assert.equal(quic(datagrams.slice(0, 1), false).kind, "need");
  const answer = quic(datagrams, false);
  assert(answer.kind === "match");
  assert.deepEqual(answer.facts.alpns, alpns);
  assert.equal(answer.facts.details?.["packets"], 2);
});

Deno.test("as few datagrams as hold it: one more byte takes another one", () => {
  const empty = encodeClientHello({ alpns: [""] }).length;
  const counts = [1160, 1161, 2320, 2321].map((length) => {
    const spare = length - (empty - 5);
    const alpns = Array.from({ length: Math.floor(spare / 256) }, () => "x".repeat(255));
    return datagramsOf({ alpns: ["x".repeat(spare % 256), ...alpns] }).length;
  });
  assert.deepEqual(counts, [1, 2, 2, 3]);
});

Deno.test("a DNS name is asked for in a query", () => {
  const [query, ...more] = datagramsOf({ dnsName: "www.Example.org" });
  assert.deepEqual(more, []);
  assert.deepEqual(
    query,
    new Uint8Array(
      bytes("\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www\x07Example\x03org\0\0\x01\0\x01"),
    ),
  );
  const nameOf = (dnsName: string) => {
    const answer = dns(datagramsOf({ dnsName }), false);
    return answer.kind === "match" ? answer.facts.dnsName : undefined;
  };
  assert.equal(nameOf("www.Example.org"), "www.example.org");
  assert.equal(nameOf("www.example.org."), "www.example.org");
  assert.equal(nameOf("_sip._udp.example"), "_sip._udp.example");
  assert.equal(nameOf("1.2.0.192.in-addr.arpa"), "1.2.0.192.in-addr.arpa");
  assert.equal(nameOf("."), ".");
  const longest = `${"x".repeat(63)}.`.repeat(3) + "x".repeat(61);
  assert.equal(nameOf(longest), longest);
});

Deno.test("a name that no DNS client asks for is refused", () => {
  const tooLong = `${"x".repeat(63)}.`.repeat(3) + "x".repeat(62);
  const names = [
    "",
    "..",
    "a..b",
    ".a",
    "münchen.example",
    "a b",
    "a\\.b",
    "x".repeat(64),
    tooLong,
  ];
  for (const dnsName of names) {
    assert.throws(() => datagramsOf({ dnsName }), {
      name: "SyntaxError",
      message: /no DNS client asks for/,
    }, dnsName);
  }
});

Deno.test("what no client says, or not at once, is refused with the reason", () => {
  const cases = [
    [{}, /sends nothing is not there/],
    [{ dnsName: "a.example", serverName: "a.example" }, /a DNS query has no server name/],
    [{ dnsName: "a.example", alpns: ["h3"] }, /a DNS query has no server name/],
    [{ serverName: "192.0.2.1" }, /no client sends the server name "192.0.2.1"/],
  ] as const;
  for (const [said, message] of cases) {
    assert.throws(() => datagramsOf(said), { name: "SyntaxError", message });
  }
  assert.throws(() => datagramsOf({ alpns: ["x".repeat(256)] }), RangeError);
});
