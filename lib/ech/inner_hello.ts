/**
 * The ClientHelloInner, put together again from what was sealed (RFC 9849 §5.1):
 *
 * ```
 * EncodedClientHelloInner
 *   u16 version | 32 random | u8 0 | u16 n, cipher suites | u8 n, compression methods
 *   u16 n, extensions:  { u16 type | u16 n, data }*
 *   zeros                                                   to hide its length
 *
 * ech_outer_extensions   u8 n, { u16 type }*                stands for extensions of the ClientHelloOuter
 * ```
 *
 * @module
 */
import { ByteReader } from "../../probes/bytes.ts";
import { clientHello } from "../../probes/client_hello.ts";
import { attempt } from "../../probes/probe.ts";

/** The extension that a sealed hello comes in, and that its plaintext must have. */
export const ENCRYPTED_CLIENT_HELLO = 0xfe0d;
const ECH_OUTER_EXTENSIONS = 0xfd00;
/** The whole of the extension in a ClientHelloInner. */
const INNER = 1;

const VERSION_AND_RANDOM_LENGTH = 2 + 32;
const MAX_EXTENSIONS_LENGTH = 0xffff;
const TLS_1_3 = 0x0304;

export interface InnerHello {
  /** Without the handshake header, byte for byte as the client has hashed it. */
  readonly body: Uint8Array;
  readonly serverName?: string;
  readonly alpns?: readonly string[];
}

/** An extension of a hello. */
export interface Extension {
  readonly type: number;
  /** With its type and length. */
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
}

/** What of a ClientHello is looked at apart: views of it. */
export interface HelloParts {
  readonly versionAndRandom: Uint8Array;
  readonly sessionId: Uint8Array;
  /** Cipher suites and compression methods, each with its length. */
  readonly offers: Uint8Array;
  readonly extensions: readonly Extension[];
}

/**
 * Puts the inner hello together.
 * @param encoded What was opened.
 * @param outer The hello that it came in.
 * @returns `undefined` if it breaks a rule of §5.1 or §7.1; the client must then be told `illegal_parameter`.
 */
export function decodeInnerHello(encoded: Uint8Array, outer: HelloParts): InnerHello | undefined {
  const decoded = attempt((reader) => decode(reader, outer), encoded, true);
  return decoded.kind === "match" ? decoded.hello : undefined;
}

type Decoded = { readonly kind: "match"; readonly hello: InnerHello } | { readonly kind: "no" };

const NO = { kind: "no" } as const;

/** @throws {Shortage} If a length inside does not fit. */
function decode(reader: ByteReader, outer: HelloParts): Decoded {
  const inner = readHello(reader);
  const padding = reader.rest();
  if (inner.sessionId.length > 0 || padding.some((byte) => byte !== 0)) return NO;
  const marked = inner.extensions.some(({ type, data }) =>
    type === ENCRYPTED_CLIENT_HELLO && data.length === 1 && data[0] === INNER
  );
  const extensions = decompress(inner.extensions, outer.extensions);
  if (!marked || extensions === undefined) return NO;
  const body = writeHello({ ...inner, sessionId: outer.sessionId, extensions });
  const hello = body && clientHello(new ByteReader(body, false));
  if (body === undefined || hello === undefined) return NO;
  if (hello.versions.length === 0 || hello.versions.some((version) => version < TLS_1_3)) return NO;
  const { serverName, alpns } = hello;
  return {
    kind: "match",
    hello: { body, ...(serverName !== undefined && { serverName }), ...(alpns && { alpns }) },
  };
}

/**
 * Reads a ClientHello up to the end of its extensions, or to where it ends without any.
 * @throws {Shortage} If a length inside does not fit.
 */
export function readHello(reader: ByteReader): HelloParts {
  const versionAndRandom = reader.bytes(VERSION_AND_RANDOM_LENGTH);
  const sessionId = reader.bytes(reader.u8());
  const suitesLength = reader.peek() << 8 | reader.peek(1);
  const compressionsLength = reader.peek(2 + suitesLength);
  const offers = reader.bytes(2 + suitesLength + 1 + compressionsLength);
  const extensions: Extension[] = [];
  if (reader.remaining === 0) return { versionAndRandom, sessionId, offers, extensions };
  const list = reader.take(reader.u16());
  while (list.remaining > 0) {
    const length = list.peek(2) << 8 | list.peek(3);
    const bytes = list.bytes(4 + length);
    extensions.push({ type: bytes[0]! << 8 | bytes[1]!, bytes, data: bytes.subarray(4) });
  }
  return { versionAndRandom, sessionId, offers, extensions };
}

/**
 * Puts the extensions that `ech_outer_extensions` stands for in its place. They come in the outer hello's order, so
 * one walk finds them, and each can be had once: nothing small becomes something large (§5.1).
 */
function decompress(
  inner: readonly Extension[],
  outer: readonly Extension[],
): Extension[] | undefined {
  const extensions: Extension[] = [];
  let compressed = false;
  for (const extension of inner) {
    if (extension.type !== ECH_OUTER_EXTENSIONS) {
      extensions.push(extension);
      continue;
    }
    const types = readOuterTypes(extension.data);
    if (compressed || types === undefined) return undefined;
    compressed = true;
    let next = 0;
    for (const type of types) {
      while (next < outer.length && outer[next]?.type !== type) next++;
      const found = outer[next++];
      if (found === undefined) return undefined;
      extensions.push(found);
    }
  }
  return extensions;
}

function readOuterTypes(data: Uint8Array): number[] | undefined {
  const reader = new ByteReader(data, false);
  const list = reader.take(reader.u8());
  if (list.remaining === 0 || reader.remaining > 0) return undefined;
  const types: number[] = [];
  while (list.remaining > 0) types.push(list.u16());
  const forbidden = types.includes(ENCRYPTED_CLIENT_HELLO) || types.includes(ECH_OUTER_EXTENSIONS);
  return forbidden ? undefined : types;
}

/** @returns `undefined` if there is no room for the extensions. */
function writeHello(
  { versionAndRandom, sessionId, offers, extensions }: HelloParts,
): Uint8Array | undefined {
  const length = extensions.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (length > MAX_EXTENSIONS_LENGTH) return undefined;
  return join([
    versionAndRandom,
    Uint8Array.of(sessionId.length),
    sessionId,
    offers,
    Uint8Array.of(length >> 8, length & 0xff),
    ...extensions.map(({ bytes }) => bytes),
  ]);
}

/** All `parts` in a row. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
