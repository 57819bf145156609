/**
 * Opening QUIC Initial packets (RFC 9001 §5, RFC 9369 §3.3). Their keys hide nothing: they follow from the connection
 * ID that the client chose first, and say that a packet arrived as it was sent.
 *
 * ```
 * salt of the version, connection ID → initial secret → secret of a side → key, iv, hp
 *
 * mask          AES-ECB(hp, the 16 bytes that begin 4 bytes behind the packet number's start), 5 bytes of it
 * header        first byte ^ mask[0] in its last four bits, packet number ^ mask[1..4]
 * frames        AES-128-GCM(key, iv ^ packet number, header as associated data)
 * ```
 *
 * @module
 */
import { ecb, gcm } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { packetNumber, type ProtectedPacket, QUIC_V1, QUIC_V2 } from "./quic_packet.ts";

const SECRET_LENGTH = 32;
const KEY_LENGTH = 16;
const IV_LENGTH = 12;

/** HMAC-SHA256 with a key, to be cloned for each use: what depends on the key alone is reckoned once. */
type Keyed = ReturnType<typeof keyed>;
const keyed = (key: Uint8Array) => hmac.create(sha256, key);

/** What the keys of a version are derived with: its salt, and what each is expanded with. */
const DERIVATIONS: ReadonlyMap<number, ReturnType<typeof derivation>> = new Map([
  // RFC 9001 §5.2, §5.1
  [QUIC_V1, derivation("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic")],
  // RFC 9369 §3.3.1, §3.3.2
  [QUIC_V2, derivation("0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2")],
]);

function derivation(salt: string, label: string) {
  return {
    salt: keyed(Uint8Array.fromHex(salt)),
    key: expansion(`${label} key`, KEY_LENGTH),
    iv: expansion(`${label} iv`, IV_LENGTH),
    hp: expansion(`${label} hp`, KEY_LENGTH),
  };
}

/** What the secrets of both sides are expanded with (RFC 9001 §5.2). */
const SIDES = {
  client: expansion("client in", SECRET_LENGTH),
  server: expansion("server in", SECRET_LENGTH),
} as const;

const SAMPLE_LENGTH = 16;

/** Bits of the first byte of a long header (RFC 9000 §17.2). */
const PROTECTED_BITS = 0x0f;
const RESERVED_BITS = 0x0c;
const PACKET_NUMBER_LENGTH_BITS = 0x03;
const MAX_PACKET_NUMBER_LENGTH = 4;

/** What one side's packets are protected with. */
export interface PacketKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** Of the header protection. */
  readonly hp: Uint8Array;
}

/**
 * The keys of the Initial packets of one side.
 * @param dcid The destination connection ID of the client's first Initial, or of its first one after a Retry.
 * @throws {RangeError} In another version than 1 and 2.
 */
export function initialKeys(
  version: number,
  dcid: Uint8Array,
  side: keyof typeof SIDES,
): PacketKeys {
  const labels = DERIVATIONS.get(version);
  if (labels === undefined) throw new RangeError(`QUIC version ${version} is not known here`);
  // HKDF-Extract is HMAC with the salt as its key (RFC 5869 §2.2).
  const initialSecret = labels.salt.clone().update(dcid).digest();
  const secret = keyed(expandLabel(keyed(initialSecret), SIDES[side]));
  return {
    key: expandLabel(secret, labels.key),
    iv: expandLabel(secret, labels.iv),
    hp: expandLabel(secret, labels.hp),
  };
}

/** HKDF-Expand-Label (RFC 8446 §7.1) without a context, of up to 32 bytes: one block (RFC 5869 §2.3). */
export function expandLabel(secret: Keyed, label: Uint8Array): Uint8Array {
  // A copy: a view would keep a buffer of its own beside it, several times as long, for as long as a client is waited for.
  return secret.clone().update(label).digest().slice(0, label[1]);
}

/**
 * What {@linkcode expandLabel} takes: an HkdfLabel and the number of the block.
 *
 * ```
 * u16 length | u8 n, "tls13 ", label | u8 0 (context) | u8 1
 * ```
 * @param length Bytes that are wanted, up to 32.
 */
export function expansion(label: string, length: number): Uint8Array {
  const name = new TextEncoder().encode(`tls13 ${label}`);
  return Uint8Array.of(0, length, name.length, ...name, 0, 1);
}

/** A packet without its protection. */
export interface OpenedPacket {
  readonly packetNumber: number;
  readonly frames: Uint8Array;
}

/**
 * Takes the protection off an Initial packet.
 * @param largest The largest packet number that was opened with these keys; -1 if there was none.
 * @returns `undefined` if it was not protected with them or has changed since.
 */
export function openPacket(
  { bytes, packetNumberAt }: ProtectedPacket,
  { key, iv, hp }: PacketKeys,
  largest: number,
): OpenedPacket | undefined {
  const sampleAt = packetNumberAt + MAX_PACKET_NUMBER_LENGTH;
  if (bytes.length < sampleAt + SAMPLE_LENGTH) return undefined;
  const sample = bytes.subarray(sampleAt, sampleAt + SAMPLE_LENGTH);
  const mask = ecb(hp, { disablePadding: true }).encrypt(sample);

  const first = bytes[0]! ^ mask[0]! & PROTECTED_BITS;
  // Bits that an endpoint ends the connection for (RFC 9000 §17.2) tell most strangers without the cost of opening.
  if ((first & RESERVED_BITS) !== 0) return undefined;
  const framesAt = packetNumberAt + 1 + (first & PACKET_NUMBER_LENGTH_BITS);
  // A copy, whatever the bytes are: `slice` of a Node Buffer is a view.
  const header = new Uint8Array(bytes.subarray(0, framesAt));
  header[0] = first;
  let truncated = 0;
  for (let at = packetNumberAt; at < framesAt; at++) {
    header[at]! ^= mask[1 + at - packetNumberAt]!;
    truncated = truncated * 256 + header[at]!;
  }
  const number = packetNumber(largest, truncated, framesAt - packetNumberAt);
  try {
    const frames = gcm(key, nonce(iv, number), header).decrypt(bytes.subarray(framesAt));
    return { packetNumber: number, frames };
  } catch {
    return undefined; // The tag is not that of the rest.
  }
}

/** The iv with the packet number on its last bytes (RFC 9001 §5.3). */
function nonce(iv: Uint8Array, packetNumber: number): Uint8Array {
  const nonce = iv.slice();
  let rest = packetNumber;
  for (let at = nonce.length - 1; rest > 0; at--) {
    nonce[at]! ^= rest % 256;
    rest = Math.floor(rest / 256);
  }
  return nonce;
}
