/**
 * TeamSpeak 3. Its first packets carry a fixed text where later ones have a message authentication code:
 *
 * ```
 * "TS3INIT1" | u16 packet ID 101 | u16 client ID 0 | u8 flags and type | version and step
 * ```
 *
 * @module
 */
import { datagramProbe } from "./datagram.ts";
import { probe } from "./probe.ts";

const START = "TS3INIT1";
const IDS = "\0\x65\0\0";
/** Unencrypted, type 8 (Init1), with or without the flag of the new protocol. */
const TYPES: readonly number[] = [0x88, 0xa8];

/** Matches the text that only a first packet has. */
export const teamspeak = probe((head) =>
  head.starts(START) ? { protocol: "teamspeak" } : undefined
);

/** Matches the header that only first packets have. */
export const teamspeakDatagram = datagramProbe((packet) =>
  packet.starts(START + IDS) && TYPES.includes(packet.u8()) ? { protocol: "teamspeak" } : undefined
);
