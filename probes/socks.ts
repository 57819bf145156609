/**
 * SOCKS. The client sends first. Version 5 offers methods of authentication (RFC 1928 §3); version 4 sends its
 * request at once, and in 4A an address 0.0.0.x, x not 0, says that a name follows:
 *
 * ```
 * SOCKS5   u8 5 | u8 n, 1 ≤ n | n methods
 * SOCKS4   u8 4 | u8 command | u16 port | u32 address | user ID, NUL | 4A: name, NUL
 * ```
 *
 * @module
 */
import { probe } from "./probe.ts";

const COMMANDS: Readonly<Record<number, string>> = { 1: "connect", 2: "bind" };
/** "No acceptable methods" (RFC 1928 §3): a server's answer, never offered. */
const NO_METHOD = 0xff;
/** Longest user ID and name; SOCKS4 sets no bound, a name has none longer. */
const MAX_TEXT_LENGTH = 255;

/** Matches a SOCKS5 client's offer, all of its methods. */
export const socks5 = probe((head) => {
  if (head.u8() !== 5) return undefined;
  const count = head.u8();
  for (let i = 0; i < count; i++) {
    if (head.u8() === NO_METHOD) return undefined;
  }
  return count > 0 ? { protocol: "socks5" } : undefined;
});

/** Matches a SOCKS4 or SOCKS4A request; gives `details.version` and `details.command`. */
export const socks4 = probe((head) => {
  if (head.u8() !== 4) return undefined;
  const command = COMMANDS[head.u8()];
  if (command === undefined) return undefined;
  head.skip(2);
  const address = head.u32();
  if (head.until(0, MAX_TEXT_LENGTH) === undefined) return undefined;
  const named = address > 0 && address < 0x100;
  if (named && !head.until(0, MAX_TEXT_LENGTH)) return undefined;
  return { protocol: "socks4", details: { version: named ? "4a" : "4", command } };
});
