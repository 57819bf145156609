import assert from "node:assert/strict";
import type { Packet } from "../../../lib/pcap/capture_file.ts";
import {
  type Datagram,
  readDatagram,
  readIpPacket,
  readSegment,
  type Segment,
} from "../../../lib/pcap/packet.ts";
import { concat } from "../../support/bytes.ts";
import { datagram, ethernet, ipv4, ipv6, segment } from "../../support/capture.ts";

const ETHERNET = 1;
const RAW = 101;
const V4 = ipv4(1, 2, segment({ from: 50_000, to: 443, sequence: 1, data: "four" }));
const V6 = ipv6(1, 2, segment({ from: 50_000, to: 443, sequence: 1, data: "six" }));

function segmentOf(packet: Packet): Segment | undefined {
  const ip = readIpPacket(packet);
  return ip && readSegment(ip);
}

function datagramOf(bytes: Uint8Array): Datagram | undefined {
  const ip = readIpPacket({ linkType: RAW, bytes });
  return ip && readDatagram(ip);
}

function textOf(packet: Packet): string | undefined {
  const segment = segmentOf(packet);
  return segment && new TextDecoder().decode(segment.payload);
}

Deno.test("a segment tells its ends, its numbers and its flags", () => {
  const parts = { from: 50_000, to: 443, sequence: 0xffff_fff0, acknowledgment: 0x8000_0001 };
  const bytes = ipv4(1, 2, segment({ ...parts, flags: 0x13, data: "x" }));
  assert.deepEqual(segmentOf({ linkType: RAW, bytes }), {
    source: { address: "192.0.2.1", port: 50_000 },
    destination: { address: "192.0.2.2", port: 443 },
    sequence: 0xffff_fff0,
    acknowledgment: 0x8000_0001,
    syn: true,
    ack: true,
    fin: true,
    payload: Uint8Array.of(0x78),
  });
  const sixth = segmentOf({ linkType: RAW, bytes: V6 });
  assert.equal(sixth?.source.address, "2001:db8::1");
  assert.equal(sixth?.destination.address, "2001:db8::2");
});

Deno.test("every link type gives up its IP packet", () => {
  const sll = (...type: number[]) => concat(new Uint8Array(14), ...type);
  const sll2 = (...type: number[]) => concat(...type, new Uint8Array(18));
  const packets: ReadonlyArray<readonly [linkType: number, packet: Uint8Array, said: string]> = [
    [0, concat(2, 0, 0, 0, V4), "four"],
    [0, concat(0, 0, 0, 30, V6), "six"],
    [1, ethernet(0x0800, V4), "four"],
    [1, ethernet(0x86dd, V6), "six"],
    [1, ethernet(0x0800, V4, [0x8100]), "four"],
    [1, ethernet(0x86dd, V6, [0x88a8, 0x8100]), "six"],
    [1, concat(ethernet(0x0800, V4), new Uint8Array(6)), "four"],
    [12, V4, "four"],
    [14, V6, "six"],
    [101, V6, "six"],
    [108, concat(0, 0, 0, 2, V4), "four"],
    [113, concat(sll(0x08, 0x00), V4), "four"],
    [113, concat(sll(0x81, 0x00), 0, 7, 0x08, 0x00, V4), "four"],
    [228, V4, "four"],
    [229, V6, "six"],
    [276, concat(sll2(0x86, 0xdd), V6), "six"],
  ];
  for (const [linkType, bytes, said] of packets) {
    assert.equal(textOf({ linkType, bytes }), said, `link type ${linkType}`);
  }
});

Deno.test("IP options, extension headers and a length left to the network card are passed", () => {
  const tcp = segment({ from: 50_000, to: 443, sequence: 1, data: "data", options: 12 });
  const extension = (next: number, length: number) =>
    concat(next, length, new Uint8Array(8 * length + 6));
  const packets = [
    ipv4(1, 2, tcp, { options: 8 }),
    ipv4(1, 2, tcp, { totalLength: 0 }),
    ipv6(1, 2, concat(extension(43, 0), extension(60, 1), extension(6, 2), tcp), 0),
    ipv6(1, 2, concat(6, 1, new Uint8Array(10), tcp), 51),
    ipv6(1, 2, concat(6, 0, 0, 0, 0, 0, 0, 9, tcp), 44),
  ];
  for (const bytes of packets) assert.equal(textOf({ linkType: RAW, bytes }), "data");
});

Deno.test("what is no whole TCP segment is passed over", () => {
  const tcp = segment({ from: 50_000, to: 443, sequence: 1, data: "data" });
  const packets = [
    new Uint8Array(),
    ipv4(1, 2, tcp, { protocol: 17 }),
    ipv4(1, 2, tcp, { fragment: 0x2000 }),
    ipv4(1, 2, tcp, { fragment: 0x0001 }),
    ipv6(1, 2, concat(6, 0, 0, 8, 0, 0, 0, 9, tcp), 44),
    ipv6(1, 2, concat(6, 0, 0, 1, 0, 0, 0, 9, tcp), 44),
    ipv6(1, 2, concat(6, 200, tcp), 0),
    ipv4(1, 2, tcp, { totalLength: 19 }),
    concat(0x41, ipv4(1, 2, tcp).subarray(1)),
    concat(0x4f, ipv4(1, 2, tcp).subarray(1)),
    concat(0x50, ipv4(1, 2, tcp).subarray(1)),
    ipv4(1, 2, tcp.subarray(0, 19)),
    ipv4(1, 2, concat(tcp.subarray(0, 12), 0x40, tcp.subarray(13))),
    ipv4(1, 2, concat(tcp.subarray(0, 12), 0xf0, tcp.subarray(13))),
  ];
  for (const bytes of packets) {
    assert.equal(segmentOf({ linkType: RAW, bytes }), undefined, bytes.toHex());
  }
  assert.equal(segmentOf({ linkType: ETHERNET, bytes: ethernet(0x0806, V4) }), undefined);
});

Deno.test("a datagram tells its ends and what it carries, over both versions of IP", () => {
  const carried = datagram({ from: 50_000, to: 53, data: "query" });
  const expected = { payload: new TextEncoder().encode("query"), isWhole: true };
  const padded = concat(ipv4(1, 2, carried, { protocol: 17 }), new Uint8Array(6));
  assert.deepEqual(datagramOf(padded), {
    source: { address: "192.0.2.1", port: 50_000 },
    destination: { address: "192.0.2.2", port: 53 },
    ...expected,
  });
  assert.deepEqual(datagramOf(ipv6(1, 2, carried, 17)), {
    source: { address: "2001:db8::1", port: 50_000 },
    destination: { address: "2001:db8::2", port: 53 },
    ...expected,
  });
});

Deno.test("a datagram ends where its header says, and an empty one is one too", () => {
  const short = datagram({ from: 1, to: 2, data: "query and more", length: 8 + 5 });
  const { payload, isWhole } = datagramOf(ipv4(1, 2, short, { protocol: 17 })) ?? {};
  assert.deepEqual([new TextDecoder().decode(payload), isWhole], ["query", true]);
  const empty = datagramOf(ipv4(1, 2, datagram({ from: 1, to: 2 }), { protocol: 17 }));
  assert.deepEqual([empty?.payload.length, empty?.isWhole], [0, true]);
});

Deno.test("a datagram of which the capture kept the beginning says so", () => {
  const whole = ipv4(1, 2, datagram({ from: 1, to: 2, data: "query" }), { protocol: 17 });
  const cut = datagramOf(whole.subarray(0, -2));
  assert.deepEqual([new TextDecoder().decode(cut?.payload), cut?.isWhole], ["que", false]);
});

Deno.test("what is no UDP datagram is passed over", () => {
  const carried = datagram({ from: 1, to: 2, data: "query" });
  const packets = [
    V4,
    ipv4(1, 2, carried, { protocol: 17, fragment: 0x2000 }),
    ipv4(1, 2, carried, { protocol: 17, fragment: 0x0001 }),
    ipv6(1, 2, concat(17, 0, 0, 1, 0, 0, 0, 9, carried), 44),
    ipv4(1, 2, carried.subarray(0, 7), { protocol: 17 }),
    ipv4(1, 2, datagram({ from: 1, to: 2, length: 7 }), { protocol: 17 }),
  ];
  for (const bytes of packets) assert.equal(datagramOf(bytes), undefined, bytes.toHex());
});

Deno.test("a link type that is not known is refused by its number", () => {
  assert.throws(() => readIpPacket({ linkType: 105, bytes: V4 }), {
    name: "SyntaxError",
    message: /link type 105 is not known; Ethernet/,
  });
});
