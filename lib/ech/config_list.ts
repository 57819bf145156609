/**
 * The ECHConfigList that a client-facing server publishes in DNS (RFC 9849 §4), and the keys to its configurations.
 *
 * ```
 * list           u16 n | configuration*
 * configuration  u16 version | u16 n, contents              other versions than 0xfe0d are skipped
 * contents       u8 config_id | u16 kem | u16 n, public key | u16 n, { u16 kdf, u16 aead }*
 *                u8 maximum_name_length | u8 n, public name | u16 n, extensions
 * ```
 *
 * @module
 */
import { ByteReader } from "../../probes/bytes.ts";
import { attempt } from "../../probes/probe.ts";
import {
  type HpkeKey,
  type HpkeSuite,
  importKey,
  isSupported,
  KEM_ID,
  KEY_LENGTH,
} from "./hpke.ts";

/** The one version there is. */
const VERSION = 0xfe0d;
/** `tls ech` and a zero. */
const INFO = [0x74, 0x6c, 0x73, 0x20, 0x65, 0x63, 0x68, 0];

/** A configuration that clients may seal their hellos with. */
export interface PublishedConfig {
  /** All of it, as published. */
  readonly bytes: Uint8Array;
  /** Which one a hello was sealed with; another one may share it. */
  readonly id: number;
  readonly kem: number;
  readonly publicKey: Uint8Array;
  readonly suites: readonly HpkeSuite[];
}

/** A configuration, and the key that opens what was sealed with it. */
export interface EchKey {
  readonly config: PublishedConfig;
  /** What HPKE calls so: it binds what was sealed to the configuration (§6.1). */
  readonly info: Uint8Array;
  readonly key: HpkeKey;
}

/**
 * Reads a list.
 * @returns Its configurations that sluice can serve, in their order; never none.
 * @throws {SyntaxError} If it is malformed or has none, in words for the operator.
 */
export function parseConfigList(list: Uint8Array): PublishedConfig[] {
  const result = attempt(readList, list, true);
  if (result.kind !== "match") {
    throw new SyntaxError("expected an ECHConfigList (RFC 9849 §4), got other or incomplete bytes");
  }
  const usable = result.configs.filter(({ kem, suites }) =>
    kem === KEM_ID && suites.some(isSupported)
  );
  if (usable.length === 0) {
    throw new SyntaxError(
      "expected a configuration of version 0xfe0d with a key for X25519, HKDF-SHA256 and AES-GCM or ChaCha20-Poly1305",
    );
  }
  return usable;
}

/**
 * Finds what a private key is for.
 * @param privateKey Raw.
 * @returns An entry for each of `configs` with its public key; never none.
 * @throws {SyntaxError} If it is no key, or that of none of them, in words for the operator.
 */
export function keysOf(configs: readonly PublishedConfig[], privateKey: Uint8Array): EchKey[] {
  if (privateKey.length !== KEY_LENGTH) {
    throw new SyntaxError(
      `expected a raw X25519 private key of ${KEY_LENGTH} bytes, got ${privateKey.length}`,
    );
  }
  const key = importKey(privateKey);
  const keys = configs.filter(({ publicKey }) => equal(publicKey, key.publicKey))
    .map((config) => ({ config, info: Uint8Array.of(...INFO, ...config.bytes), key }));
  if (keys.length === 0) {
    throw new SyntaxError("its public key is in no configuration of ech_config_list");
  }
  return keys;
}

type List = { readonly kind: "match"; readonly configs: PublishedConfig[] } | {
  readonly kind: "no";
};

function readList(reader: ByteReader): List {
  const list = reader.take(reader.u16());
  if (reader.remaining > 0) return { kind: "no" };
  const configs: PublishedConfig[] = [];
  while (list.remaining > 0) {
    const length = list.peek(2) << 8 | list.peek(3);
    const bytes = list.bytes(4 + length);
    const contents = new ByteReader(bytes, false);
    const version = contents.u16();
    contents.skip(2);
    if (version !== VERSION) continue;
    configs.push({ bytes, ...readContents(contents) });
    if (contents.remaining > 0) return { kind: "no" };
  }
  return { kind: "match", configs };
}

function readContents(reader: ByteReader): Omit<PublishedConfig, "bytes"> {
  const id = reader.u8();
  const kem = reader.u16();
  const publicKey = reader.bytes(reader.u16());
  const list = reader.take(reader.u16());
  const suites: HpkeSuite[] = [];
  while (list.remaining > 0) suites.push({ kdf: list.u16(), aead: list.u16() });
  reader.skip(1);
  reader.skip(reader.u8());
  reader.skip(reader.u16());
  return { id, kem, publicKey, suites };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
