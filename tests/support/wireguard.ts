/**
 * The cryptography of WireGuard (Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", §5.4), without its
 * timers and without cookies: enough for two peers that talk.
 *
 * @module
 */
import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { concat } from "./bytes.ts";

/** Where a message has its first index, and a response its second. */
export const FIRST_INDEX_AT = 4;
const SECOND_INDEX_AT = 8;
const EPHEMERAL_AT = 8;
const STATIC_AT = 40;
const TIMESTAMP_AT = 88;
const INITIATION_MAC1_AT = 116;
const RESPONSE_EPHEMERAL_AT = 12;
const EMPTY_AT = 44;
const RESPONSE_MAC1_AT = 60;
const COUNTER_AT = 8;
const PACKET_AT = 16;

const NOTHING = new Uint8Array(0);
/** Where there is no pre-shared key (§5.2). */
const NO_PSK = new Uint8Array(32);

/** Of Curve25519 (RFC 7748); the public half as on the wire. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  return { privateKey, publicKey: Uint8Array.fromBase64(x, { alphabet: "base64url" }) };
}

/** What both sides have in common after each step: the chaining key and the hash of all that was said. */
interface Transcript {
  readonly chain: Uint8Array;
  readonly hash: Uint8Array;
}

/** An initiation that is not answered yet. */
export interface Initiation {
  readonly message: Uint8Array;
  readonly index: number;
  readonly own: KeyPair;
  readonly ephemeral: KeyPair;
  readonly transcript: Transcript;
}

/** Begins a handshake (§5.4.2) with the peer that has the public key `peer`; `index` is this side's name for it. */
export function initiate(own: KeyPair, peer: Uint8Array, index: number): Initiation {
  const ephemeral = newKeyPair();
  let transcript = mix(mixHash(opening(), peer), ephemeral.publicKey);
  const forStatic = mixSecret(transcript, ephemeral.privateKey, peer);
  const hidden = seal(forStatic.key, forStatic.transcript.hash, own.publicKey);
  transcript = mixHash(forStatic.transcript, hidden);
  const forTime = mixSecret(transcript, own.privateKey, peer);
  const time = seal(forTime.key, forTime.transcript.hash, timestamp());
  transcript = mixHash(forTime.transcript, time);
  const message = concat(1, 0, 0, 0, u32(index), ephemeral.publicKey, hidden, time);
  return { message: withMacs(message, peer), index, own, ephemeral, transcript };
}

/** Answers an initiation (§5.4.3); `undefined` if it is none, or not for the peer with the keys `own`. */
export function respond(
  own: KeyPair,
  initiation: Uint8Array,
  index: number,
): { readonly message: Uint8Array; readonly session: Session } | undefined {
  if (!hasMac(initiation, INITIATION_MAC1_AT, own.publicKey)) return undefined;
  const theirs = initiation.slice(EPHEMERAL_AT, STATIC_AT);
  const hidden = initiation.subarray(STATIC_AT, TIMESTAMP_AT);
  const time = initiation.subarray(TIMESTAMP_AT, INITIATION_MAC1_AT);
  let transcript = mix(mixHash(opening(), own.publicKey), theirs);
  const forStatic = mixSecret(transcript, own.privateKey, theirs);
  const peer = open(forStatic.key, forStatic.transcript.hash, hidden);
  if (peer === undefined) return undefined;
  const forTime = mixSecret(mixHash(forStatic.transcript, hidden), own.privateKey, peer);
  if (open(forTime.key, forTime.transcript.hash, time) === undefined) return undefined;
  transcript = mixHash(forTime.transcript, time);

  const ephemeral = newKeyPair();
  transcript = mix(transcript, ephemeral.publicKey);
  transcript = mixSecret(transcript, ephemeral.privateKey, theirs).transcript;
  transcript = mixSecret(transcript, ephemeral.privateKey, peer).transcript;
  const last = mixPsk(transcript);
  const empty = seal(last.key, last.transcript.hash, NOTHING);
  const peerIndex = u32At(initiation, FIRST_INDEX_AT);
  const message = concat(2, 0, 0, 0, u32(index), u32(peerIndex), ephemeral.publicKey, empty);
  const [receiving, sending] = derive(last.transcript.chain, NOTHING, 2);
  return {
    message: withMacs(message, peer),
    session: new Session(index, peerIndex, sending!, receiving!),
  };
}

/** What the response makes of an initiation; `undefined` if it does not answer it. */
export function complete(initiation: Initiation, response: Uint8Array): Session | undefined {
  const { index, own, ephemeral } = initiation;
  if (!hasMac(response, RESPONSE_MAC1_AT, own.publicKey)) return undefined;
  if (u32At(response, SECOND_INDEX_AT) !== index) return undefined;
  const theirs = response.slice(RESPONSE_EPHEMERAL_AT, EMPTY_AT);
  let transcript = mix(initiation.transcript, theirs);
  transcript = mixSecret(transcript, ephemeral.privateKey, theirs).transcript;
  transcript = mixSecret(transcript, own.privateKey, theirs).transcript;
  const last = mixPsk(transcript);
  const empty = response.subarray(EMPTY_AT, RESPONSE_MAC1_AT);
  if (open(last.key, last.transcript.hash, empty) === undefined) return undefined;
  const [sending, receiving] = derive(last.transcript.chain, NOTHING, 2);
  return new Session(index, u32At(response, FIRST_INDEX_AT), sending!, receiving!);
}

/** What a handshake leaves: a key for each direction (§5.4.5). */
export class Session {
  #counter = 0;

  constructor(
    /** This side's name for it, by which the peer addresses it. */
    readonly index: number,
    readonly peerIndex: number,
    readonly sending: Uint8Array,
    readonly receiving: Uint8Array,
  ) {}

  /** A transport message (§5.4.6); without a packet it is a keep-alive. */
  seal(packet: Uint8Array): Uint8Array {
    const counter = u64(this.#counter++);
    const padded = concat(packet, new Uint8Array(-packet.length & 15));
    const sealed = seal(this.sending, NOTHING, padded, counter);
    return concat(4, 0, 0, 0, u32(this.peerIndex), counter, sealed);
  }

  /** The packet in a transport message, padded; `undefined` if it is not of this session. */
  open(message: Uint8Array): Uint8Array | undefined {
    if (message.length < PACKET_AT + 16 || message[0] !== 4) return undefined;
    if (u32At(message, FIRST_INDEX_AT) !== this.index) return undefined;
    const counter = message.subarray(COUNTER_AT, PACKET_AT);
    return open(this.receiving, NOTHING, message.subarray(PACKET_AT), counter);
  }
}

export function u32At(message: Uint8Array, at: number): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(at, true);
}

function opening(): Transcript {
  const chain = hash(text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
  return { chain, hash: hash(chain, text("WireGuard v1 zx2c4 Jason@zx2c4.com")) };
}

function mixHash({ chain, hash: before }: Transcript, said: Uint8Array): Transcript {
  return { chain, hash: hash(before, said) };
}

/** Takes an ephemeral key in, which with a pre-shared key counts as a secret too. */
function mix(transcript: Transcript, ephemeral: Uint8Array): Transcript {
  const [chain] = derive(transcript.chain, ephemeral, 1);
  return mixHash({ chain: chain!, hash: transcript.hash }, ephemeral);
}

function mixSecret(transcript: Transcript, privateKey: KeyObject, publicKey: Uint8Array) {
  const [chain, key] = derive(transcript.chain, sharedSecret(privateKey, publicKey), 2);
  return { transcript: { chain: chain!, hash: transcript.hash }, key: key! };
}

function mixPsk(transcript: Transcript) {
  const [chain, said, key] = derive(transcript.chain, NO_PSK, 3);
  return { transcript: mixHash({ chain: chain!, hash: transcript.hash }, said!), key: key! };
}

function sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  const x = publicKey.toBase64({ alphabet: "base64url", omitPadding: true });
  const key = { kty: "OKP", crv: "X25519", x };
  return new Uint8Array(
    diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: "jwk" }) }),
  );
}

function seal(key: Uint8Array, ad: Uint8Array, plain: Uint8Array, counter = u64(0)): Uint8Array {
  return chacha20poly1305(key, concat(u32(0), counter), ad).encrypt(plain);
}

function open(
  key: Uint8Array,
  ad: Uint8Array,
  sealed: Uint8Array,
  counter = u64(0),
): Uint8Array | undefined {
  try {
    return chacha20poly1305(key, concat(u32(0), counter), ad).decrypt(sealed);
  } catch {
    return undefined;
  }
}

/** Both macs of a handshake message (§5.4.4); the second is for peers under load alone. */
function withMacs(message: Uint8Array, receiver: Uint8Array): Uint8Array {
  return concat(message, mac1(message, receiver), new Uint8Array(16));
}

function hasMac(message: Uint8Array, at: number, receiver: Uint8Array): boolean {
  if (message.length !== at + 32) return false;
  const expected = mac1(message.subarray(0, at), receiver);
  return expected.every((byte, i) => byte === message[at + i]);
}

function mac1(message: Uint8Array, receiver: Uint8Array): Uint8Array {
  return blake2s(message, { dkLen: 16, key: hash(text("mac1----"), receiver) });
}

function derive(key: Uint8Array, input: Uint8Array, count: number): Uint8Array[] {
  const keys = expand(blake2s, extract(blake2s, input, key), undefined, 32 * count);
  return Array.from({ length: count }, (_, i) => keys.slice(32 * i, 32 * (i + 1)));
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return blake2s(concat(...parts));
}

/** TAI64N: seconds since 1970 with an offset, then nanoseconds, in network order. */
function timestamp(): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  const now = Date.now();
  view.setBigUint64(0, 2n ** 62n + BigInt(Math.floor(now / 1000)));
  view.setUint32(8, (now % 1000) * 1_000_000);
  return bytes;
}

function text(ascii: string): Uint8Array {
  return new TextEncoder().encode(ascii);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function u64(value: number): Uint8Array {
  return concat(u32(value), u32(Math.floor(value / 2 ** 32)));
}
