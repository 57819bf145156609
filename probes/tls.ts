/**
 * TLS over TCP. The client sends a ClientHello first, a handshake message (RFC 8446 §4) carried by records (§5.1):
 *
 * ```
 * record     u8 22 (handshake) | u8 3, u8 minor | u16 n, 1 ≤ n ≤ 2^14 | fragment
 * message    u8 1 (client_hello) | u24 n | ClientHello
 * ```
 *
 * The message is cut into as many fragments as the client likes, anywhere, its header included.
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import { clientHello } from "./client_hello.ts";
import { probe } from "./probe.ts";

const HANDSHAKE = 22;
const MAJOR_VERSION = 3;
const MAX_FRAGMENT_LENGTH = 2 ** 14;

export const CLIENT_HELLO = 1;
const MESSAGE_HEADER_LENGTH = 4;
/** The longest that a ClientHello can be, every vector in it at its limit. */
const MAX_CLIENT_HELLO_LENGTH = 2 + 32 + 33 + (2 + 0xfffe) + (1 + 0xff) + (2 + 0xffff);

/** Matches a whole ClientHello; gives `serverName`, `alpns`, `details.versions` and `details.ech`. */
export const tls = probe((head) => {
  const message = readMessage(head, CLIENT_HELLO);
  const hello = message && clientHello(new ByteReader(message.body, false));
  if (hello === undefined) return undefined;
  const { versions, ech, ...names } = hello;
  return {
    protocol: "tls",
    ...names,
    details: { versions: versions.map(versionName).join(","), ...(ech && { ech }) },
  };
});

/** A handshake message that was read from its records. */
export interface HandshakeMessage {
  /** Without its header: a view of the head if one record holds the message, else of one joined copy. */
  readonly body: Uint8Array;
  /** Bytes behind it in its last record. */
  readonly excess: number;
}

/**
 * Reads records up to the end of the handshake message that they begin with.
 * @param type The message's type; its first byte decides before the rest is there.
 * @returns `undefined` if it is another message, none at all, or longer than any ClientHello.
 * @throws {Shortage} If records are missing.
 */
export function readMessage(records: ByteReader, type: number): HandshakeMessage | undefined {
  const fragments: Uint8Array[] = [];
  let gathered = 0;
  let length: number | undefined;
  while (length === undefined || gathered < MESSAGE_HEADER_LENGTH + length) {
    const fragment = readRecord(records, gathered === 0 ? type : undefined);
    if (fragment === undefined) return undefined;
    fragments.push(fragment);
    gathered += fragment.length;
    if (length === undefined && gathered >= MESSAGE_HEADER_LENGTH) {
      const header = new ByteReader(join(fragments, gathered), false);
      header.skip(1);
      length = header.u24();
      if (length > MAX_CLIENT_HELLO_LENGTH) return undefined;
    }
  }
  const message = new ByteReader(join(fragments, gathered), false);
  message.skip(MESSAGE_HEADER_LENGTH);
  return { body: message.bytes(length), excess: message.remaining };
}

/** The fragment of the next record, once it is all there; its first byte decides before where `begins` says what it is. */
function readRecord(records: ByteReader, begins: number | undefined): Uint8Array | undefined {
  if (records.u8() !== HANDSHAKE || records.u8() !== MAJOR_VERSION) return undefined;
  records.skip(1); // The minor version says nothing and must be ignored.
  const length = records.u16();
  if (length === 0 || length > MAX_FRAGMENT_LENGTH) return undefined;
  if (begins !== undefined && records.peek() !== begins) return undefined;
  return records.bytes(length);
}

function join(fragments: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = fragments;
  if (only !== undefined && fragments.length === 1) return only;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const fragment of fragments) {
    joined.set(fragment, at);
    at += fragment.length;
  }
  return joined;
}

/** `1.3` for 0x0304, `ssl3` for 0x0300; the wire value for what has no name. */
function versionName(version: number): string {
  if (version === 0x0300) return "ssl3";
  if (version > 0x0300 && version <= 0x0304) return `1.${version - 0x0301}`;
  return `0x${version.toString(16).padStart(4, "0")}`;
}
