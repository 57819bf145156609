/**
 * TFTP. A client asks to read or to write a file (RFC 1350 §5, RFC 2347):
 *
 * ```
 * u16 1 (read) or 2 (write) | file name NUL | mode NUL | { option NUL value NUL }*      512 bytes at most
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { datagramProbe } from "./datagram.ts";

/** By opcode. */
const OPERATIONS: ReadonlyMap<number, string> = new Map([[1, "read"], [2, "write"]]);
/** RFC 1350 §1; `mail` is no longer used. */
const MODES: readonly string[] = ["netascii", "octet", "mail"];
const MAX_LENGTH = 512;
const NUL = 0;

/** Matches a whole request; gives `details.operation`, `details.file` and `details.mode`. */
export const tftp = datagramProbe((request) => {
  if (request.remaining > MAX_LENGTH) return undefined;
  const operation = OPERATIONS.get(request.u16());
  const file = readText(request);
  const mode = readText(request)?.toLowerCase();
  if (operation === undefined || !file || mode === undefined || !MODES.includes(mode)) {
    return undefined;
  }
  while (request.remaining > 0) {
    const option = readText(request);
    const value = readText(request); // Empty for "multicast" (RFC 2090).
    if (!option || value === undefined) return undefined;
  }
  return { protocol: "tftp", details: { operation, file, mode } };
});

/** What is before the next NUL, if none of it is a control character. */
function readText(request: ByteReader): string | undefined {
  const text = request.until(NUL, MAX_LENGTH);
  return text !== undefined && /^[ -~\x80-\xff]*$/.test(text) ? text : undefined;
}
