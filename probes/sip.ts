/**
 * SIP over UDP. A client sends a request (RFC 3261 §7.1, §25.1):
 *
 * ```
 * method SP URI SP "SIP/2.0" CRLF | { header CRLF }* | CRLF | body
 * ```
 *
 * @module
 */
import { datagramProbe } from "./datagram.ts";

const LF = 0x0a;
/** Longer than any that fits the datagrams of the internet; what does not goes over TCP (RFC 3261 §18.1.1). */
const MAX_LINE_LENGTH = 2048;

/** A token, a URI with its scheme, the version. */
const REQUEST_LINE = /^([A-Za-z0-9.!%*_+`'~-]+) ([A-Za-z][A-Za-z0-9+.-]*:[!-~]+) SIP\/2\.0\r$/i;

/** Matches a request line; gives `details.method` and `details.uri`. */
export const sip = datagramProbe((message) => {
  const line = message.until(LF, MAX_LINE_LENGTH);
  const [, method, uri] = line?.match(REQUEST_LINE) ?? [];
  if (method === undefined || uri === undefined) return undefined;
  return { protocol: "sip", details: { method, uri } };
});
