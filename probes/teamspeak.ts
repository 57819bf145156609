/**
 * TeamSpeak 3. Its first packet carries a fixed text where later ones have a message authentication code:
 *
 * ```
 * "TS3INIT1" | u16 packet ID 101 | u16 client ID 0 | u8 flags and type 0x88 | version and step
 * ```
 *
 * @module
 */
import { probe } from "./probe.ts";

/** Matches the text that only a first packet has. */
export const teamspeak = probe((head) =>
  head.starts("TS3INIT1") ? { protocol: "teamspeak" } : undefined
);
