import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressSet, permits } from "../../lib/acl.ts";
import { type Cidr, formatIp, type Ip, parseCidr, parseIp } from "../../lib/addr.ts";

/** Networks that lie close together, so that they touch and contain each other. */
const network: fc.Arbitrary<Cidr> = fc.record({
  family: fc.constantFrom<4 | 6>(4, 6),
  low: fc.nat(255),
  hostBits: fc.nat(8),
}).map(({ family, low, hostBits }) => {
  const bits = BigInt(hostBits);
  const value = (BigInt(low) | 0x0a00_0000n) >> bits << bits;
  return { ip: { family, value }, prefix: (family === 4 ? 32 : 128) - hostBits };
});

const near: fc.Arbitrary<Ip> = fc.record({
  family: fc.constantFrom<4 | 6>(4, 6),
  value: fc.nat(300).map((low) => 0x0a00_0000n + BigInt(low) - 20n),
});

function contains({ ip, prefix }: Cidr, { family, value }: Ip): boolean {
  const hostBits = BigInt((family === 4 ? 32 : 128) - prefix);
  return ip.family === family && value >> hostBits === ip.value >> hostBits;
}

function set(...networks: readonly string[]): AddressSet {
  return new AddressSet(networks.map((text) => {
    const network = parseCidr(text);
    assert.ok(network !== undefined, text);
    return network;
  }));
}

Deno.test("a set has an address exactly if one of its networks has it", () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 12 }), near, (networks, ip) => {
      const expected = networks.some((network) => contains(network, ip));
      assert.equal(new AddressSet(networks).has(ip), expected, formatIp(ip));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("the order of the networks does not matter", () => {
  fc.assert(fc.property(fc.array(network, { maxLength: 12 }), near, (networks, ip) => {
    const reversed = new AddressSet([...networks].reverse());
    assert.equal(new AddressSet(networks).has(ip), reversed.has(ip));
  }));
});

Deno.test("the ends of the address space belong to the network of everything", () => {
  const all = set("0.0.0.0/0", "::/0");
  const ends = ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"];
  for (const text of ends) {
    const ip = parseIp(text);
    assert.ok(ip !== undefined && all.has(ip), text);
  }
});

Deno.test("a family's network of everything has nothing of the other", () => {
  assert.ok(!permits({ allow: set("0.0.0.0/0") }, "2001:db8::1"));
  assert.ok(!permits({ allow: set("::/0") }, "192.0.2.1"));
});

Deno.test("deny is asked before allow", () => {
  const acl = { allow: set("192.0.2.0/24"), deny: set("192.0.2.128/25") };
  assert.ok(permits(acl, "192.0.2.1"));
  assert.ok(!permits(acl, "192.0.2.129"));
  assert.ok(!permits(acl, "198.51.100.1"));
});

Deno.test("without allow everybody may who is not denied", () => {
  assert.ok(permits({ deny: set("192.0.2.1") }, "192.0.2.2"));
  assert.ok(!permits({ deny: set("192.0.2.1") }, "192.0.2.1"));
  assert.ok(permits({}, "2001:db8::1"));
});

Deno.test("a mapped address is judged as the IPv4 address", () => {
  assert.ok(permits({ allow: set("192.0.2.0/24") }, "::ffff:192.0.2.1"));
  assert.ok(!permits({ deny: set("::ffff:192.0.2.0/120") }, "192.0.2.1"));
});

Deno.test("an address that cannot be read is refused", () => {
  assert.ok(!permits({}, "fe80::1%eth0"));
  assert.ok(!permits({ deny: set("192.0.2.1") }, ""));
});

Deno.test("sets of the same networks are equal values, others are not", () => {
  assert.deepEqual(set("192.0.2.1/24", "::1"), set("192.0.2.0/24", "::1/128"));
  assert.notDeepEqual(set("192.0.2.0/24"), set("192.0.2.0/25"));
});
