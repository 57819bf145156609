/**
 * Everything, silence included: the last entry of a table, for what no other probe claims.
 *
 * @module
 */
import { probe } from "./probe.ts";

/** Matches any bytes, none at all included. */
export const any = probe(() => ({ protocol: "any" }));
