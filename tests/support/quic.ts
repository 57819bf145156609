/**
 * Builds QUIC packets (RFC 9000 §17.2, RFC 9001 §5, RFC 9369 §3).
 *
 * @module
 */
import { ecb, gcm } from "@noble/ciphers/aes.js";
import { initialKeys, type PacketKeys } from "../../probes/quic_keys.ts";
import { QUIC_V1, QUIC_V2 } from "../../probes/quic_packet.ts";
import { concat, prefixed } from "./bytes.ts";
import { parseHex } from "./samples.ts";

/** The connection ID of the examples in both RFCs. */
export const DCID = parseHex("8394c8f03e515708");

/** By version: the type bits (RFC 9000 §17.2, RFC 9369 §3.2). */
const TYPES = {
  [QUIC_V1]: { "initial": 0, "0-rtt": 1, "handshake": 2, "retry": 3 },
  [QUIC_V2]: { "initial": 1, "0-rtt": 2, "handshake": 3, "retry": 0 },
} as const;

/** Key and nonce of the Retry integrity tag (RFC 9001 §5.8, RFC 9369 §3.3.3). */
const RETRY = {
  [QUIC_V1]: ["be0c690b9f66575a1d766b54e368c84e", "461599d35d632bf2239825bb"],
  [QUIC_V2]: ["8fb4b01b56ac48e260fbcbcead7ccc92", "d86969bc2d7c6d9990efb04a"],
} as const;

/** What a packet holds; what is absent is as in a client's first one, an Initial of version 1. */
export interface PacketParts {
  readonly type?: "initial" | "0-rtt" | "handshake";
  readonly version?: typeof QUIC_V1 | typeof QUIC_V2;
  readonly dcid?: Uint8Array;
  readonly scid?: Uint8Array;
  readonly token?: Uint8Array;
  readonly number?: number;
  /** 1 to 4. */
  readonly numberLength?: number;
  readonly reservedBits?: number;
  /** Without them, a PING and padding. */
  readonly frames?: Uint8Array;
  /** By default those of a client's Initial. */
  readonly keys?: PacketKeys;
}

/** A protected packet. */
export function packet(parts: PacketParts = {}): Uint8Array<ArrayBuffer> {
  const { type = "initial", version = QUIC_V1, dcid = DCID, scid = new Uint8Array(0) } = parts;
  const { number = 0, numberLength = 1, reservedBits = 0, frames = concat(1, 0, 0, 0) } = parts;
  const keys = parts.keys ?? initialKeys(version, dcid, "client");
  const token = parts.token ?? new Uint8Array(0);
  const header = concat(
    0xc0 | TYPES[version][type] << 4 | reservedBits << 2 | numberLength - 1,
    u32(version),
    prefixed(1, dcid),
    prefixed(1, scid),
    type === "initial" ? concat(varint(token.length), token) : "",
    varint(numberLength + frames.length + 16, 1),
    u32(number % 2 ** 32).subarray(4 - numberLength),
  );
  return protect(header, numberLength, nonce(keys.iv, number), frames, keys);
}

function protect(
  header: Uint8Array<ArrayBuffer>,
  numberLength: number,
  nonce: Uint8Array,
  frames: Uint8Array,
  { key, hp }: PacketKeys,
): Uint8Array<ArrayBuffer> {
  const sealed = gcm(key, nonce, header).encrypt(frames);
  const sample = sealed.slice(4 - numberLength, 20 - numberLength);
  const mask = ecb(hp, { disablePadding: true }).encrypt(sample);
  const numberAt = header.length - numberLength;
  header[0]! ^= mask[0]! & 0x0f;
  for (let i = 0; i < numberLength; i++) header[numberAt + i]! ^= mask[1 + i]!;
  return concat(header, sealed);
}

function nonce(iv: Uint8Array, number: number): Uint8Array {
  const padded = concat(new Uint8Array(4), u32(Math.floor(number / 2 ** 32)), u32(number));
  return iv.map((byte, i) => byte ^ padded[i]!);
}

/** A Retry packet of a server; `unused` are the bits of its first byte that mean nothing. */
export function retryPacket(
  version: typeof QUIC_V1 | typeof QUIC_V2,
  originalDcid: Uint8Array,
  scid: Uint8Array,
  token: Uint8Array,
  unused: number,
): Uint8Array<ArrayBuffer> {
  const first = 0xc0 | TYPES[version].retry << 4 | unused;
  const retry = concat(first, u32(version), 0, prefixed(1, scid), token);
  const [key, nonce] = RETRY[version];
  const tag = gcm(parseHex(key), parseHex(nonce), concat(prefixed(1, originalDcid), retry))
    .encrypt(new Uint8Array(0));
  return concat(retry, tag);
}

/** A datagram of packets in a row, padded behind them to what a client's must have at least. */
export function datagram(...packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = concat(...packets);
  return concat(bytes, new Uint8Array(Math.max(0, 1200 - bytes.length)));
}

/** A CRYPTO frame with the bytes of `stream` from `start` to before `end`. */
export function cryptoFrame(
  stream: Uint8Array,
  start = 0,
  end = stream.length,
): Uint8Array<ArrayBuffer> {
  return concat(6, varint(start), varint(end - start), stream.subarray(start, end));
}

/** A variable-length integer (RFC 9000 §16), of 2^`width` bytes at least, else as few as it takes. */
export function varint(value: number, width = 0): Uint8Array<ArrayBuffer> {
  if (value >= 2 ** 30) throw new RangeError(`${value} is more than tests need`);
  if (width < 1 && value < 2 ** 6) return concat(value);
  if (width < 2 && value < 2 ** 14) return concat(0x40 | value >> 8, value & 0xff);
  return u32(0x8000_0000 + value);
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  return concat(value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff);
}
