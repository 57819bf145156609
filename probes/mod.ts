/**
 * The probes as a library: pure functions of the first bytes of a connection, or of the first datagrams of a client.
 *
 * @example
 * ```ts
 * const { kind } = tcpProbes["tls"]!(firstBytes, false); // match, no, or need
 * ```
 * @module
 */
export type { DatagramProbe, DatagramResult } from "./datagram.ts";
export type { Facts, Probe, ProbeResult } from "./probe.ts";
export { any, anyDatagram } from "./any.ts";
export { datagramProbe } from "./datagram.ts";
export { probe } from "./probe.ts";
export { datagramRegex, regex } from "./regex.ts";
export { namedTcpProbes, tcpProbes } from "./tcp.ts";
export { udpProbes } from "./udp.ts";
