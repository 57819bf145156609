/**
 * Clients of UDP made up from what is asked about them, as `asked.ts` makes those of TCP.
 *
 * @module
 */
import { helloFor, type Said } from "./asked.ts";
import type { Client } from "./client.ts";
import { encodeDnsQuery } from "./dns_query.ts";
import { encodeInitials } from "./quic_initial.ts";

/** What a made-up client says. */
export interface SaidInDatagrams extends Pick<Said, "serverName" | "alpns"> {
  /** In a DNS query. */
  readonly dnsName?: string;
}

/** A client that is asked about. */
export interface AskedDatagrams {
  /** The first ones that it sends, in order; at least one. */
  readonly datagrams: readonly Uint8Array[];
  /** Whether sluice made them up: then what a client picks at random is none of it. */
  readonly isMadeUp: boolean;
  /** Who sends them. Absent: unknown. */
  readonly peer?: Client;
}

const RECORD_HEADER_LENGTH = 5;

/**
 * The datagrams of a client that says this: a server name and ALPN in QUIC version 1, a DNS name in a query.
 * @throws {SyntaxError} If no client says it, or all of it at once, or there is nothing that it says.
 * @throws {RangeError} If a name is too long for any client to say it.
 */
export function datagramsOf(
  { serverName, alpns, dnsName }: SaidInDatagrams,
): readonly Uint8Array[] {
  const isQuic = serverName !== undefined || alpns !== undefined;
  if (isQuic && dnsName === undefined) {
    // QUIC carries the message itself, without records (RFC 9001 §4.1.3).
    return encodeInitials(helloFor(serverName, alpns).subarray(RECORD_HEADER_LENGTH));
  }
  if (dnsName !== undefined && !isQuic) return [encodeDnsQuery(dnsName)];
  throw new SyntaxError(
    isQuic
      ? "a DNS query has no server name and ALPN: ask about one or the other"
      : "over UDP a client that sends nothing is not there: ask about a name, or about datagrams",
  );
}
