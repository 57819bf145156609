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

const CLIENT_HELLO = 1;
const MESSAGE_HEADER_LENGTH = 4;
/** The longest that a ClientHello can be, every vector in it at its limit. */
const MAX_CLIENT_HELLO_LENGTH = 2 + 32 + 33 + (2 + 0xfffe) + (1 + 0xff) + (2 + 0xffff);

/** Matches a whole ClientHello; gives `serverName`, `alpns`, `details.versions` and `details.ech`. */
export const tls = probe((head) => {
  const message = readMessage(head);
  const hello = message && clientHello(message);
  if (hello === undefined) return undefined;
  const { versions, ech, ...names } = hello;
  return {
    protocol: "tls",
    ...names,
    details: { versions: versions.map(versionName).join(","), ...(ech && { ech }) },
  };
});

/** A reader over the ClientHello: a view of the head if one record holds it, else of one joined copy. */
function readMessage(head: ByteReader): ByteReader | undefined {
  const fragments: Uint8Array[] = [];
  let gathered = 0;
  let length: number | undefined;
  while (length === undefined || gathered < MESSAGE_HEADER_LENGTH + length) {
    const fragment = readRecord(head, gathered === 0);
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
  return message.take(length);
}

/** The fragment of the next record, once it is all there; of the first one, its first byte decides before. */
function readRecord(head: ByteReader, first: boolean): Uint8Array | undefined {
  if (head.u8() !== HANDSHAKE || head.u8() !== MAJOR_VERSION) return undefined;
  head.skip(1); // The minor version says nothing and must be ignored.
  const length = head.u16();
  if (length === 0 || length > MAX_FRAGMENT_LENGTH) return undefined;
  if (first && head.peek() !== CLIENT_HELLO) return undefined;
  return head.bytes(length);
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
