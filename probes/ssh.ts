/**
 * SSH. The client sends its identification string first (RFC 4253 §4.2):
 *
 * ```
 * SSH-protoversion-softwareversion SP comments CR LF      at most 255 bytes
 * ```
 *
 * Only a server may send other lines before it, so a client's first four bytes decide.
 *
 * @module
 */
import { probe } from "./probe.ts";

/** Longest identification string, CR LF included (RFC 4253 §4.2). */
const MAX_IDENTIFICATION = 255;
const LF = 0x0a;

/** Matches an SSH client's identification string; gives `details.software`. */
export const ssh = probe((head) => {
  if (!head.starts("SSH-")) return undefined;
  const rest = head.until(LF, MAX_IDENTIFICATION - "SSH-".length - 1);
  const software = rest?.match(/^[0-9.]+-([^ \r]+)/)?.[1];
  return software === undefined ? undefined : { protocol: "ssh", details: { software } };
});
