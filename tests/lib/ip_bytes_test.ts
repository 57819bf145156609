import assert from "node:assert/strict";
import { parseIp } from "../../lib/addr.ts";
import { asIpv6, ipBytes, readIp } from "../../lib/ip_bytes.ts";
import { ByteReader } from "../../probes/bytes.ts";

/** Text forms and the bytes that RFC 4291 §2.2 and §2.5.5.2 give them. */
const ADDRESSES: ReadonlyArray<readonly [text: string, bytes: string]> = [
  ["192.0.2.255", "c00002ff"],
  ["0.0.0.0", "00000000"],
  ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
  ["::1", "00000000000000000000000000000001"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff".repeat(16)],
];

Deno.test("an address is read from and written to network order", () => {
  assert(ADDRESSES.length > 0);
  for (const [text, bytes] of ADDRESSES) {
    const ip = parseIp(text);
    assert(ip !== undefined);
    assert.equal(ipBytes(ip).toHex(), bytes);
    assert.equal(readIp(new ByteReader(Uint8Array.fromHex(bytes), false), ip.family), text);
  }
});

Deno.test("an IPv4 address in IPv6 form is written mapped and read as IPv4", () => {
  const ip = parseIp("129.144.52.38");
  assert(ip !== undefined);
  const bytes = ipBytes(asIpv6(ip));
  assert.equal(bytes.toHex(), "00000000000000000000ffff81903426");
  assert.equal(readIp(new ByteReader(bytes, false), 6), "129.144.52.38");
});
