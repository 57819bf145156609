/**
 * OpenVPN over TCP. The client sends first, a packet that resets the control channel, in one of four wrappings
 * (OpenVPN, "Network protocol", and tls-crypt-v2.txt):
 *
 * ```
 * u16 length of what follows | u8 opcode << 3 + key ID 0 | 8 session ID
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
import { probe } from "./probe.ts";

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
/** A first replay ID, the latter two from clients that say in this way that they can negotiate early. */
const FIRST_REPLAY_IDS: readonly number[] = [1, 0x0f00_0000, 0x0f00_0001];

/** Matches a client's reset; gives `details.wrapping`. */
export const openvpn = probe((head) => {
  const length = head.u16();
  if (length > MAX_LENGTH) return undefined;
  const opcode = head.u8();
  const bodyLength = length - 1 - SESSION_ID_LENGTH;
  if (!isResetLength(opcode, bodyLength)) return undefined;
  if (head.bytes(SESSION_ID_LENGTH).every((byte) => byte === 0)) return undefined;
  const body = head.bytes(bodyLength);
  const wrapping = opcode === RESET_V3 ? wrappingOfV3(body) : wrappingOfV2(body);
  return wrapping === undefined ? undefined : { protocol: "openvpn", details: { wrapping } };
});

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

function wrappingOfV2(body: Uint8Array): string | undefined {
  const plain = new ByteReader(body, false);
  if (body.length === RESET.length) return plain.starts(RESET) ? "none" : undefined;
  plain.skip(body.length - REPLAY_LENGTH - RESET.length);
  if (isFirstReplay(plain) && plain.starts(RESET)) return "tls-auth";
  const crypt = new ByteReader(body, false);
  return body.length === TLS_CRYPT_LENGTH && isFirstReplay(crypt) ? "tls-crypt" : undefined;
}

function wrappingOfV3(body: Uint8Array): string | undefined {
  if (!isFirstReplay(new ByteReader(body, false))) return undefined;
  const keyLength = new ByteReader(body.subarray(-2), false).u16();
  return keyLength === body.length - TLS_CRYPT_LENGTH ? "tls-crypt-v2" : undefined;
}

/** Reads a replay ID and the time that belongs to it. */
function isFirstReplay(body: ByteReader): boolean {
  const first = FIRST_REPLAY_IDS.includes(body.u32());
  body.skip(4);
  return first;
}
