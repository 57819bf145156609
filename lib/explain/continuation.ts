/**
 * Datagrams from the middle of a session. Nothing in them says where the session began, so they go where it is, if that
 * is known (`follow_clients`), and only else where their own bytes lead.
 *
 * ```
 * QUIC         bits 01, short header: connection ID …            long headers of Handshake packets (RFC 9000 §17)
 * DTLS         u8 20..26 | u8 254 | …                            records (RFC 6347 §4.1); with type 25, connection ID
 *              bits 001, bit C | …                               records of 1.3 (RFC 9147 §4); with C, connection ID
 * WireGuard    any message but an initiation                     receiver index
 * ```
 *
 * @module
 */
import type { Facts } from "../../probes/probe.ts";
import { quicHeader } from "../../probes/quic_packet.ts";
import { wireguardMessage } from "../../probes/wireguard.ts";

/** What a datagram may be: some of these are told by a few bits alone. */
export interface Continuation {
  readonly protocol: "quic" | "dtls" | "wireguard";
  readonly what: string;
  /** By what its session is known from another address; absent: by nothing that it says. */
  readonly knownBy?: "connection ID" | "receiver index";
}

/** Protocols of routes that take whatever comes: that they take a datagram says nothing about it. */
const UNSPECIFIC: readonly string[] = ["regex", "any"];

/**
 * What the first datagram of a client goes on with, if it does not begin a session.
 * @param facts Of the probe that decided. Of these protocols only WireGuard's matches what begins nothing.
 */
export function continuationOf(
  datagram: Uint8Array,
  facts: Facts | undefined,
): Continuation | undefined {
  if (facts?.protocol === "wireguard") return wireguard(datagram);
  if (facts !== undefined && !UNSPECIFIC.includes(facts.protocol)) return undefined;
  return wireguard(datagram) ?? dtls(datagram) ?? quic(datagram);
}

function wireguard(datagram: Uint8Array): Continuation | undefined {
  const type = wireguardMessage(datagram);
  if (type === undefined || type === "initiation") return undefined;
  return { protocol: "wireguard", what: `${type} message`, knownBy: "receiver index" };
}

/** From change_cipher_spec to ack. */
const RECORD_TYPES = [20, 26] as const;
const HANDSHAKE_RECORD = 22;
const CONNECTION_ID_RECORD = 25;
const DTLS_MAJOR_VERSION = 254;
/** Of a record: type, version, epoch, sequence number, length. */
const RECORD_HEADER_LENGTH = 13;
const UNIFIED_BITS = 0xe0;
const UNIFIED_HEADER = 0x20;
const UNIFIED_CONNECTION_ID = 0x10;

function dtls(datagram: Uint8Array): Continuation | undefined {
  const [type = 0, version] = datagram;
  const [lowest, highest] = RECORD_TYPES;
  if (type >= lowest && type <= highest) {
    if (version !== DTLS_MAJOR_VERSION || datagram.length < RECORD_HEADER_LENGTH) return undefined;
    return type === CONNECTION_ID_RECORD
      ? { protocol: "dtls", what: "record with a connection ID", knownBy: "connection ID" }
      : { protocol: "dtls", what: type === HANDSHAKE_RECORD ? "handshake record" : "record" };
  }
  if ((type & UNIFIED_BITS) !== UNIFIED_HEADER) return undefined;
  return (type & UNIFIED_CONNECTION_ID) === 0 ? { protocol: "dtls", what: "record of 1.3" } : {
    protocol: "dtls",
    what: "record of 1.3 with a connection ID",
    knownBy: "connection ID",
  };
}

/** The shortest packet behind the handshake (RFC 9000 §10.3). */
const MIN_SHORT_LENGTH = 21;
const FIXED_BIT = 0x40;

function quic(datagram: Uint8Array): Continuation | undefined {
  const header = quicHeader(datagram);
  const isShort = header?.form === "short" && datagram.length >= MIN_SHORT_LENGTH &&
    (datagram[0]! & FIXED_BIT) !== 0;
  const isHandshake = header?.form === "long" && header.type === "handshake";
  if (!isShort && !isHandshake) return undefined;
  const what = isShort ? "packet with a short header" : "Handshake packet";
  return { protocol: "quic", what, knownBy: "connection ID" };
}
