/**
 * RDP. The client sends first: an X.224 Connection Request in a TPKT packet (MS-RDPBCGR §2.2.1.1):
 *
 * ```
 * TPKT    u8 3 | u8 0 | u16 length of all                                          RFC 1006 §6
 * X.224   u8 length of what follows | u8 0xE0 | u16 0 | u16 source | u8 class 0    X.224 §13.3
 *         "Cookie: mstshash=" name CR LF, or a routing token and CR LF             optional
 *         u8 1 | u8 flags | u16le 8 | u32le protocols                              optional, §2.2.1.1.1
 *         u8 6 | u8 0 | u16le 36 | 16 correlation ID | 16 reserved                 if the flags say so, §2.2.1.1.2
 * ```
 *
 * Others use the same request (S7, MMS); theirs go on with the parameters of X.224, which RDP does not have.
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { type Facts, probe } from "./probe.ts";

const TPKT_HEADER_LENGTH = 4;
/** TPKT and the fixed part of X.224. */
const HEADERS_LENGTH = 11;
/** Longest packet whose rest the length of X.224 can express; 255 is reserved (X.224 §13.2.1). */
const MAX_LENGTH = TPKT_HEADER_LENGTH + 1 + 254;

const NEGOTIATION_REQUEST = 1;
const CORRELATION_INFO_PRESENT = 0x08;
const LF = 0x0a;

/** Matches a connection request; gives `details.cookie` (the name in it) or `details.token`. */
export const rdp = probe((head) => {
  if (!head.starts("\x03\0")) return undefined;
  const length = head.u16();
  if (length < HEADERS_LENGTH || length > MAX_LENGTH) return undefined;
  if (head.u8() !== length - TPKT_HEADER_LENGTH - 1 || !head.starts("\xe0\0\0")) return undefined;
  head.skip(2);
  if (head.u8() !== 0) return undefined;

  const rest = head.take(length - HEADERS_LENGTH);
  const routed = rest.remaining > 0 && rest.peek() !== NEGOTIATION_REQUEST;
  const details = routed ? readRouting(rest) : {};
  if (details === undefined || !isNegotiation(rest)) return undefined;
  return { protocol: "rdp", details };
});

function readRouting(rest: ByteReader): Facts["details"] | undefined {
  const line = rest.until(LF, MAX_LENGTH);
  const [, cookie, token] = line?.match(/^(?:Cookie: mstshash=([ -~\x80-\xff]*)|([ -~]+))\r$/) ??
    [];
  if (cookie !== undefined) return { cookie };
  return token === undefined ? undefined : { token };
}

/** Whether the rest is nothing, or a negotiation request and what its flags announce. */
function isNegotiation(rest: ByteReader): boolean {
  if (rest.remaining === 0) return true;
  if (rest.u8() !== NEGOTIATION_REQUEST) return false;
  const flags = rest.u8();
  if (!rest.starts("\x08\0")) return false;
  rest.skip(4);
  if ((flags & CORRELATION_INFO_PRESENT) !== 0) {
    if (!rest.starts("\x06\0\x24\0")) return false;
    rest.skip(32);
  }
  return rest.remaining === 0;
}
