/**
 * RTP (RFC 3550 §5.1), encrypted (SRTP) or not:
 *
 * ```
 * 2 bits version 2 | padding | extension | 4 sources n | marker | 7 payload type | u16 sequence number
 * u32 timestamp | u32 synchronisation source | n × u32 contributing source
 * u16 profile | u16 m | m × u32                                                    if the extension bit is set
 * payload
 * ```
 *
 * One datagram of it looks like many other things. Two in sequence from one source do not: that is when a receiver
 * believes in the source too (RFC 3550 A.1). So nothing is matched before the second.
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import type { DatagramProbe, DatagramResult } from "./datagram.ts";
import { attempt } from "./probe.ts";

const VERSION = 2;
const EXTENSION_BIT = 0x10;
/** The types from here on, and before the next, are kept free for RTCP on the same port (RFC 5761 §4). */
const FIRST_RTCP_TYPE = 64;
const FIRST_DYNAMIC_TYPE = 96;
/** A call of ONC RPC (RFC 5531 §9), with an ID that is counted up, reads as timestamp 0 and source 2. */
const RPC_VERSION = 2;

/** How many datagrams two in sequence are looked for in: some may be lost or overtake others. */
const MAX_DATAGRAMS = 4;

const NO: DatagramResult = { kind: "no" };
const NEED: DatagramResult = { kind: "need" };

/** Matches two packets in sequence from one source; gives `details.payloadType`. */
export const rtp: DatagramProbe = (datagrams, final) => {
  let last: Packet | undefined;
  for (const datagram of datagrams.slice(0, MAX_DATAGRAMS)) {
    const packet = attempt(readPacket, datagram, true);
    if (packet === undefined || "kind" in packet) return NO;
    if (last !== undefined && !isSameStream(packet, last)) return NO;
    if (last !== undefined && packet.sequenceNumber === (last.sequenceNumber + 1) % 2 ** 16) {
      return {
        kind: "match",
        facts: { protocol: "rtp", details: { payloadType: packet.payloadType } },
      };
    }
    last = packet;
  }
  return final || last === undefined || datagrams.length >= MAX_DATAGRAMS ? NO : NEED;
};

interface Packet {
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly source: number;
}

function readPacket(packet: ByteReader): Packet | undefined {
  const first = packet.u8();
  const payloadType = packet.u8() & 0x7f;
  const sequenceNumber = packet.u16();
  const timestamp = packet.u32();
  const source = packet.u32();
  if (first >> 6 !== VERSION) return undefined;
  if (payloadType >= FIRST_RTCP_TYPE && payloadType < FIRST_DYNAMIC_TYPE) return undefined;
  if (timestamp === 0 && source === RPC_VERSION) return undefined;
  packet.skip(4 * (first & 0x0f));
  if ((first & EXTENSION_BIT) !== 0) {
    packet.skip(2);
    packet.skip(4 * packet.u16());
  }
  return { payloadType, sequenceNumber, source };
}

function isSameStream(a: Packet, b: Packet): boolean {
  return a.source === b.source && a.payloadType === b.payloadType;
}
