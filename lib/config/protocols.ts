/**
 * Which protocols there are on which transport.
 *
 * @module
 */
/** What a listener can serve on its port. */
export type Transport = "tcp" | "udp";

export const TRANSPORTS = ["tcp", "udp"] as const satisfies readonly Transport[];

/** What is not told apart by a probe of its own; on both transports. */
const GENERAL = ["regex", "any"];

/** What an entry's `protocol` may say, by transport, in the order in which it is asked. */
export const PROTOCOLS_ON: Readonly<Record<Transport, readonly string[]>> = {
  // By name: not every thread that reads a configuration probes, and the table of UDP brings the ciphers of QUIC along.
  tcp: [
    "tls",
    "ssh",
    "http",
    "rdp",
    "amqp",
    "xmpp",
    "adb",
    "tinc",
    "teamspeak",
    "postgres",
    "mqtt",
    "socks5",
    "socks4",
    "redis",
    "openvpn",
    "syslog",
    ...GENERAL,
  ],
  udp: [
    "quic",
    "dtls",
    "wireguard",
    "stun",
    "openvpn",
    "dns",
    "sip",
    "ntp",
    "tftp",
    "teamspeak",
    "syslog",
    "rtp",
    ...GENERAL,
  ],
};

/** What an entry's `protocol` may say. */
export const PROTOCOLS: readonly string[] = [
  ...new Set([...PROTOCOLS_ON.tcp.filter((name) => !GENERAL.includes(name)), ...PROTOCOLS_ON.udp]),
];

/** Whether a protocol exists on both transports, so that an entry for it may be for one of them. */
export function isOnBoth(protocol: string): boolean {
  return TRANSPORTS.every((transport) => PROTOCOLS_ON[transport].includes(protocol));
}

/** Protocols whose servers may have nothing to answer, so that their silence says nothing. */
export const ONE_WAY: readonly string[] = ["syslog", "rtp", ...GENERAL];
