/**
 * MQTT. The client sends first, a CONNECT packet (MQTT 5.0 §3.1; 3.1.1 §3.1; V3.1 §3.1):
 *
 * ```
 * u8 0x10 | varint remaining length
 * u16 4, "MQTT" | u8 level: 4 is 3.1.1, 5 is 5.0      or   u16 6, "MQIsdp" | u8 3, which is 3.1
 * u8 connect flags | u16 keep alive | 5.0: varint n, properties | u16 n, client ID | …
 * ```
 *
 * A varint has 7 bits a byte, the lowest ones first; the highest bit says that another byte follows (§1.5.5).
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { probe } from "./probe.ts";

const CONNECT = 0x10;
/** Names and levels. A broker that bridges to another may set the highest bit of the level. */
const VERSIONS: readonly (readonly [start: string, version: string])[] = [
  ["\0\x04MQTT\x04", "3.1.1"],
  ["\0\x04MQTT\x05", "5"],
  ["\0\x04MQTT\x84", "3.1.1"],
  ["\0\x04MQTT\x85", "5"],
  ["\0\x06MQIsdp\x03", "3.1"],
  ["\0\x06MQIsdp\x83", "3.1"],
];

/** The shortest packet: 3.1.1 with an empty client ID. */
const MIN_LENGTH = 12;
/** A will of 64 KiB and a long password leave room below. */
const MAX_LENGTH = 1024 * 1024;
/** Properties come before the client ID, which is not waited for behind more of them, or if it is longer itself. */
const MAX_PROPERTIES_LENGTH = 4096;
const MAX_CLIENT_ID_LENGTH = 1024;

const utf8 = new TextDecoder();

/** Matches a CONNECT packet up to its client ID; gives `details.version` and `details.clientId`. */
export const mqtt = probe((head) => {
  if (head.u8() !== CONNECT) return undefined;
  const length = varint(head);
  if (length === undefined || length < MIN_LENGTH || length > MAX_LENGTH) return undefined;
  const end = head.offset + length;
  const version = VERSIONS.find(([start]) => head.starts(start))?.[1];
  if (version === undefined || !areConnectFlags(head.u8())) return undefined;
  head.skip(2);

  const match = { protocol: "mqtt", details: { version } };
  if (version === "5") {
    const properties = varint(head);
    if (properties === undefined || head.offset + properties > end) return undefined;
    if (properties > MAX_PROPERTIES_LENGTH) return match;
    head.skip(properties);
  }
  const idLength = head.u16();
  if (head.offset + idLength > end) return undefined;
  if (idLength > MAX_CLIENT_ID_LENGTH) return match;
  const clientId = utf8.decode(head.bytes(idLength));
  return { ...match, details: { version, clientId } };
});

/** `undefined` if it has more than the four bytes that are allowed. */
function varint(head: ByteReader): number | undefined {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = head.u8();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return undefined;
}

/** Bit 0 is reserved, bits 3 and 4 are the quality of service of the will, which has no value 3 (§3.1.2.3). */
function areConnectFlags(flags: number): boolean {
  return (flags & 0x01) === 0 && (flags & 0x18) !== 0x18;
}
