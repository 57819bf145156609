/**
 * The sender's side of HPKE (RFC 9180), base mode: written apart from the product, on node:crypto alone, so that
 * the two can be held against each other.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  type CipherGCMTypes,
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import type { HpkeSuite } from "../../../lib/ech/hpke.ts";

/** The suites that are to be known: KDF HKDF-SHA256, the three AEADs. */
export const SUITES: readonly HpkeSuite[] = [1, 2, 3].map((aead) => ({ kdf: 1, aead }));

const CIPHERS: Readonly<Record<number, CipherGCMTypes>> = { 1: "aes-128-gcm", 2: "aes-256-gcm" };

const u16 = (value: number) => Buffer.of(value >> 8, value & 0xff);

/** A public key of a raw private one. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  const der = createPublicKey(privateKeyObject(privateKey)).export({ format: "der", type: "spki" });
  return Uint8Array.from(der.subarray(-32));
}

function privateKeyObject(raw: Uint8Array) {
  const key = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), raw]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicKeyObject(raw: Uint8Array) {
  const key = Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), raw]);
  return createPublicKey({ key, format: "der", type: "spki" });
}

function extract(salt: Uint8Array, ikm: Uint8Array): Buffer {
  return createHmac("sha256", salt.length === 0 ? new Uint8Array(32) : salt).update(ikm).digest();
}

function expand(secret: Uint8Array, info: Uint8Array, length: number): Buffer {
  // Nothing here is longer than one block of SHA-256.
  return createHmac("sha256", secret).update(info).update(Uint8Array.of(1)).digest()
    .subarray(0, length);
}

/** ContextS of SetupBaseS (§5.1.1). */
export class HpkeSender {
  /** The encapsulated key. */
  readonly enc: Uint8Array;
  readonly #aead: number;
  readonly #key: Buffer;
  readonly #baseNonce: Buffer;
  #sequence = 0;

  /** @param ephemeral The raw private key that a sender otherwise makes up. */
  constructor(
    suite: HpkeSuite,
    receiver: Uint8Array,
    info: Uint8Array,
    ephemeral: Uint8Array,
  ) {
    this.enc = publicKeyOf(ephemeral);
    this.#aead = suite.aead;
    const kem = Buffer.concat([Buffer.from("KEM"), u16(0x20)]);
    const dh = diffieHellman({
      privateKey: privateKeyObject(ephemeral),
      publicKey: publicKeyObject(receiver),
    });
    const eae = extract(
      Buffer.of(),
      Buffer.concat([Buffer.from("HPKE-v1"), kem, Buffer.from("eae_prk"), dh]),
    );
    const shared = expand(
      eae,
      Buffer.concat([
        u16(32),
        Buffer.from("HPKE-v1"),
        kem,
        Buffer.from("shared_secret"),
        this.enc,
        receiver,
      ]),
      32,
    );

    const id = Buffer.concat([Buffer.from("HPKE"), u16(0x20), u16(suite.kdf), u16(suite.aead)]);
    const labeledExtract = (salt: Uint8Array, label: string, ikm: Uint8Array) =>
      extract(salt, Buffer.concat([Buffer.from("HPKE-v1"), id, Buffer.from(label), ikm]));
    const context = Buffer.concat([
      Buffer.of(0),
      labeledExtract(Buffer.of(), "psk_id_hash", Buffer.of()),
      labeledExtract(Buffer.of(), "info_hash", info),
    ]);
    const secret = labeledExtract(shared, "secret", Buffer.of());
    const labeledExpand = (label: string, length: number) =>
      expand(
        secret,
        Buffer.concat([u16(length), Buffer.from("HPKE-v1"), id, Buffer.from(label), context]),
        length,
      );
    this.#key = labeledExpand("key", suite.aead === 1 ? 16 : 32);
    this.#baseNonce = labeledExpand("base_nonce", 12);
  }

  /** ContextS.Seal (§5.2). */
  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const nonce = Buffer.from(this.#baseNonce);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence++) >>> 0, 8);
    const cipherName = CIPHERS[this.#aead];
    // Not every runtime has ChaCha20-Poly1305 in node:crypto.
    if (cipherName === undefined) return chacha20poly1305(this.#key, nonce, aad).encrypt(plaintext);
    const cipher = createCipheriv(cipherName, this.#key, nonce);
    cipher.setAAD(aad);
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }
}
