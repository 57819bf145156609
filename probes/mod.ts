/**
 * The probes, as a library and as the table that the router asks in this order: strict ones first. A match
 * counts once every probe before it has said no, so the order decides what is asked, never how TCP cut the bytes.
 * To add a protocol, write one file and one line here.
 *
 * @module
 */
import type { Probe } from "./probe.ts";
import { http } from "./http.ts";
import { socks4, socks5 } from "./socks.ts";
import { ssh } from "./ssh.ts";
import { tls } from "./tls.ts";

export type { Facts, Probe, ProbeResult } from "./probe.ts";
export { probe } from "./probe.ts";
export { any } from "./any.ts";
export { regex } from "./regex.ts";

/** Protocols detected on TCP, by their names in the configuration. */
export const tcpProbes: Readonly<Record<string, Probe>> = {
  tls,
  ssh,
  http,
  socks5,
  socks4,
};
