/**
 * PostgreSQL. The client sends first, one of four messages without a type byte (PostgreSQL, "Message Formats"):
 *
 * ```
 * u32 length of all | u16 3, u16 minor version | { name NUL value NUL }* NUL      StartupMessage
 * u32 8             | u32 80877103                                               SSLRequest
 * u32 8             | u32 80877104                                               GSSENCRequest
 * u32 16 to 268     | u32 80877102 | u32 process ID | 4 to 256 secret key        CancelRequest
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { probe } from "./probe.ts";

const HEADER_LENGTH = 8;
/** Longest start-up packet that servers take (MAX_STARTUP_PACKET_LENGTH). */
const MAX_LENGTH = 10_000;
/** Clients may ask for a version that will never be, to keep the negotiation in use. */
const MAX_MINOR_VERSION = 9_999;
/** Where version 3 would be, a request has 1234, 5678 and a number of its own. */
const REQUEST = "\x04\xd2\x16";
const CANCEL = 0x2e;
const SSL = 0x2f;
const GSSENC = 0x30;
const MIN_CANCEL_LENGTH = HEADER_LENGTH + 4 + 4;
/** Since protocol version 3.2; until then keys had 4 bytes. */
const MAX_CANCEL_LENGTH = HEADER_LENGTH + 4 + 256;

/** Matches a first message; gives `details.request`, and of a start-up `user` and `database`. */
export const postgres = probe((head) => {
  if (!head.starts("\0\0")) return undefined;
  const length = head.u16();
  if (length < HEADER_LENGTH || length > MAX_LENGTH) return undefined;
  if (head.starts(REQUEST)) {
    const request = requestName(head.u8(), length);
    return request === undefined ? undefined : { protocol: "postgres", details: { request } };
  }
  if (!head.starts("\0\x03") || head.u16() > MAX_MINOR_VERSION) return undefined;
  const parameters = readParameters(head.take(length - HEADER_LENGTH));
  const user = parameters?.get("user");
  if (!user) return undefined;
  // "Defaults to the user name" (StartupMessage).
  const database = parameters?.get("database") ?? user;
  return { protocol: "postgres", details: { request: "startup", user, database } };
});

function requestName(code: number, length: number): string | undefined {
  if (code === CANCEL) {
    return length >= MIN_CANCEL_LENGTH && length <= MAX_CANCEL_LENGTH ? "cancel" : undefined;
  }
  if (length !== HEADER_LENGTH) return undefined;
  return code === SSL ? "ssl" : code === GSSENC ? "gssenc" : undefined;
}

/** Reads pairs up to an empty name, which must be the end. The body is shorter than the limit of a text. */
function readParameters(body: ByteReader): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (let name = body.until(0, MAX_LENGTH); name; name = body.until(0, MAX_LENGTH)) {
    parameters.set(name, body.until(0, MAX_LENGTH) ?? "");
  }
  return body.remaining === 0 ? parameters : undefined;
}
