import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import {
  formatAddress,
  formatCidr,
  formatHostPort,
  formatIp,
  isHostName,
  normalName,
  parseCidr,
  parseHostPort,
  parseIp,
  unmapped,
} from "../../lib/addr.ts";

const ipv4 = fc.ipV4();
const anyIpv6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
/** Numbers with long runs of zeros, which the short form is about. */
const sparseIpv6 = fc.array(fc.constantFrom<bigint>(0n, 0n, 0n, 1n, 0xffffn, 0x10n), {
  minLength: 8,
  maxLength: 8,
}).map((groups) => groups.reduce((value, group) => value << 16n | group));
const unmappedIpv6 = fc.oneof(anyIpv6, sparseIpv6).filter((value) => value >> 32n !== 0xffffn);

Deno.test("an IPv4 address is read and written as it is", () => {
  fc.assert(fc.property(ipv4, (text) => {
    const ip = parseIp(text);
    assert.equal(ip?.family, 4);
    assert.equal(ip && formatIp(ip), text);
  }));
});

Deno.test("an IPv6 address is written as URLs write it, and read back", () => {
  fc.assert(fc.property(unmappedIpv6, (value) => {
    const text = formatIp({ family: 6, value });
    assert.deepEqual(parseIp(text), { family: 6, value });
    assert.equal(`[${text}]`, new URL(`http://[${text}]`).hostname);
  }));
});

Deno.test("IPv6 addresses of RFC 5952 §4 have one short form", () => {
  const forms = {
    "2001:0db8::0001": "2001:db8::1",
    "2001:db8:0:0:0:0:2:1": "2001:db8::2:1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "2001:DB8::A": "2001:db8::a",
    "0:0:0:0:0:0:0:0": "::",
    "1::": "1::",
    "64:ff9b::192.0.2.33": "64:ff9b::c000:221",
  };
  for (const [written, short] of Object.entries(forms)) {
    const ip = parseIp(written);
    assert.equal(ip && formatIp(ip), short, written);
  }
});

Deno.test("a mapped address is the IPv4 address, however it is written", () => {
  const expected = { family: 4, value: 0xc0000201n };
  for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
    assert.deepEqual(parseIp(text), expected, text);
  }
  assert.equal(unmapped("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(unmapped("2001:db8::1"), "2001:db8::1");
});

Deno.test("what the platform does not take for an address is none", () => {
  const piece = fc.constantFrom(
    "1",
    "255",
    "256",
    "0",
    "00",
    "ffff",
    "g",
    ":",
    "::",
    ".",
    "%",
    "/",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      assert.equal(parseIp(text) !== undefined, isIP(text) !== 0 && !text.includes("%"), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("any text is read as an address or not, and never throws", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    parseIp(text);
    parseCidr(text);
    isHostName(text);
  }));
});

Deno.test("a network holds the address that it was written with, and forgets its host bits", () => {
  fc.assert(fc.property(fc.oneof(ipv4, fc.ipV6()), fc.nat(128), (address, length) => {
    const ip = parseIp(address);
    assert.ok(ip !== undefined);
    fc.pre(length <= (ip.family === 4 ? 32 : 128) && (ip.family === 6 || !address.includes(":")));
    const network = parseCidr(`${address}/${length}`);
    assert.ok(network !== undefined);
    assert.equal(network.prefix, length);
    const hostBits = BigInt((ip.family === 4 ? 32 : 128) - length);
    assert.equal(network.ip.value >> hostBits, ip.value >> hostBits);
    assert.equal(network.ip.value & (1n << hostBits) - 1n, 0n);
    assert.deepEqual(parseCidr(formatCidr(network)), network);
  }));
});

Deno.test("a mapped network is an IPv4 network", () => {
  assert.deepEqual(parseCidr("::ffff:192.0.2.0/120"), parseCidr("192.0.2.0/24"));
  assert.deepEqual(parseCidr("::ffff:0:0/96"), parseCidr("0.0.0.0/0"));
  assert.equal(parseCidr("::ffff:0:0/95"), undefined);
});

Deno.test("what is no network is refused", () => {
  const wrong = ["", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/24/8", "::/129"];
  for (const text of [...wrong, "192.0.2/24", "example.com/24", "192.0.2.0/ 24", "::/1e1"]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

Deno.test("host and port are read and written back", () => {
  const host = fc.oneof(
    ipv4,
    unmappedIpv6.map((value) => formatIp({ family: 6, value })),
    fc.domain(),
  );
  fc.assert(fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
    const at = { host: host.toLowerCase(), port };
    assert.deepEqual(parseHostPort(formatHostPort(at)), at);
  }));
  assert.equal(formatAddress({ address: "::1", port: 80 }), "[::1]:80");
});

Deno.test("host and port are brought to one form", () => {
  const forms = {
    "Example.COM.:80": { host: "example.com", port: 80 },
    "[2001:DB8:0:0::1]:443": { host: "2001:db8::1", port: 443 },
    "[::ffff:192.0.2.1]:443": { host: "192.0.2.1", port: 443 },
    "my_service:65535": { host: "my_service", port: 65535 },
    "localhost:0080": { host: "localhost", port: 80 },
  };
  for (const [text, at] of Object.entries(forms)) assert.deepEqual(parseHostPort(text), at, text);
});

Deno.test("what is no host and port says what was expected", () => {
  const messages = {
    "db": 'expected host:port, got "db"',
    "": 'expected host:port, got ""',
    "::1": 'expected host:port, got "::1"; an IPv6 address is written "[::1]:443"',
    "a:b:1": 'expected host:port, got "a:b:1"',
    "db:": 'expected a port from 1 to 65535, got "" in "db:"',
    "db:0": 'expected a port from 1 to 65535, got "0" in "db:0"',
    "db:65536": 'expected a port from 1 to 65535, got "65536" in "db:65536"',
    "db:http": 'expected a port from 1 to 65535, got "http" in "db:http"',
    ":80": 'expected a host name or an IP address, got ""',
    "-a:80": 'expected a host name or an IP address, got "-a"',
    "10.0.0.256:80": 'expected a host name or an IP address, got "10.0.0.256"',
    "[db]:80": 'expected an IPv6 address in the brackets, got "db"',
    "[127.0.0.1]:80": 'expected an IPv6 address in the brackets, got "127.0.0.1"',
  };
  for (const [text, message] of Object.entries(messages)) {
    assert.throws(() => parseHostPort(text), { name: "SyntaxError", message }, text);
  }
});

Deno.test("host names are those of RFC 1123 with underscores", () => {
  const label = "a".repeat(63);
  for (const name of ["a", "a-b.c", "_dmarc.example.com", "example.com.", "3com.com", label]) {
    assert.ok(isHostName(name), name);
  }
  const wrong = [
    "",
    ".",
    "a..b",
    ".a",
    "-a",
    "a-",
    "a b",
    "é.example",
    "1.2.3.4",
    "10",
    `${label}a`,
  ];
  for (const name of [...wrong, Array(32).fill("a".repeat(7)).join(".") + "aa"]) {
    assert.ok(!isHostName(name), name);
  }
  assert.equal(normalName("Example.COM."), "example.com");
});
