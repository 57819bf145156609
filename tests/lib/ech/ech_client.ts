/**
 * A client that seals its ClientHellos (RFC 9849 §5, §6.1), and can be made to break each rule of that.
 *
 * @module
 */
import type { HpkeSuite } from "../../../lib/ech/hpke.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import {
  extension,
  helloMessage,
  records,
  serverNameExtension,
} from "../../support/client_hello.ts";
import { HpkeSender, publicKeyOf } from "./hpke_sender.ts";

export const PRIVATE_KEY = new Uint8Array(32).fill(0x42);
const EPHEMERAL = new Uint8Array(32).fill(0x17);
const AES_128: HpkeSuite = { kdf: 1, aead: 1 };

const u16 = (value: number) => concat(value >> 8, value & 0xff);

/** A configuration (§4). */
export function echConfig(
  {
    id = 7,
    privateKey = PRIVATE_KEY,
    publicKey = publicKeyOf(privateKey),
    kem = 0x20,
    suites = [AES_128],
    version = 0xfe0d,
  }: {
    readonly id?: number;
    readonly privateKey?: Uint8Array;
    readonly publicKey?: Uint8Array;
    readonly kem?: number;
    readonly suites?: readonly HpkeSuite[];
    readonly version?: number;
  } = {},
): Uint8Array<ArrayBuffer> {
  const pairs = suites.map(({ kdf, aead }) => concat(u16(kdf), u16(aead)));
  return concat(
    u16(version),
    prefixed(
      2,
      concat(
        id,
        u16(kem),
        prefixed(2, publicKey),
        prefixed(2, concat(...pairs)),
        0,
        prefixed(1, bytes("public.example")),
        prefixed(2, bytes("")),
      ),
    ),
  );
}

/** An ECHConfigList of these. */
export function configList(...configs: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return prefixed(2, concat(...configs));
}

const RANDOM = new Uint8Array(32).fill(0xaa);
export const SESSION_ID = new Uint8Array(32).fill(0xbb);

/** The body of a hello with these extensions. */
export function body(sessionId: Uint8Array, ...extensions: readonly Uint8Array[]) {
  const suites = prefixed(2, concat(0x13, 0x01, 0x13, 0x03));
  const fixed = concat(3, 3, RANDOM, prefixed(1, sessionId), suites, prefixed(1, concat(0)));
  return concat(fixed, prefixed(2, concat(...extensions)));
}

export const TLS_1_3 = extension(43, prefixed(1, concat(3, 4)));
export const ALPNS = extension(16, prefixed(2, prefixed(1, bytes("h2"))));
export const KEY_SHARE = extension(51, new Uint8Array(70).fill(0xcc));
export const GROUPS = extension(10, concat(0, 2, 0, 29));
/** The form of encrypted_client_hello in an inner hello. */
export const INNER = extension(0xfe0d, concat(1));

/** `ech_outer_extensions` that stand for those of these types. */
export function outerExtensions(...types: readonly number[]) {
  return extension(0xfd00, prefixed(1, concat(...types.map(u16))));
}

/** What is sealed, and in what; the defaults follow every rule. */
export interface Hello {
  /** Extensions of the outer hello; the sealed one goes behind the first of them. */
  readonly outer?: readonly Uint8Array[];
  /** EncodedClientHelloInner. */
  readonly encoded?: Uint8Array;
  /** Lengths of the records. */
  readonly lengths?: readonly number[];
}

export const OUTER = [serverNameExtension("public.example"), GROUPS, TLS_1_3, KEY_SHARE];
const PRIVATE_NAME = serverNameExtension("private.example");
export const ENCODED = concat(
  body(bytes(""), PRIVATE_NAME, outerExtensions(10, 51), INNER, ALPNS, TLS_1_3),
  new Uint8Array(50),
);
/** What {@linkcode ENCODED} in {@linkcode OUTER} stands for. */
export const INNER_BODY = body(
  SESSION_ID,
  PRIVATE_NAME,
  GROUPS,
  KEY_SHARE,
  INNER,
  ALPNS,
  TLS_1_3,
);

/** One connection of a client: every further hello is sealed with the same context. */
export class EchClient {
  readonly #sender: HpkeSender;
  readonly #suite: HpkeSuite;
  readonly #id: number;
  #first = true;

  constructor(suite: HpkeSuite = AES_128, config: Uint8Array = echConfig(), id = 7) {
    const info = concat("tls ech\0", config);
    const publicKey = config.subarray(9, 41);
    this.#sender = new HpkeSender(suite, publicKey, info, EPHEMERAL);
    this.#suite = suite;
    this.#id = id;
  }

  /** The next hello, in records. */
  hello({ outer = OUTER, encoded = ENCODED, lengths = [] }: Hello = {}): Uint8Array<ArrayBuffer> {
    return records(helloMessage(this.body({ outer, encoded })), ...lengths);
  }

  /** The next hello, without its header. */
  body({ outer = OUTER, encoded = ENCODED }: Hello = {}): Uint8Array<ArrayBuffer> {
    const enc = this.#first ? this.#sender.enc : bytes("");
    this.#first = false;
    const [before, ...after] = outer;
    if (before === undefined) throw new TypeError("an outer hello has an extension of its own");
    const withPayload = (payload: Uint8Array) =>
      body(SESSION_ID, before, this.sealedExtension(enc, payload), ...after);
    const aad = withPayload(new Uint8Array(encoded.length + 16));
    return withPayload(this.#sender.seal(aad, encoded));
  }

  /** The form of encrypted_client_hello in an outer hello. */
  sealedExtension(enc: Uint8Array, payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const { kdf, aead } = this.#suite;
    return extension(
      0xfe0d,
      concat(0, u16(kdf), u16(aead), this.#id, prefixed(2, enc), prefixed(2, payload)),
    );
  }
}
