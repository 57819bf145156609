/**
 * NTP. A client sends (RFC 5905 §7.3; RFC 4330 §4 for simple clients, which leave nearly all of it 0):
 *
 * ```
 * 2 bits leap | 3 version 1 to 4 | 3 mode 3 | u8 stratum | s8 poll | s8 precision
 * u32 root delay | u32 root dispersion | u32 reference ID | 4 × u64 timestamp
 * { u16 type | u16 length of all of it, a multiple of 4, at least 16 | value }*       version 4 (RFC 7822 §7.5)
 * u32 key ID | digest                                                                 if it is authenticated
 * ```
 *
 * @module
 */
import { datagramProbe } from "./datagram.ts";

const MODE_CLIENT = 3;
const MAX_VERSION = 4;

/** What is plausible (RFC 5905 §7.3): 16 is not synchronised; polls are apart by 2^-7 s (chrony) to 2^17 s. */
const MAX_STRATUM = 16;
const MIN_POLL = -7;
const MAX_POLL = 17;
/** 2^-32 s to 1 s; clients that tell nothing of their clock write 2^32 s. */
const MIN_PRECISION = -32;
const NO_PRECISION = 32;
/** In 2^-16 s: 256 s and 4096 s. A clock that is never set has the latter after eight years (RFC 5905 §7.3). */
const MAX_ROOT_DELAY = 2 ** 24;
const MAX_ROOT_DISPERSION = 2 ** 28;

const REFERENCE_ID_AND_TIMESTAMPS_LENGTH = 4 + 4 * 8;
const MIN_EXTENSION_LENGTH = 16;
/** None, or a key ID and a digest: DES, MD5, SHA-1, and those of SHA-2. */
const AUTHENTICATOR_LENGTHS: readonly number[] = [0, 12, 20, 24, 32, 36, 52, 68];
/** Of version 4, where more is an extension (RFC 7822 §7.5.1.4). */
const MAX_AUTHENTICATOR_LENGTH = 24;

/** Matches a whole request; gives `details.version`. */
export const ntp = datagramProbe((packet) => {
  const first = packet.u8();
  const version = first >> 3 & 7;
  if ((first & 7) !== MODE_CLIENT || version === 0 || version > MAX_VERSION) return undefined;
  if (packet.u8() > MAX_STRATUM) return undefined;
  const poll = signed(packet.u8());
  const precision = signed(packet.u8());
  if (poll < MIN_POLL || poll > MAX_POLL) return undefined;
  if (precision < MIN_PRECISION || precision > 0 && precision !== NO_PRECISION) return undefined;
  if (packet.u32() >= MAX_ROOT_DELAY || packet.u32() >= MAX_ROOT_DISPERSION) return undefined;
  packet.skip(REFERENCE_ID_AND_TIMESTAMPS_LENGTH);
  while (version === 4 && packet.remaining > MAX_AUTHENTICATOR_LENGTH) {
    packet.skip(2);
    const length = packet.u16();
    if (length < MIN_EXTENSION_LENGTH || length % 4 !== 0) return undefined;
    packet.skip(length - 4);
  }
  if (!AUTHENTICATOR_LENGTHS.includes(packet.remaining)) return undefined;
  return { protocol: "ntp", details: { version } };
});

function signed(byte: number): number {
  return byte << 24 >> 24;
}
