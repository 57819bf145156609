/**
 * The configuration of the demo, as a file that people read.
 *
 * @module
 */
import { type Backends, HOST } from "./backends.ts";
import { OPENINGS } from "./openings.ts";

/** How long the proxy of the demo waits for a silent client, ms. The default is longer. */
export const PROBE_TIMEOUT = 300;

/** How long the proxy of the demo remembers a client of UDP that is silent, ms. The default is longer. */
const IDLE_LIFETIME = 300;

/** Protocols that travel over both, of which the demo shows one. */
const ON_BOTH: readonly string[] = ["openvpn", "syslog", "teamspeak", "regex"];

/**
 * The text of the configuration file.
 * @param port Where the proxy listens.
 * @param ssh The name of the backend behind the route `ssh`, which the reload moves.
 */
export function demoConfig(
  port: number,
  backends: Pick<Backends, "port">,
  ssh: string,
): string {
  const target = (backend: string) => `target = ["${HOST}:${backends.port(backend)}"]`;
  const entry = (name: string, protocol: string, settings = "", backend = name) =>
    `${name.padEnd(9)} = { protocol = "${protocol}", ${settings}${target(backend)} }` +
    (backend === name ? "" : ` # ${backend}`);
  const onTcp = (protocol: string) => ON_BOTH.includes(protocol) ? `transport = "tcp", ` : "";
  const vpn = ["vpn-1", "vpn-2"].map((name) => `"${HOST}:${backends.port(name)}"`).join(", ");
  return `\
# The configuration of sluice's demo. While it runs, a change of this file is live within a second.

listen_address_v4 = "${HOST}"
listen_port = ${port}

# Some protocols let the server speak first: so long it waits for the client, and then it takes the route "mail".
probe_timeout = "${PROBE_TIMEOUT}ms"
on_probe_timeout = "mail"

# What no entry's protocol claims.
tcp_${target("echo")} # echo
udp_${target("udp-echo")} # udp-echo

# UDP says no farewell: a client that is silent for so long has left, but is known again.
udp_idle_lifetime = "${IDLE_LIFETIME}ms"

[protocols]
${entry("site_a", "tls", `server_names = ["a.demo"], `, "site-a")}
${entry("site_b", "tls", `server_names = ["b.demo", "*.b.demo"], `, "site-b")}
${entry("site_b_h2", "tls", `server_names = ["b.demo"], alpns = ["h2"], `, "site-b-h2")}
${entry("web", "http", `hosts = ["www.demo", "${HOST}"], `)}
${entry("api", "http", `hosts = ["api.demo"], `)}
admin     = { protocol = "http", hosts = ["admin.demo"], action = "reject" }
${entry("h2c", "http")} # HTTP/2 without TLS: it shows no Host
${entry("ssh", "ssh", "", ssh)}
${entry("socks5", "socks5")}
${entry("mail", "regex", `${onTcp("regex")}patterns = ["^(EHLO|HELO) "], min_length = 5, `)}
${OPENINGS.map(({ protocol }) => entry(protocol, protocol, onTcp(protocol))).join("\n")}
${entry("dns_a", "dns", `dns_names = ["*.a.demo"], `, "dns-a")}
${entry("dns_b", "dns", `dns_names = ["*.b.demo"], `, "dns-b")}
${entry("site_a_h3", "quic", `server_names = ["a.demo"], `, "h3-a")}
${entry("site_b_h3", "quic", `server_names = ["*.b.demo"], alpns = ["h3"], `, "h3-b")}
vpn       = { protocol = "wireguard", load_balance = "round_robin", target = [${vpn}] } # vpn-1, vpn-2
${entry("stun", "stun")}
${entry("sip", "sip")}
`;
}
