/**
 * OpenVPN. The client sends first, a packet that resets the control channel, in one of four wrappings (OpenVPN,
 * "Network protocol", and tls-crypt-v2.txt):
 *
 * ```
 * u16 length of what follows, over TCP alone | u8 opcode << 3 + key ID 0 | 8 session ID
 *
 * none            u8 0 acknowledgements | u32 0 packet ID
 * tls-auth        16 to 64 HMAC | u32 1 replay ID | u32 time | u8 0 | u32 0
 * tls-crypt       u32 1 replay ID | u32 time | 32 HMAC | 5 encrypted
 * tls-crypt-v2    as tls-crypt | wrapped client key, the last two bytes of which are its length
 * ```
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import { datagramProbe } from "./datagram.ts";
import { type Facts, probe } from "./probe.ts";

/** P_CONTROL_HARD_RESET_CLIENT_V1, _V2 and _V3, with the key ID 0. */
const RESET_V1 = 1 << 3;
const RESET_V2 = 7 << 3;
const RESET_V3 = 10 << 3;

const SESSION_ID_LENGTH = 8;
/** What a reset says: no acknowledgement, packet ID 0. */
const RESET = "\0\0\0\0\0";
/** Replay ID and time. */
const REPLAY_LENGTH = 8;
/** Of the digests that `--auth` can choose: MD5, SHA1, SHA224, SHA256, SHA384, SHA512, and others as long. */
const HMAC_LENGTHS: readonly number[] = [16, 20, 28, 32, 48, 64];
const TLS_CRYPT_LENGTH = REPLAY_LENGTH + 32 + RESET.length;
/** HMAC, client key and length; the most that servers take (TLS_CRYPT_V2_MAX_WKC_LEN). */
const MIN_WRAPPED_KEY_LENGTH = 32 + 256 + 2;
const MAX_WRAPPED_KEY_LENGTH = 1024;
const MAX_LENGTH = 1 + SESSION_ID_LENGTH + TLS_CRYPT_LENGTH + MAX_WRAPPED_KEY_LENGTH;
/** Where replay IDs start, the latter for clients that say in this way that they can negotiate early. */
const REPLAY_STARTS: readonly number[] = [0, 0x0f00_0000];
/** How often a client sends its reset over UDP before it gives up, each time with the next replay ID. */
const MAX_ATTEMPTS = 32;

/** Matches a client's reset; gives `details.wrapping`. */
export const openvpn = probe((head) => readReset(head, head.u16(), 1));

/** Matches a datagram that is a client's reset; gives `details.wrapping`. */
export const openvpnDatagram = datagramProbe((packet) =>
  readReset(packet, packet.remaining, MAX_ATTEMPTS)
);

/**
 * @param length Of the packet that is to be read.
 * @param attempts Which attempt of the client it can be at most.
 */
function readReset(head: ByteReader, length: number, attempts: number): Facts | undefined {
  if (length > MAX_LENGTH) return undefined;
  const opcode = head.u8();
  const bodyLength = length - 1 - SESSION_ID_LENGTH;
  if (!isResetLength(opcode, bodyLength)) return undefined;
  if (head.bytes(SESSION_ID_LENGTH).every((byte) => byte === 0)) return undefined;
  const body = head.bytes(bodyLength);
  const wrapping = opcode === RESET_V3
    ? wrappingOfV3(body, attempts)
    : wrappingOfV2(body, attempts);
  return wrapping === undefined ? undefined : { protocol: "openvpn", details: { wrapping } };
}

/** Whether a reset can have this opcode, with so much behind the session ID. */
function isResetLength(opcode: number, length: number): boolean {
  switch (opcode) {
    case RESET_V1:
    case RESET_V2: // A tls-crypt packet is as long as one of tls-auth with SHA256.
      return length === RESET.length ||
        HMAC_LENGTHS.includes(length - REPLAY_LENGTH - RESET.length);
    case RESET_V3:
      return length >= TLS_CRYPT_LENGTH + MIN_WRAPPED_KEY_LENGTH;
    default:
      return false;
  }
}

function wrappingOfV2(body: Uint8Array, attempts: number): string | undefined {
  const plain = new ByteReader(body, false);
  if (body.length === RESET.length) return plain.starts(RESET) ? "none" : undefined;
  plain.skip(body.length - REPLAY_LENGTH - RESET.length);
  if (isReplay(plain, attempts) && plain.starts(RESET)) return "tls-auth";
  const crypt = new ByteReader(body, false);
  return body.length === TLS_CRYPT_LENGTH && isReplay(crypt, attempts) ? "tls-crypt" : undefined;
}

function wrappingOfV3(body: Uint8Array, attempts: number): string | undefined {
  if (!isReplay(new ByteReader(body, false), attempts)) return undefined;
  const keyLength = new ByteReader(body.subarray(-2), false).u16();
  return keyLength === body.length - TLS_CRYPT_LENGTH ? "tls-crypt-v2" : undefined;
}

/** Reads a replay ID and the time that belongs to it; whether it is one of the first. */
function isReplay(body: ByteReader, attempts: number): boolean {
  const id = body.u32();
  body.skip(4);
  // Not 0, or a packet of zeros would do.
  return id !== 0 && REPLAY_STARTS.some((start) => id >= start && id <= start + attempts);
}
