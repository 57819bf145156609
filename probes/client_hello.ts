/**
 * The ClientHello, the first handshake message of TLS, DTLS and QUIC (RFC 8446 §4.1.2):
 *
 * ```
 * u16 version | 32 random | u8 n, session id | u16 n, cipher suites | u8 n, compression methods
 * u16 n, extensions:  { u16 type | u16 n, data }*             absent altogether in old clients
 *
 * DTLS has u8 n, cookie behind the session id (RFC 6347 §4.2.1, RFC 9147 §5.3).
 *
 * server_name         u16 n, { u8 type | u16 n, name }*       RFC 6066 §3
 * ALPN                u16 n, { u8 n, protocol name }*         RFC 7301 §3.1
 * supported_versions  u8 n, { u16 version }*                  RFC 8446 §4.2.1
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";

const RANDOM_LENGTH = 32;
const MAX_SESSION_ID_LENGTH = 32;

/** Extension types, from the IANA registry. */
const SERVER_NAME = 0;
const ALPN = 16;
const SUPPORTED_VERSIONS = 43;
const CONNECTION_ID = 54;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;

/** The one NameType there is (RFC 6066 §3). */
const HOST_NAME = 0;

/** Longest DNS name in text form, its last dot included (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 254;

/** What a ClientHello says that a route can be chosen by. */
export interface ClientHello {
  /** In lower case, without a trailing dot. */
  readonly serverName?: string;
  /** In the client's order, without GREASE. */
  readonly alpns?: readonly string[];
  /** Wire values in the client's order, without GREASE; where it lists none, the highest it speaks. */
  readonly versions: readonly number[];
  /** Whether it has an encrypted_client_hello extension; a GREASE one looks the same (RFC 9849 §6.2). */
  readonly ech: boolean;
  /** That it offers connection IDs (RFC 9146 §3), which only DTLS has. */
  readonly connectionId?: true;
}

/**
 * Reads the body of a ClientHello, without the handshake header.
 * @param body A closed reader, with nothing behind the message.
 * @param protocol Whose it is; that of QUIC is as in TLS.
 * @returns `undefined` if it is malformed.
 * @throws {Shortage} If a length inside does not fit; malformed too.
 */
export function clientHello(
  body: ByteReader,
  protocol: "tls" | "dtls" = "tls",
): ClientHello | undefined {
  const version = body.u16();
  body.skip(RANDOM_LENGTH);
  const sessionIdLength = body.u8();
  if (sessionIdLength > MAX_SESSION_ID_LENGTH) return undefined;
  body.skip(sessionIdLength);
  if (protocol === "dtls") body.skip(body.u8());
  const suitesLength = body.u16();
  if (suitesLength === 0 || suitesLength % 2 === 1) return undefined;
  body.skip(suitesLength);
  const compressionsLength = body.u8();
  if (compressionsLength === 0) return undefined;
  body.skip(compressionsLength);
  if (body.remaining === 0) return { versions: [version], ech: false };
  const extensions = body.take(body.u16());
  return body.remaining === 0 ? readExtensions(extensions, version, protocol) : undefined;
}

function readExtensions(
  extensions: ByteReader,
  version: number,
  protocol: "tls" | "dtls",
): ClientHello | undefined {
  let serverName: string | undefined;
  let alpns: string[] | undefined;
  let versions: number[] | undefined;
  seen.fill(0);
  while (extensions.remaining > 0) {
    const type = extensions.u16();
    const length = extensions.u16();
    // Twice the same one is forbidden (RFC 8446 §4.2), and the backend might believe the other.
    if (isSeen(type)) return undefined;
    seen[type >> 3]! |= 1 << (type & 7);
    switch (type) {
      case SERVER_NAME:
        serverName = readServerName(extensions.take(length));
        break;
      case ALPN:
        alpns = readAlpns(extensions.take(length));
        break;
      case SUPPORTED_VERSIONS:
        versions = readVersions(extensions.take(length));
        break;
      default:
        extensions.skip(length);
    }
  }
  return {
    ...(serverName !== undefined && { serverName }),
    ...(alpns !== undefined && { alpns }),
    versions: versions ?? [version],
    ech: isSeen(ENCRYPTED_CLIENT_HELLO),
    ...(protocol === "dtls" && isSeen(CONNECTION_ID) && { connectionId: true }),
  };
}

/** The types of the extensions of the hello at hand, a bit for each: a Set of them takes ten times as long to make. */
const seen = new Uint8Array(2 ** 16 / 8);

function isSeen(type: number): boolean {
  return (seen[type >> 3]! & 1 << (type & 7)) !== 0;
}

/** The first host name of the list; `undefined` for one that is no DNS name, as for none at all. */
function readServerName(data: ByteReader): string | undefined {
  const list = data.take(data.u16());
  while (list.remaining > 0) {
    const type = list.u8();
    const length = list.u16();
    if (type === HOST_NAME && length <= MAX_NAME_LENGTH) {
      const name = list.text(length).toLowerCase().replace(/\.$/, "");
      return /^[a-z0-9._-]+$/.test(name) ? name : undefined;
    }
    list.skip(length);
  }
  return undefined;
}

function readAlpns(data: ByteReader): string[] {
  const list = data.take(data.u16());
  const alpns: string[] = [];
  while (list.remaining > 0) {
    const alpn = list.text(list.u8());
    const grease = alpn.length === 2 && isGrease(alpn.charCodeAt(0) << 8 | alpn.charCodeAt(1));
    if (!grease) alpns.push(alpn);
  }
  return alpns;
}

function readVersions(data: ByteReader): number[] {
  const list = data.take(data.u8());
  const versions: number[] = [];
  while (list.remaining > 0) {
    const version = list.u16();
    if (!isGrease(version)) versions.push(version);
  }
  return versions;
}

/** Whether it is one of the values 0x0A0A, 0x1A1A … 0xFAFA, sent to be ignored (RFC 8701 §2). */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}
