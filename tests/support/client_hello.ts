/**
 * Builds ClientHello messages and the records around them (RFC 8446 §4.1.2, §5.1).
 *
 * @module
 */
import { bytes, concat, prefixed } from "./bytes.ts";

/** What a hello says. What is absent is left out of it; no extension at all leaves their block out too. */
export interface HelloParts {
  readonly serverName?: string;
  readonly alpns?: readonly string[];
  readonly versions?: readonly number[];
  /** Further extensions, in front of the others. */
  readonly extensions?: readonly Uint8Array[];
}

/** An extension: its type and its data. */
export function extension(type: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(type >> 8, type & 0xff, prefixed(2, data));
}

/** A server_name extension (RFC 6066 §3). */
export function serverNameExtension(name: string, type = 0): Uint8Array<ArrayBuffer> {
  return extension(0, prefixed(2, concat(type, prefixed(2, bytes(name)))));
}

/** The body of a ClientHello, without the handshake header. */
export function helloBody({ serverName, alpns, versions, extensions = [] }: HelloParts = {}) {
  const all = [...extensions];
  if (serverName !== undefined) all.push(serverNameExtension(serverName));
  if (alpns !== undefined) {
    all.push(extension(16, prefixed(2, concat(...alpns.map((alpn) => prefixed(1, bytes(alpn)))))));
  }
  if (versions !== undefined) {
    const list = concat(...versions.flatMap((version) => [version >> 8, version & 0xff]));
    all.push(extension(43, prefixed(1, list)));
  }
  const suites = prefixed(2, concat(0x13, 0x01, 0xc0, 0x2f));
  const fixed = concat(
    3,
    3,
    new Uint8Array(32).fill(7),
    prefixed(1, new Uint8Array(32)),
    suites,
    1,
    0,
  );
  return all.length === 0 ? fixed : concat(fixed, prefixed(2, concat(...all)));
}

/** A handshake message: client_hello, its length, `body`. */
export function helloMessage(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(1, prefixed(3, body));
}

/** Handshake records of the `lengths` given, the last one with all the rest of `message`. */
export function records(
  message: Uint8Array,
  ...lengths: readonly number[]
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const length of [...lengths, message.length]) {
    const fragment = message.subarray(at, at + length);
    if (fragment.length > 0) parts.push(concat(22, 3, 1, prefixed(2, fragment)));
    at += length;
  }
  return concat(...parts);
}

/** What a client sends: a ClientHello in records of the `lengths` given. */
export function hello(
  parts: HelloParts = {},
  ...lengths: readonly number[]
): Uint8Array<ArrayBuffer> {
  return records(helloMessage(helloBody(parts)), ...lengths);
}
