/**
 * The datagrams in which a QUIC client says hello: a whole Initial packet in each (RFC 9000 §17.2.2), protected as
 * RFC 9001 §5 says. `probes/quic_keys.ts` opens them.
 *
 * ```
 * header     u8 11tt0000 | u32 version | u8 8, connection ID | u8 0 | u8 0 | u16 0x4000 + n | u8 packet number
 * frames     u8 6 (CRYPTO) | u16 0x4000 + offset | u16 0x4000 + n, data | zeros (PADDING)
 * ```
 *
 * @module
 */
import { ecb, gcm } from "@noble/ciphers/aes.js";
import { initialKeys, type PacketKeys } from "../../probes/quic_keys.ts";
import { QUIC_V1, QUIC_V2 } from "../../probes/quic_packet.ts";

/** A client fills its first datagrams to this length (RFC 9000 §14.1), and few paths carry much more. */
const DATAGRAM_LENGTH = 1200;
const TAG_LENGTH = 16;
const SAMPLE_LENGTH = 16;

/** A long header, the fixed bit, an Initial packet, a packet number of one byte (RFC 9000 §17.2, RFC 9369 §3.2). */
const FIRST_BYTES = { [QUIC_V1]: 0xc0, [QUIC_V2]: 0xd0 } as const;
const CRYPTO = 6;
const CRYPTO_HEADER_LENGTH = 5;
/** Marks a variable-length integer of two bytes (RFC 9000 §16), of up to {@linkcode MAX_VARINT}. */
const TWO_BYTES = 0x4000;
const MAX_VARINT = 0x3fff;

/** Real clients make up 8 to 20 random bytes. */
const CONNECTION_ID_LENGTH = 8;
const CONNECTION_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Everything in front of the frames. The length at its end counts itself not. */
const HEADER_LENGTH = 1 + 4 + 1 + CONNECTION_ID_LENGTH + 1 + 1 + 2 + 1;
const FRAMES_LENGTH = DATAGRAM_LENGTH - HEADER_LENGTH - TAG_LENGTH;

/** What a client chooses besides its hello. */
export interface InitialChoice {
  /** 1, if it is absent. */
  readonly version?: typeof QUIC_V1 | typeof QUIC_V2;
  /** 8 bytes, by which it addresses its server; always the same ones, if it is absent. */
  readonly connectionId?: Uint8Array;
}

/**
 * Writes the datagrams that carry `hello`, as few as hold it.
 * @param hello A ClientHello message, with its header and without records.
 * @throws {RangeError} If it is longer than 16 KiB.
 */
export function encodeInitials(
  hello: Uint8Array,
  { version = QUIC_V1, connectionId = CONNECTION_ID }: InitialChoice = {},
): readonly Uint8Array[] {
  if (hello.length > MAX_VARINT) throw new RangeError("no client says as much in its hello");
  const keys = initialKeys(version, connectionId, "client");
  const capacity = FRAMES_LENGTH - CRYPTO_HEADER_LENGTH;
  return Array.from({ length: Math.ceil(hello.length / capacity) }, (_, at) => {
    const offset = at * capacity;
    const frames = cryptoFrame(offset, hello.subarray(offset, offset + capacity));
    return seal(at, frames, { version, connectionId }, keys);
  });
}

/** The frame and padding behind it. */
function cryptoFrame(offset: number, data: Uint8Array): Uint8Array {
  const frames = new Uint8Array(FRAMES_LENGTH);
  frames.set([CRYPTO, ...varint(offset), ...varint(data.length)]);
  frames.set(data, CRYPTO_HEADER_LENGTH);
  return frames;
}

function varint(value: number): number[] {
  return [(TWO_BYTES | value) >> 8, value & 0xff];
}

/** @param packetNumber Up to 255. */
function seal(
  packetNumber: number,
  frames: Uint8Array,
  { version, connectionId }: Required<InitialChoice>,
  { key, iv, hp }: PacketKeys,
): Uint8Array {
  const header = Uint8Array.from([
    FIRST_BYTES[version],
    ...[version >>> 24, version >> 16, version >> 8, version],
    ...[CONNECTION_ID_LENGTH, ...connectionId],
    0, // no connection ID of its own
    0, // no token
    ...varint(1 + frames.length + TAG_LENGTH),
    packetNumber,
  ]);
  const nonce = iv.slice();
  nonce[nonce.length - 1]! ^= packetNumber;
  const sealed = gcm(key, nonce, header).encrypt(frames);

  // The sample begins four bytes behind the packet number's start, whatever its length (RFC 9001 §5.4.2).
  const sample = sealed.slice(3, 3 + SAMPLE_LENGTH);
  const mask = ecb(hp, { disablePadding: true }).encrypt(sample);
  header[0]! ^= mask[0]! & 0x0f;
  header[header.length - 1]! ^= mask[1]!;
  return Uint8Array.from([...header, ...sealed]);
}
