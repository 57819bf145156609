/**
 * tinc, the meta connection. Both sides send their ID at once; it is one line (tinc manual, "The meta-protocol"):
 *
 * ```
 * "0" SP name SP "17" LF                  tinc 1.0
 * "0" SP name SP "17" "." minor LF        tinc 1.1
 * "0" SP "?" key SP "17" "." minor LF     tinc 1.1, the key of one who was invited instead of a name
 * ```
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { probe } from "./probe.ts";

/** Names are those of files. */
const MAX_NAME_LENGTH = 255;
const MAX_MINOR_LENGTH = 3;
const SP = 0x20;
const LF = 0x0a;

/** Matches an ID; gives `details.version`, and `details.name` where there is one. */
export const tinc = probe((head) => {
  if (!head.starts("0 ")) return undefined;
  const name = word(head, SP, /^(?:\w+|\?[\w-]*)$/, MAX_NAME_LENGTH);
  if (name === undefined || name === "?" || !head.starts("17")) return undefined;
  const minor = head.starts("\n") ? "" : word(head, LF, /^\.\d*$/, 1 + MAX_MINOR_LENGTH);
  if (minor === undefined || minor === ".") return undefined;
  const version = `17${minor}`;
  return { protocol: "tinc", details: name.startsWith("?") ? { version } : { name, version } };
});

/** Reads to `end`; the first byte with which the text is not as `accepted`, or is too long, says no. */
function word(head: ByteReader, end: number, accepted: RegExp, limit: number): string | undefined {
  let text = "";
  for (let byte = head.u8(); byte !== end; byte = head.u8()) {
    text += String.fromCharCode(byte);
    if (!accepted.test(text) || text.length > limit) return undefined;
  }
  return text === "" ? undefined : text;
}
