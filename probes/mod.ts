/**
 * The probes, as a library and as the table that the router asks in this order: strict ones first. A match
 * counts once every probe before it has said no, so the order decides what is asked, never how TCP cut the bytes.
 * To add a protocol, write one file and one line here.
 *
 * @module
 */
import type { DatagramProbe } from "./datagram.ts";
import type { Probe } from "./probe.ts";
import { adb } from "./adb.ts";
import { amqp } from "./amqp.ts";
import { dns } from "./dns.ts";
import { dtls } from "./dtls.ts";
import { http } from "./http.ts";
import { mqtt } from "./mqtt.ts";
import { ntp } from "./ntp.ts";
import { openvpn, openvpnDatagram } from "./openvpn.ts";
import { postgres } from "./postgres.ts";
import { quic } from "./quic.ts";
import { rdp } from "./rdp.ts";
import { redis } from "./redis.ts";
import { rtp } from "./rtp.ts";
import { sip } from "./sip.ts";
import { socks4, socks5 } from "./socks.ts";
import { ssh } from "./ssh.ts";
import { stun } from "./stun.ts";
import { syslog, syslogDatagram } from "./syslog.ts";
import { teamspeak, teamspeakDatagram } from "./teamspeak.ts";
import { tftp } from "./tftp.ts";
import { tinc } from "./tinc.ts";
import { tls } from "./tls.ts";
import { wireguard } from "./wireguard.ts";
import { xmpp } from "./xmpp.ts";

export type { DatagramProbe, DatagramResult } from "./datagram.ts";
export type { Facts, Probe, ProbeResult } from "./probe.ts";
export { datagramProbe } from "./datagram.ts";
export { probe } from "./probe.ts";
export { any, anyDatagram } from "./any.ts";
export { datagramRegex, regex } from "./regex.ts";

/** Protocols detected on TCP, by their names in the configuration. */
export const tcpProbes: Readonly<Record<string, Probe>> = {
  tls,
  ssh,
  http,
  rdp,
  amqp,
  xmpp,
  adb,
  tinc,
  teamspeak,
  postgres,
  mqtt,
  socks5,
  socks4,
  redis,
  openvpn,
  syslog,
};

/** Protocols detected on UDP, by their names in the configuration. */
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
