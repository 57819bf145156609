/**
 * Everything, silence included: the last entry of a table, for what no other probe claims.
 *
 * @module
 */
import { datagramProbe } from "./datagram.ts";
import { probe } from "./probe.ts";

/** Matches any bytes, none at all included. */
export const any = probe(() => ({ protocol: "any" }));

/** Matches any datagram, an empty one included. */
export const anyDatagram = datagramProbe(() => ({ protocol: "any" }));
