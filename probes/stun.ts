/**
 * STUN, TURN and ICE (RFC 8489 §5, §14):
 *
 * ```
 * u16 type: 2 bits 0, the others class and method, mixed | u16 n, a multiple of 4
 * u32 magic cookie 0x2112A442 | 12 transaction ID | n bytes of attributes
 *
 * attribute     u16 type | u16 n | n bytes | padding to a multiple of 4
 * FINGERPRINT   u16 0x8028 | u16 4 | u32 CRC-32 of all before it, XOR 0x5354554E; the last one
 * ```
 *
 * STUN without the magic cookie (RFC 3489) looks like nothing in particular, and is not told apart.
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import { datagramProbe } from "./datagram.ts";

const MAX_TYPE = 0x3fff;
const MAGIC_COOKIE = 0x2112a442;
const TRANSACTION_ID_LENGTH = 12;

const FINGERPRINT = 0x8028;
const FINGERPRINT_XOR = 0x5354554e;

/** By the two bits of the class (RFC 8489 §5). */
const CLASSES: readonly string[] = ["request", "indication", "success", "error"];

/** Of RFC 8489 §18.2, RFC 8656 §17 and RFC 6062 §6.1; those of others have no name here. */
const METHODS: ReadonlyMap<number, string> = new Map([
  [0x001, "binding"],
  [0x003, "allocate"],
  [0x004, "refresh"],
  [0x006, "send"],
  [0x007, "data"],
  [0x008, "create_permission"],
  [0x009, "channel_bind"],
  [0x00a, "connect"],
  [0x00b, "connection_bind"],
  [0x00c, "connection_attempt"],
]);

/** Matches a whole message, with its fingerprint if it has one; gives `details.class` and `details.method`. */
export const stun = datagramProbe((datagram) => {
  const bytes = datagram.rest();
  const message = new ByteReader(bytes, false);
  const type = message.u16();
  const length = message.u16();
  if (type > MAX_TYPE || message.u32() !== MAGIC_COOKIE) return undefined;
  message.skip(TRANSACTION_ID_LENGTH);
  if (length % 4 !== 0 || length !== message.remaining) return undefined;
  while (message.remaining > 0) {
    const start = message.offset;
    const attribute = message.u16();
    const valueLength = message.u16();
    if (attribute === FINGERPRINT) {
      const last = valueLength === 4 && message.remaining === 4;
      if (!last || message.u32() !== fingerprint(bytes.subarray(0, start))) return undefined;
    } else {
      message.skip(valueLength + (-valueLength & 3));
    }
  }
  return { protocol: "stun", details: namesOf(type) };
});

/** The names of a type: two bits of it are the class, and stand among those of the method. */
function namesOf(type: number) {
  const messageClass = CLASSES[type >> 7 & 2 | type >> 4 & 1]!;
  const method = type >> 2 & 0xf80 | type >> 1 & 0x70 | type & 0xf;
  return {
    class: messageClass,
    method: METHODS.get(method) ?? `0x${method.toString(16).padStart(3, "0")}`,
  };
}

/** What the FINGERPRINT behind `message` is to be (RFC 8489 §14.7). */
function fingerprint(message: Uint8Array): number {
  return (crc32(message) ^ FINGERPRINT_XOR) >>> 0;
}

/** For every byte, the CRC-32 of it alone, with the polynomial of ITU V.42. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte >>> 1 ^ (byte & 1 ? 0xedb88320 : 0);
  return byte;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = crc >>> 8 ^ CRC_TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc;
}
