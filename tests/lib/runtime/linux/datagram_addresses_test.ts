import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIp } from "../../../../lib/addr.ts";
import {
  addressText,
  isMapped,
  MOST_PEERS,
  Peers,
  rawPeer,
} from "../../../../lib/runtime/linux/datagram_addresses.ts";
import { type Family, writeName } from "../../../../lib/runtime/linux/datagram_layout.ts";
import { AF_INET, AF_INET6, encodeAddress } from "../../../../lib/runtime/linux/layout.ts";

const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n })
  .map((value) => formatIp({ family: 4, value }));
const ipv6 = fc.bigInt({ min: 2n ** 48n, max: 2n ** 128n - 1n })
  .map((value) => formatIp({ family: 6, value }));

/** The words of a name, as the kernel writes it. */
function nameOf(address: string, port: number, family: Family, scope = 0): Int32Array {
  const words = new Int32Array(8);
  new Uint8Array(words.buffer).set(encodeAddress({ address, port }, family));
  if (family === AF_INET6) words[6] = scope;
  return words;
}

Deno.test("an address goes into words and comes back", () => {
  fc.assert(fc.property(fc.oneof(ipv4, ipv6), (address) => {
    const raw = rawPeer({ hostname: address, port: 1 });
    assert.ok(raw);
    assert.equal(addressText(raw), address);
    assert.equal(isMapped(raw), !address.includes(":"));
  }));
  assert.equal(rawPeer({ hostname: "localhost", port: 1 }), undefined);
});

Deno.test("a name is the peer that it names, and that peer has the name", () => {
  const families = (address: string): Family[] =>
    address.includes(":") ? [AF_INET6] : [AF_INET, AF_INET6];
  fc.assert(fc.property(fc.oneof(ipv4, ipv6), fc.nat(65_535), (address, port) => {
    for (const family of families(address)) {
      const name = nameOf(address, port, family);
      const peer = new Peers(family).find(name, 0);
      assert.deepEqual([peer.hostname, peer.port], [address, port]);
      const again = new Int32Array(8);
      writeName(again, 0, family, peer, peer.port);
      assert.deepEqual(again, name);
    }
  }));
});

Deno.test("who is known stays the same object, and everybody is somebody else", () => {
  const peers = new Peers(AF_INET6);
  const find = (address: string, port: number, scope = 0) =>
    peers.find(nameOf(address, port, AF_INET6, scope), 0);
  const seen = [
    find("192.0.2.1", 1),
    find("192.0.2.1", 2),
    find("192.0.2.2", 1),
    find("2001:db8::1", 1),
    find("2001:db8:0:1::1", 1),
    find("fe80::1", 1, 2),
    find("fe80::1", 1, 3),
  ];
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(find("192.0.2.2", 1), seen[2]);
  assert.equal(find("fe80::1", 1, 2), seen[5]);
  // Elsewhere the interface is no part of the address.
  assert.equal(find("2001:db8::1", 1, 9), seen[3]);
});

Deno.test("with too many peers all are forgotten, and known again", () => {
  const peers = new Peers(AF_INET);
  const words = nameOf("192.0.2.1", 1, AF_INET);
  const first = peers.find(words, 0);
  for (let i = 0; i < MOST_PEERS + 1000; i++) {
    const [name, port] = [words.slice(), i % 60_000 + 2];
    name[0] = AF_INET | port >> 8 << 16 | (port & 0xff) << 24;
    name[1] = Math.floor(i / 60_000);
    assert.equal(peers.find(name, 0).port, port);
  }
  const again = peers.find(words, 0);
  assert.notEqual(again, first);
  assert.deepEqual([again.hostname, again.port], [first.hostname, first.port]);
});
