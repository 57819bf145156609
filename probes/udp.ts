/**
 * Protocols on UDP, in the order in which they are asked, as in the table of TCP. Apart from that one because QUIC
 * brings its cryptography along, which takes 20 ms to load.
 *
 * @module
 */
import type { DatagramProbe } from "./datagram.ts";
import { dns } from "./dns.ts";
import { dtls } from "./dtls.ts";
import { ntp } from "./ntp.ts";
import { openvpnDatagram } from "./openvpn.ts";
import { quic } from "./quic.ts";
import { rtp } from "./rtp.ts";
import { sip } from "./sip.ts";
import { stun } from "./stun.ts";
import { syslogDatagram } from "./syslog.ts";
import { teamspeakDatagram } from "./teamspeak.ts";
import { tftp } from "./tftp.ts";
import { wireguard } from "./wireguard.ts";

/** By their names in the configuration. */
export const udpProbes: Readonly<Record<string, DatagramProbe>> = {
  quic,
  dtls,
  wireguard,
  stun,
  openvpn: openvpnDatagram,
  dns,
  sip,
  ntp,
  tftp,
  teamspeak: teamspeakDatagram,
  syslog: syslogDatagram,
  rtp,
};
