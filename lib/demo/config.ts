/**
 * The configuration of the demo, as a file that people read.
 *
 * @module
 */
import type { Backends } from "./backends.ts";
import { HOST } from "./host.ts";
import { OPENINGS } from "./openings.ts";
import { UDP_OPENINGS } from "./udp_openings.ts";

/** How long the proxy of the demo waits for a silent client, ms. The default is longer. */
export const PROBE_TIMEOUT = 300;

/** Silence that ends a flow in the demo, ms. The default is longer. */
const IDLE_LIFETIME = 100;

/**
 * The text of the configuration file.
 * @param port Where the proxy listens.
 * @param colour Of the backends behind the routes `ssh` and `sip`, which the reload moves.
 */
export function demoConfig(
  port: number,
  backends: Pick<Backends, "port">,
  colour: "blue" | "green",
): string {
  const target = (...names: readonly string[]) =>
    `target = [${names.map((name) => `"${HOST}:${backends.port(name)}"`).join(", ")}]`;
  const entry = (name: string, protocol: string, settings = "", ...servers: readonly string[]) => {
    const names = servers.length > 0 ? servers : [name];
    const comment = names[0] === name ? "" : ` # ${names.join(", ")}`;
    return `${name.padEnd(9)} = { protocol = "${protocol}", ${settings}${
      target(...names)
    } }${comment}`;
  };
  const turns = `load_balance = "round_robin", `;
  const onBoth = (protocol: string) => UDP_OPENINGS.some((each) => each.protocol === protocol);
  const openings = OPENINGS.map(({ protocol }) => protocol);
  return `\
# The configuration of sluice's demo. While it runs, a change of this file is live within a second.

listen_address_v4 = "${HOST}"
listen_port = ${port} # by TCP and UDP

# Some protocols let the server speak first: so long it waits for the client, and then it takes the route "mail".
probe_timeout = "${PROBE_TIMEOUT}ms"
on_probe_timeout = "mail"

# By UDP nobody says farewell: who is silent for so long is in the access log, and known again for ten minutes.
udp_idle_lifetime = "${IDLE_LIFETIME}ms"

# What no entry's protocol claims.
tcp_${target("echo")} # echo
udp_${target("echo")}

[protocols]
${entry("site_a", "tls", `server_names = ["a.demo"], `, "site-a")}
${entry("site_b", "tls", `server_names = ["b.demo", "*.b.demo"], `, "site-b")}
${entry("site_b_h2", "tls", `server_names = ["b.demo"], alpns = ["h2"], `, "site-b-h2")}
${entry("web", "http", `hosts = ["www.demo", "${HOST}"], `)}
${entry("api", "http", `hosts = ["api.demo"], `)}
admin     = { protocol = "http", hosts = ["admin.demo"], action = "reject" }
${entry("h2c", "http", `hosts = ["h2.demo"], `)} # HTTP/2 without TLS
${entry("ssh", "ssh", "", colour)}
${entry("socks5", "socks5")}
${entry("mail", "regex", `transport = "tcp", patterns = ["^(EHLO|HELO) "], min_length = 5, `)}
${openings.filter((name) => !onBoth(name)).map((name) => entry(name, name)).join("\n")}

# By TCP and UDP.
${openings.filter(onBoth).map((name) => entry(name, name)).join("\n")}

# By UDP.
${entry("site_a_h3", "quic", `server_names = ["a.demo"], `, "h3-a")}
${entry("site_b_h3", "quic", `server_names = ["b.demo", "*.b.demo"], `, "h3-b")}
${entry("h3", "quic", `alpns = ["h3"], ${turns}`, "h3-1", "h3-2")}
${entry("vpn", "wireguard", turns, "vpn-1", "vpn-2")}
${entry("dns_a", "dns", `dns_names = ["*.a.demo"], `, "dns-a")}
${entry("dns_b", "dns", `dns_names = ["*.b.demo"], `, "dns-b")}
${entry("sip", "sip", "", `sip-${colour}`)}
${
    UDP_OPENINGS.map(({ protocol }) => protocol)
      .filter((name) => name !== "sip" && !openings.includes(name))
      .map((name) => entry(name, name)).join("\n")
  }
`;
}
