/**
 * The backends of the demo that speak UDP: what each makes of a datagram.
 *
 * @module
 */
import { dnsServer } from "./dns.ts";
import { quicServer } from "./quic.ts";
import { type Answer, sipAnswer, UDP_OPENINGS } from "./udp_openings.ts";
import { wireguardServer } from "./wireguard.ts";

/** What the DNS servers say to every question. */
export const ADDRESSES = { "dns-a": "192.0.2.1", "dns-b": "192.0.2.2" } as const;

/** By their names, fresh ones: some remember their clients. */
export function udpBackends(): ReadonlyMap<string, Answer> {
  const servers = (make: (name: string) => Answer, ...names: readonly string[]) =>
    names.map((name) => [name, make(name)] as const);
  return new Map([
    ...Object.entries(ADDRESSES).map(([name, address]) => [name, dnsServer(address)] as const),
    ...servers(quicServer, "h3-a", "h3-b", "h3-1", "h3-2"),
    ...servers(wireguardServer, "vpn-1", "vpn-2"),
    ...UDP_OPENINGS.map(({ protocol, backend = protocol, answer = silent }) =>
      [backend, answer] as const
    ),
    ["sip-green", sipAnswer("sip-green")],
    ["echo", (datagram) => datagram],
  ]);
}

function silent(): undefined {}
