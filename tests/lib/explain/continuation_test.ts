import assert from "node:assert/strict";
import { continuationOf } from "../../../lib/explain/continuation.ts";
import { udpProbes } from "../../../probes/udp.ts";
import { concat } from "../../support/bytes.ts";
import { packet } from "../../support/quic.ts";
import { type DatagramSample, datagramSamples } from "../../support/samples.ts";

/** A datagram of these bytes and zeros behind them. */
const long = (...start: number[]) => concat(...start, new Uint8Array(40));
const index = [1, 2, 3, 4];

/** What it goes on with when no probe matches it, or WireGuard's does. */
function what(datagram: Uint8Array): string | undefined {
  const isWireguard = udpProbes["wireguard"]!([datagram], false).kind === "match";
  const facts = isWireguard ? { protocol: "wireguard" } : undefined;
  const found = continuationOf(datagram, facts);
  return found && [found.protocol, found.what, found.knownBy].join("|");
}

Deno.test("datagrams from the middle of a session are told, and by what it is known", () => {
  const record = (type: number) => long(type, 0xfe, 0xfd);
  const cases: ReadonlyArray<readonly [datagram: Uint8Array, said: string]> = [
    [long(0x40), "quic|packet with a short header|connection ID"],
    [long(0x7f), "quic|packet with a short header|connection ID"],
    [packet({ type: "handshake" }), "quic|Handshake packet|connection ID"],
    [record(20), "dtls|record|"],
    [record(22), "dtls|handshake record|"],
    [record(23), "dtls|record|"],
    [record(25), "dtls|record with a connection ID|connection ID"],
    [record(26), "dtls|record|"],
    [long(0x2c), "dtls|record of 1.3|"],
    [long(0x3c), "dtls|record of 1.3 with a connection ID|connection ID"],
    [concat(2, 0, 0, 0, new Uint8Array(88)), "wireguard|response message|receiver index"],
    [concat(3, 0, 0, 0, new Uint8Array(60)), "wireguard|cookie message|receiver index"],
    [
      concat(4, 0, 0, 0, ...index, new Uint8Array(24)),
      "wireguard|transport message|receiver index",
    ],
  ];
  for (const [datagram, said] of cases) assert.equal(what(datagram), said, datagram.toHex());
});

Deno.test("what begins a session, or is nothing of the kind, goes on with none", () => {
  const datagrams = [
    new Uint8Array(),
    concat(1, 0, 0, 0, new Uint8Array(144)),
    packet(),
    packet({ type: "0-rtt" }),
    concat(0x40, new Uint8Array(19)),
    long(0),
    long(19, 0xfe, 0xfd),
    long(27, 0xfe, 0xfd),
    long(23, 0x03, 0x03),
    concat(23, 0xfe, 0xfd, new Uint8Array(9)),
    long(0x80),
  ];
  for (const datagram of datagrams) assert.equal(what(datagram), undefined, datagram.toHex());
});

Deno.test("who is claimed by the probe of another protocol goes on with nothing", () => {
  const short = long(0x41);
  assert.equal(continuationOf(short, { protocol: "sip" }), undefined);
  for (const protocol of ["regex", "any"]) {
    assert.equal(continuationOf(short, { protocol })?.protocol, "quic");
  }
});

Deno.test("samples from the middle of a session are told, and no client that begins one is", () => {
  const protocolOf = ({ protocol, datagrams: [first] }: DatagramSample) =>
    continuationOf(first!, protocol === "none" ? undefined : { protocol })?.protocol;
  const begun = new Set<string>();
  for (const sample of datagramSamples()) {
    const found = protocolOf(sample);
    if (sample.protocol !== "none" && found !== undefined) begun.add(sample.name);
    const [, expected] = /^none_udp_(dtls|quic)_/.exec(sample.name) ?? [];
    if (expected !== undefined) assert.equal(found, expected, sample.name);
  }
  const later = ["cookie", "response", "transport", "transport_mtu"];
  assert.deepEqual([...begun].sort(), later.map((message) => `wireguard_${message}`));
});
