/**
 * Protocols on TCP, in the order in which the router asks: strict ones first. A match counts once every probe before
 * it has said no, so the order decides what is asked, never how TCP cut the bytes. To add a protocol, write one file
 * and one line here.
 *
 * @module
 */
import { adb } from "./adb.ts";
import { amqp } from "./amqp.ts";
import { http, httpByHost } from "./http.ts";
import { mqtt } from "./mqtt.ts";
import { openvpn } from "./openvpn.ts";
import { postgres } from "./postgres.ts";
import type { Probe } from "./probe.ts";
import { rdp } from "./rdp.ts";
import { redis } from "./redis.ts";
import { socks4, socks5 } from "./socks.ts";
import { ssh } from "./ssh.ts";
import { syslog } from "./syslog.ts";
import { teamspeak } from "./teamspeak.ts";
import { tinc } from "./tinc.ts";
import { tls } from "./tls.ts";
import { xmpp } from "./xmpp.ts";

/** By their names in the configuration. */
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

/** In place of those of the same names where a name decides: they read on until they know it. */
export const namedTcpProbes: Readonly<Record<string, Probe>> = { http: httpByHost };
