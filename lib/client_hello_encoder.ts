/**
 * A small but whole ClientHello in one record, for asking "what would become of a client that …" with real bytes.
 * A TLS 1.3 server answers it with HelloRetryRequest, for it offers no key share (RFC 8446 §4.1.2, §4.2.8).
 *
 * ```
 * record 22 3 1, u16 n { message 1, u24 n { u16 3 3, 32 random, session id, suites, compression, extensions } }
 * ```
 *
 * @module
 */

export interface ClientHelloParts {
  /** Absent: no server_name extension. */
  readonly serverName?: string;
  /** Absent or empty: no ALPN extension. */
  readonly alpns?: readonly string[];
  /** Whether it offers a post-quantum key share, as browsers do, of which only the length is real: 1.2 kB. */
  readonly postQuantum?: boolean;
}

// Extension types, from the IANA registry.
const SERVER_NAME = 0;
const SUPPORTED_GROUPS = 10;
const SIGNATURE_ALGORITHMS = 13;
const ALPN = 16;
const SUPPORTED_VERSIONS = 43;
const KEY_SHARE = 51;

const X25519 = [0x00, 0x1d];
/** Its key share is one of ML-KEM-768, 1184 bytes, and one of X25519, 32 bytes (draft-ietf-tls-ecdhe-mlkem §3). */
const X25519_MLKEM_768 = [0x11, 0xec];
const X25519_MLKEM_768_LENGTH = 1184 + 32;
/** ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256 */
const ALGORITHMS = [0x04, 0x03, 0x08, 0x04];
/** TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256 */
const SUITES = [0x13, 0x01, 0x13, 0x03];
const TLS_1_3 = [0x03, 0x04];

/**
 * Writes the record.
 * @throws {RangeError} If a name is too long for its length prefix.
 */
export function encodeClientHello({
  serverName,
  alpns = [],
  postQuantum = false,
}: ClientHelloParts): Uint8Array {
  const names = serverName === undefined
    ? []
    : extension(SERVER_NAME, vector(2, [0, ...vector(2, utf8(serverName))]));
  const protocols = alpns.length === 0
    ? []
    : extension(ALPN, vector(2, alpns.flatMap((alpn) => vector(1, utf8(alpn)))));
  const groups = postQuantum ? [...X25519_MLKEM_768, ...X25519] : X25519;
  const shares = postQuantum
    ? [...X25519_MLKEM_768, ...vector(2, [...new Uint8Array(X25519_MLKEM_768_LENGTH)])]
    : [];
  const extensions = [
    ...names,
    ...extension(SUPPORTED_GROUPS, vector(2, groups)),
    ...extension(SIGNATURE_ALGORITHMS, vector(2, ALGORITHMS)),
    ...protocols,
    ...extension(SUPPORTED_VERSIONS, vector(1, TLS_1_3)),
    ...extension(KEY_SHARE, vector(2, shares)),
  ];
  const body = [
    ...[0x03, 0x03],
    ...new Uint8Array(32), // The random: any 32 bytes.
    ...vector(1, []),
    ...vector(2, SUITES),
    ...vector(1, [0]),
    ...vector(2, extensions),
  ];
  return Uint8Array.from([22, 0x03, 0x01, ...vector(2, [1, ...vector(3, body)])]);
}

function extension(type: number, data: readonly number[]): number[] {
  return [0, type, ...vector(2, data)];
}

/** `content` behind its length in `size` bytes. */
function vector(size: number, content: readonly number[]): number[] {
  // A record holds 2^14 bytes at most (RFC 8446 §5.1), and everything here is inside one.
  if (content.length >= Math.min(2 ** (8 * size), 2 ** 14)) {
    throw new RangeError(
      `a ClientHello of one record has no room for ${content.length} bytes of names`,
    );
  }
  const length = Array.from(
    { length: size },
    (_, at) => content.length >> 8 * (size - 1 - at) & 0xff,
  );
  return [...length, ...content];
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
