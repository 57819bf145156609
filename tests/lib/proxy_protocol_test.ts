import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIp, type SocketAddress } from "../../lib/addr.ts";
import {
  crc32c,
  encodeProxyHeader,
  parseProxyHeader,
  type ProxyHeader,
} from "../../lib/proxy_protocol.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (digits: string) => Uint8Array.fromHex(digits.replaceAll(/\s/g, ""));

const end = (address: string, port: number): SocketAddress => ({ address, port });

/** The 12 bytes of §2.2. */
const SIGNATURE = "0d0a0d0a 000d0a51 5549540a";

/** The header at the start of `head`, which must have one. */
function headerOf(head: Uint8Array): ProxyHeader {
  const result = parseProxyHeader(head, false);
  assert(result.kind === "match", `expected a header, got ${JSON.stringify(result)}`);
  return result.header;
}

/** The kind of answer for a version 2 header of these bytes behind the signature. */
function kindOf(rest: string): string {
  return parseProxyHeader(hex(SIGNATURE + rest), true).kind;
}

Deno.test("the example of §2.1 is read and the request behind it is left", () => {
  const line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
  assert.deepEqual(headerOf(ascii(`${line}GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n`)), {
    version: "v1",
    source: end("192.168.0.1", 56324),
    destination: end("192.168.0.11", 443),
    length: line.length,
    tlvs: [],
  });
});

Deno.test("the longest lines of §2.1 are read", () => {
  const v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const longest: ReadonlyArray<readonly [line: string, length: number, source?: string]> = [
    ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", 56, "255.255.255.255"],
    [`PROXY TCP6 ${v6} ${v6} 65535 65535\r\n`, 104, v6],
    ["PROXY UNKNOWN\r\n", 15],
    [`PROXY UNKNOWN ${v6} ${v6} 65535 65535\r\n`, 107],
  ];
  for (const [line, length, source] of longest) {
    const header = headerOf(ascii(line));
    assert.equal(header.length, length);
    assert.equal(header.source?.address, source);
  }
});

Deno.test("an IPv4 client in IPv6 form is an IPv4 client", () => {
  const line = headerOf(ascii("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n"));
  assert.equal(line.source?.address, "192.0.2.7");
  const mapped = "00000000 00000000 0000ffff c0000207";
  const binary = headerOf(hex(`${SIGNATURE} 21 21 0024 ${mapped} ${mapped} 0001 0002`));
  assert.deepEqual(binary.source, { address: "192.0.2.7", port: 1 });
});

Deno.test("a line that is not exactly as §2.1 wants it is no header", () => {
  const lines = [
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n",
    "PROXY TCP4  192.168.0.1 192.168.0.11 56324 443\r\n",
    "PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n",
    "PROXY TCP4 192.168.0.256 192.168.0.11 56324 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 +1 443\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n",
    "PROXY TCP6 192.168.0.1 192.168.0.11 1 2\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "PROXY UDP4 192.168.0.1 192.168.0.11 1 2\r\n",
    "proxy TCP4 192.168.0.1 192.168.0.11 1 2\r\n",
    "PROXY\r\n",
    " PROXY UNKNOWN\r\n",
    "GET / HTTP/1.1\r\n",
  ];
  for (const line of lines) {
    assert.deepEqual(parseProxyHeader(ascii(line), false), { kind: "no" }, JSON.stringify(line));
  }
});

Deno.test("a line is waited for up to 107 bytes and no further", () => {
  assert.deepEqual(parseProxyHeader(ascii("PROXY " + "x".repeat(100)), false), {
    kind: "need",
    bytes: 107,
  });
  assert.deepEqual(parseProxyHeader(ascii("PROXY " + "x".repeat(101)), false), { kind: "no" });
  assert.deepEqual(parseProxyHeader(ascii("PROXY UNKNOWN"), true), { kind: "no" });
});

/** HAProxy 2.6.12, server … send-proxy-v2 proxy-v2-options crc32c,unique-id */
const WITH_CHECKSUM = hex(
  `${SIGNATURE} 21 11 001c 7f000001 7f000001 8a2a 9611 03 0004 7c01f05b 05 0006 64656d6f2d31`,
);

Deno.test("headers that HAProxy 2.6 sent are read, checksum and unique-id included", () => {
  // server … send-proxy
  const line = hex(
    "50524f58592054435034203132372e302e302e31203132372e302e302e312033383434342036303332310d0a6869",
  );
  assert.deepEqual(headerOf(line).source, { address: "127.0.0.1", port: 38444 });
  assert.deepEqual(headerOf(Uint8Array.of(...WITH_CHECKSUM, ...ascii("hi"))), {
    version: "v2",
    source: end("127.0.0.1", 35370),
    destination: end("127.0.0.1", 38417),
    length: WITH_CHECKSUM.length,
    tlvs: [{ type: 3, value: hex("7c01f05b") }, { type: 5, value: ascii("demo-1") }],
  });
});

Deno.test("a header whose checksum is wrong is no header, whichever byte was changed", () => {
  // The head is a view into something larger, as it is in the proxy.
  const larger = new Uint8Array(100).fill(7);
  larger.set(WITH_CHECKSUM, 9);
  assert.equal(parseProxyHeader(larger.subarray(9), false).kind, "match");
  // Behind the length, and not the type and length of the checksum itself.
  const changeable = [...WITH_CHECKSUM.keys()].filter((at) => at >= 16 && (at < 28 || at > 30));
  assert.equal(changeable.length, 25);
  for (const at of changeable) {
    const changed = WITH_CHECKSUM.map((byte, i) => i === at ? byte ^ 0x10 : byte);
    assert.deepEqual(parseProxyHeader(changed, false), { kind: "no" }, `byte ${at}`);
  }
  assert.equal(kindOf("21 11 0011 7f000001 7f000001 8a2a 9611 03 0002 0000"), "no");
});

Deno.test("the checksum is CRC32C (RFC 3720 B.4)", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

/** Room for the addresses of every family. */
const BLOCK = "00d8" + "01".repeat(216);

Deno.test("of the 256 values of byte 13 two are accepted: LOCAL and PROXY of version 2", () => {
  const accepted: number[] = [];
  for (let value = 0; value < 256; value++) {
    const result = parseProxyHeader(
      Uint8Array.of(...hex(SIGNATURE), value, ...hex(`11 ${BLOCK}`)),
      true,
    );
    if (result.kind === "match") accepted.push(value);
  }
  assert.deepEqual(accepted, [0x20, 0x21]);
});

Deno.test("of the 256 values of byte 14 those of §2.2 are accepted, two of them with addresses", () => {
  const accepted: number[] = [];
  const withSource: number[] = [];
  for (let value = 0; value < 256; value++) {
    const result = parseProxyHeader(
      Uint8Array.of(...hex(SIGNATURE), 0x21, value, ...hex(BLOCK)),
      true,
    );
    if (result.kind !== "match") continue;
    assert.equal(result.header.length, 16 + 216);
    accepted.push(value);
    if (result.header.source !== undefined) withSource.push(value);
  }
  const nibbles = [0x00, 0x01, 0x02, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x30, 0x31, 0x32];
  assert.deepEqual(accepted, nibbles);
  assert.deepEqual(withSource, [0x11, 0x21]);
});

Deno.test("a LOCAL header is passed over, whatever its family and block are", () => {
  for (let family = 0; family < 256; family++) {
    const head = Uint8Array.of(...hex(SIGNATURE), 0x20, family, 0, 3, 1, 2, 3, 0x47);
    assert.deepEqual(headerOf(head), { version: "v2", length: 19, tlvs: [] });
  }
});

Deno.test("a block too short for its addresses is no header", () => {
  const blocks = ["11 000b", "12 000b", "21 0023", "22 0023", "31 00d7", "32 00d7"];
  for (const block of blocks) assert.equal(kindOf(`21 ${block} ${"00".repeat(300)}`), "no", block);
});

Deno.test("without a family or a transport the block is passed over, however short", () => {
  for (const block of ["00 0000", "01 0001 ff", "10 0000", "20 0003 010203", "30 0000"]) {
    const head = hex(`${SIGNATURE} 21 ${block}`);
    assert.deepEqual(headerOf(head), { version: "v2", length: head.length, tlvs: [] });
  }
});

Deno.test("fields that do not fit are passed over, those before them are kept", () => {
  const addresses = "7f000001 7f000001 0001 0002";
  const endings = ["", "04", "0400", "040001", "04ffff 00"];
  for (const ending of endings) {
    const block = hex(`${addresses} e0 0001 aa ${ending}`);
    const head = Uint8Array.of(...hex(SIGNATURE), 0x21, 0x11, 0, block.length, ...block);
    assert.deepEqual(headerOf(head).tlvs, [{ type: 0xe0, value: Uint8Array.of(0xaa) }]);
    assert.equal(headerOf(head).length, head.length);
  }
});

Deno.test("a header that announces more than 4096 bytes is refused before they are waited for", () => {
  assert.deepEqual(parseProxyHeader(hex(`${SIGNATURE} 21 11 1000`), false), {
    kind: "need",
    bytes: 16 + 4096,
  });
  assert.deepEqual(parseProxyHeader(hex(`${SIGNATURE} 21 11 1001`), false), { kind: "no" });
});

const port = fc.integer({ min: 0, max: 65535 });
const address4 = fc.record({
  address: fc.bigInt(0n, 2n ** 32n - 1n).map((value) => formatIp({ family: 4, value })),
  port,
}, { noNullPrototype: true });
const address6 = fc.record({
  address: fc.bigInt(2n ** 48n, 2n ** 128n - 1n).map((value) => formatIp({ family: 6, value })),
  port,
}, { noNullPrototype: true });
const anyEnd = fc.oneof(address4, address6);
const version = fc.constantFrom("v1" as const, "v2" as const);

Deno.test("what is written is read again, both families mixed in any way", () => {
  fc.assert(
    fc.property(version, anyEnd, anyEnd, fc.uint8Array(), (version, source, destination, data) => {
      const written = encodeProxyHeader(version, source, destination);
      const header = headerOf(Uint8Array.of(...written, ...data));
      assert.deepEqual(header, { version, source, destination, length: written.length, tlvs: [] });
    }),
  );
});

Deno.test("a header cut anywhere is waited for, and the wait never asks for more than the header", () => {
  fc.assert(fc.property(version, anyEnd, anyEnd, (version, source, destination) => {
    const written = encodeProxyHeader(version, source, destination);
    for (let cut = 0; cut < written.length; cut++) {
      const result = parseProxyHeader(written.subarray(0, cut), false);
      assert(result.kind === "need", `${result.kind} at ${cut}`);
      assert(result.bytes > cut && result.bytes <= written.length);
      assert.equal(parseProxyHeader(written.subarray(0, cut), true).kind, "no");
    }
  }));
});

Deno.test("any bytes get an answer, and match and no stay as more bytes arrive", () => {
  const start = fc.constantFrom(
    hex(SIGNATURE),
    hex(`${SIGNATURE} 21 11`),
    ascii("PROXY "),
    new Uint8Array(),
  );
  fc.assert(fc.property(start, fc.uint8Array({ maxLength: 150 }), (start, rest) => {
    const head = Uint8Array.of(...start, ...rest);
    let decided: string | undefined;
    for (let cut = 0; cut <= head.length; cut++) {
      const { kind } = parseProxyHeader(head.subarray(0, cut), false);
      if (decided !== undefined) assert.equal(kind, decided);
      else if (kind !== "need") decided = kind;
    }
    assert.notEqual(parseProxyHeader(head, true).kind, "need");
  }));
});

Deno.test("version 1 is written as in the example of §2.1", () => {
  const [client, destination] = [end("192.168.0.1", 56324), end("192.168.0.11", 443)];
  const line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
  assert.deepEqual(encodeProxyHeader("v1", client, destination), ascii(line));
});

Deno.test("version 2 is written as HAProxy writes it", () => {
  const [client, destination] = [end("127.0.0.1", 35370), end("127.0.0.1", 38417)];
  const header = hex(`${SIGNATURE} 21 11 000c 7f000001 7f000001 8a2a 9611`);
  assert.deepEqual(encodeProxyHeader("v2", client, destination), header);
});

const v4 = end("192.0.2.7", 1);
const v6 = end("2001:db8::1", 2);

Deno.test("of two families both ends are written as IPv6", () => {
  assert.deepEqual(
    encodeProxyHeader("v1", v4, v6),
    ascii("PROXY TCP6 ::ffff:c000:207 2001:db8::1 1 2\r\n"),
  );
  const mapped = "00000000 00000000 0000ffff c0000207";
  const plain = "20010db8 00000000 00000000 00000001";
  assert.deepEqual(
    encodeProxyHeader("v2", v6, v4),
    hex(`${SIGNATURE} 21 21 0024 ${plain} ${mapped} 0002 0001`),
  );
});

Deno.test("an end that is no IP address is written as unknown, which is read without a source", () => {
  const odd = end("fe80::1%eth0", 1);
  const line = encodeProxyHeader("v1", odd, v6);
  assert.deepEqual(line, ascii("PROXY UNKNOWN\r\n"));
  const binary = encodeProxyHeader("v2", v6, odd);
  assert.deepEqual(binary, hex(`${SIGNATURE} 20 00 0000`));
  for (const head of [line, binary]) assert.equal(headerOf(head).source, undefined);
});
