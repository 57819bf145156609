/**
 * WireGuard (Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", §5.4). Numbers are little-endian:
 *
 * ```
 * initiation   u8 1 | 3 zeros | u32 sender | 32 ephemeral | 48 static | 28 timestamp | 16 mac1 | 16 mac2
 * response     u8 2 | 3 zeros | u32 sender | u32 receiver | 32 ephemeral | 16 empty | 16 mac1 | 16 mac2
 * cookie       u8 3 | 3 zeros | u32 receiver | 24 nonce | 32 cookie
 * transport    u8 4 | 3 zeros | u32 receiver | u64 counter | a packet, padded | 16 tag
 * ```
 *
 * A client begins with an initiation. Another one comes first if it answers a backend, or speaks on in a session
 * whose flow is forgotten.
 *
 * @module
 */
import { datagramProbe } from "./datagram.ts";

export type WireguardMessage = "initiation" | "response" | "cookie" | "transport";

const INITIATION_LENGTH = 148;
const RESPONSE_LENGTH = 92;
const COOKIE_LENGTH = 64;
/** Of a keep-alive, which carries no packet. */
const MIN_TRANSPORT_LENGTH = 32;

/** Where every message has its first index, and a response its second; bytes of each. */
export const FIRST_INDEX_AT = 4;
export const SECOND_INDEX_AT = 8;
export const INDEX_LENGTH = 4;
/** The upper three bytes of the counter: no one sends 2^40 packets in the 180 s of a session (§6.1). */
const UNUSED_COUNTER_AT = 13;

/** Matches any of the four messages; gives `details.type`, and its indices as `details.sender` and `details.receiver`. */
export const wireguard = datagramProbe((reader) => {
  const datagram = reader.rest();
  const type = wireguardMessage(datagram);
  if (type === undefined) return undefined;
  const sender = senderIndex(datagram);
  const receiver = receiverIndex(datagram);
  const details = {
    type,
    ...(sender !== undefined && { sender }),
    ...(receiver !== undefined && { receiver }),
  };
  return { protocol: "wireguard", details };
});

/**
 * Which message it is, by its first four bytes and its length. This and the two below are asked of every datagram of
 * a flow, so they read without a reader and allocate nothing.
 */
export function wireguardMessage(datagram: Uint8Array): WireguardMessage | undefined {
  if (datagram[1] !== 0 || datagram[2] !== 0 || datagram[3] !== 0) return undefined;
  switch (datagram[0]) {
    case 1:
      return datagram.length === INITIATION_LENGTH ? "initiation" : undefined;
    case 2:
      return datagram.length === RESPONSE_LENGTH ? "response" : undefined;
    case 3:
      return datagram.length === COOKIE_LENGTH ? "cookie" : undefined;
    case 4:
      return isTransport(datagram) ? "transport" : undefined;
    default:
      return undefined;
  }
}

function isTransport(datagram: Uint8Array): boolean {
  const at = UNUSED_COUNTER_AT;
  return datagram.length >= MIN_TRANSPORT_LENGTH &&
    datagram[at] === 0 && datagram[at + 1] === 0 && datagram[at + 2] === 0;
}

/** The index that its sender chose, by which it wants to be addressed; only handshake messages have one. */
export function senderIndex(datagram: Uint8Array): number | undefined {
  switch (wireguardMessage(datagram)) {
    case "initiation":
    case "response":
      return indexAt(datagram, FIRST_INDEX_AT);
    default:
      return undefined;
  }
}

/** The index that its receiver chose; all but the initiation have one. */
export function receiverIndex(datagram: Uint8Array): number | undefined {
  switch (wireguardMessage(datagram)) {
    case "response":
      return indexAt(datagram, SECOND_INDEX_AT);
    case "cookie":
    case "transport":
      return indexAt(datagram, FIRST_INDEX_AT);
    default:
      return undefined;
  }
}

/** The number that begins at `at`, which is inside the message. */
function indexAt(message: Uint8Array, at: number): number {
  const low = message[at]! | message[at + 1]! << 8;
  const high = message[at + 2]! | message[at + 3]! << 8;
  return low + high * 0x1_0000;
}
