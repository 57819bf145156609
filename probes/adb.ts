/**
 * The Android Debug Bridge, between adb and a device. The client sends first (AOSP, adb's protocol description):
 *
 * ```
 * "CNXN" | u32 version | u32 most payload | u32 payload length | u32 checksum | u32 ~"CNXN" | "host::" …
 * ```
 *
 * All integers are little-endian. A device may answer that it wants TLS; the client does not begin with it.
 *
 * @module
 */
import { probe } from "./probe.ts";

/** The payload is an identity, `host::` at least; devices accept this much (MAX_PAYLOAD_V1). */
const IDENTITY = "host::";
const MAX_IDENTITY_LENGTH = 4096;

/** Matches a connect message of a host; gives `details.version`. */
export const adb = probe((head) => {
  if (!head.starts("CNXN")) return undefined;
  const revision = head.u8();
  if (revision > 1 || !head.starts("\0\0\x01")) return undefined;
  head.skip(4);
  const length = head.u16le();
  if (length < IDENTITY.length || length > MAX_IDENTITY_LENGTH) return undefined;
  if (!head.starts("\0\0")) return undefined;
  head.skip(4);
  if (!head.starts("\xbc\xb1\xa7\xb1") || !head.starts(IDENTITY)) return undefined;
  return { protocol: "adb", details: { version: `0x0100000${revision}` } };
});
