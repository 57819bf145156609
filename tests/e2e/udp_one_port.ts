/**
 * One sluice port with an entry for every protocol of UDP that has a real client here, all of them on for every test:
 * a client must find its own backend among them.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Scope } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { type AccessLine, type Sluice, startSluice } from "./sluice.ts";

/** What an entry matches. */
const ENTRIES = {
  quic_a: `protocol = "quic"\nserver_names = ["a.example"]\nalpns = ["h3"]`,
  quic_b: `protocol = "quic"\nserver_names = ["*.b.example"]`,
  quic_chat: `protocol = "quic"\nalpns = ["chat"]`,
  wireguard: `protocol = "wireguard"`,
  dtls_a: `protocol = "dtls"\nserver_names = ["a.example"]`,
  dtls_b: `protocol = "dtls"\nserver_names = ["b.example"]`,
  dns_a: `protocol = "dns"\ntransport = "udp"\ndns_names = ["a.example", "*.a.example"]`,
  dns: `protocol = "dns"\ntransport = "udp"`,
  stun: `protocol = "stun"`,
  openvpn: `protocol = "openvpn"\ntransport = "udp"`,
  tftp: `protocol = "tftp"`,
  ntp: `protocol = "ntp"`,
  sip: `protocol = "sip"`,
  syslog: `protocol = "syslog"\ntransport = "udp"`,
} as const;

type Entry = keyof typeof ENTRIES;

export interface UdpOnePort {
  readonly port: number;
  readonly sluice: Sluice;
}

/**
 * Starts it. Flows expire after a second, so that a test need not wait long for what they leave in the log.
 * @param backends Where entries lead, and what no entry takes; those that are not named lead to a closed port.
 * @param more Further entries, in TOML.
 */
export async function startUdpOnePort(
  scope: Scope,
  backends: Readonly<Partial<Record<Entry | "default", number>>>,
  more = "",
): Promise<UdpOnePort> {
  const port = freePortOfBoth();
  const closed = freePortOfBoth();
  const target = (name: Entry | "default") => `target = ["127.0.0.1:${backends[name] ?? closed}"]`;
  const entries = (Object.keys(ENTRIES) as Entry[]).map((name) =>
    `[protocols.${name}]\n${ENTRIES[name]}\n${target(name)}`
  );
  const sluice = await startSluice(
    scope,
    [
      `listen_address_v4 = "127.0.0.1"`,
      `listen_port = ${port}`,
      `udp_${target("default")}`,
      `udp_idle_lifetime = "1s"`,
      ...entries,
      more,
    ].join("\n"),
  );
  return { port, sluice };
}

/** What only lines of flows have. */
interface FlowLine extends AccessLine {
  readonly transport: "tcp" | "udp";
  readonly dns_name?: string;
}

/** Of each of the next flows that expire what `tell` tells, in the order of the alphabet: flows expire in any. */
export async function expiring(
  sluice: Sluice,
  count: number,
  tell: (line: FlowLine) => string,
): Promise<readonly string[]> {
  const told: string[] = [];
  while (told.length < count) {
    const line = await sluice.accessLine() as FlowLine;
    assert.deepEqual([line.reason, line.transport], ["idle_timeout", "udp"]);
    told.push(tell(line));
  }
  return told.sort();
}
