/**
 * Hybrid Public Key Encryption (RFC 9180), base mode, the receiver's side: what a sender sealed to a public key is
 * opened with the private one. Of the algorithms those that ECH clients use: DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, and AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";

/** DHKEM(X25519, HKDF-SHA256) (§7.1). */
export const KEM_ID = 0x0020;
/** HKDF-SHA256 (§7.2). */
const KDF_ID = 0x0001;

/** Opens with a key, a nonce and associated data. @throws {Error} If the tag is not that of the rest. */
type Aead = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => {
  decrypt(ciphertext: Uint8Array): Uint8Array;
};

/** By identifier (§7.3). */
const AEADS = new Map<number, { readonly keyLength: number; readonly aead: Aead }>([
  [0x0001, { keyLength: 16, aead: gcm }],
  [0x0002, { keyLength: 32, aead: gcm }],
  [0x0003, { keyLength: 32, aead: chacha20poly1305 }],
]);

/** Length in bytes of a private key, a public key, an encapsulated key and their shared secret (§7.1). */
export const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const BASE_MODE = 0;

/** What is in front of a raw X25519 key in its DER form (RFC 8410 §4, §7). */
const PUBLIC_KEY_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const PRIVATE_KEY_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");

const VERSION_LABEL = ascii("HPKE-v1");
const KEM_SUITE = concat(ascii("KEM"), u16(KEM_ID));
const NOTHING = new Uint8Array(0);

/** Which KDF and AEAD the sender used, as on the wire. */
export interface HpkeSuite {
  readonly kdf: number;
  readonly aead: number;
}

/** A receiver's key pair. */
export interface HpkeKey {
  readonly privateKey: KeyObject;
  /** Raw. */
  readonly publicKey: Uint8Array;
}

/** Whether its algorithms are among those that can be opened. */
export function isSupported({ kdf, aead }: HpkeSuite): boolean {
  return kdf === KDF_ID && AEADS.has(aead);
}

/**
 * Makes a key pair of a raw private key.
 * @throws {RangeError} If it is not {@linkcode KEY_LENGTH} bytes long.
 */
export function importKey(raw: Uint8Array): HpkeKey {
  if (raw.length !== KEY_LENGTH) {
    throw new RangeError(`an X25519 key has ${KEY_LENGTH} bytes, not ${raw.length}`);
  }
  const key = Buffer.concat([PRIVATE_KEY_PREFIX, raw]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { privateKey, publicKey: Uint8Array.from(der.subarray(PUBLIC_KEY_PREFIX.length)) };
}

/**
 * SetupBaseR (§5.1.1).
 * @param enc The sender's encapsulated key.
 * @returns `undefined` if the suite is not supported, or `enc` is no public key or one that gives a shared secret of
 *   zeros (§7.1.4).
 */
export function setUpReceiver(
  suite: HpkeSuite,
  enc: Uint8Array,
  key: HpkeKey,
  info: Uint8Array,
): HpkeReceiver | undefined {
  const algorithm = isSupported(suite) ? AEADS.get(suite.aead) : undefined;
  const shared = algorithm && decapsulate(enc, key);
  if (algorithm === undefined || shared === undefined) return undefined;
  // The key schedule (§5.1), without a pre-shared key.
  const id = concat(ascii("HPKE"), u16(KEM_ID), u16(suite.kdf), u16(suite.aead));
  const context = concat(
    Uint8Array.of(BASE_MODE),
    labeledExtract(id, NOTHING, "psk_id_hash", NOTHING),
    labeledExtract(id, NOTHING, "info_hash", info),
  );
  const secret = labeledExtract(id, shared, "secret", NOTHING);
  return new HpkeReceiver(
    algorithm.aead,
    labeledExpand(id, secret, "key", context, algorithm.keyLength),
    labeledExpand(id, secret, "base_nonce", context, NONCE_LENGTH),
  );
}

/** A receiver's context: opens what one sender sealed, in its order. */
export class HpkeReceiver {
  readonly #aead: Aead;
  readonly #key: Uint8Array;
  readonly #baseNonce: Uint8Array;
  #sequence = 0;

  constructor(aead: Aead, key: Uint8Array, baseNonce: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
    this.#baseNonce = baseNonce;
  }

  /** ContextR.Open (§5.2): the plaintext; `undefined` if it is not what the sender sealed next. */
  open(aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const nonce = this.#baseNonce.slice();
    for (let rest = this.#sequence, at = NONCE_LENGTH - 1; rest > 0; at--) {
      nonce[at]! ^= rest & 0xff;
      rest = Math.floor(rest / 256);
    }
    try {
      const plaintext = this.#aead(this.#key, nonce, aad).decrypt(ciphertext);
      this.#sequence++;
      return plaintext;
    } catch {
      return undefined;
    }
  }
}

/** Decap of DHKEM (§4.1): the shared secret. */
function decapsulate(enc: Uint8Array, { privateKey, publicKey }: HpkeKey): Uint8Array | undefined {
  if (enc.length !== KEY_LENGTH) return undefined;
  let dh: Uint8Array;
  try {
    const key = Buffer.concat([PUBLIC_KEY_PREFIX, enc]);
    const sender = createPublicKey({ key, format: "der", type: "spki" });
    dh = diffieHellman({ privateKey, publicKey: sender });
  } catch {
    // A shared secret of zeros is an error to the runtime.
    return undefined;
  }
  const secret = labeledExtract(KEM_SUITE, NOTHING, "eae_prk", dh);
  return labeledExpand(KEM_SUITE, secret, "shared_secret", concat(enc, publicKey), KEY_LENGTH);
}

/** LabeledExtract (§4). */
function labeledExtract(
  suite: Uint8Array,
  salt: Uint8Array,
  label: string,
  ikm: Uint8Array,
): Uint8Array {
  return extract(sha256, concat(VERSION_LABEL, suite, ascii(label), ikm), salt);
}

/** LabeledExpand (§4). */
function labeledExpand(
  suite: Uint8Array,
  secret: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const labeled = concat(u16(length), VERSION_LABEL, suite, ascii(label), info);
  return expand(sha256, secret, labeled, length);
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
