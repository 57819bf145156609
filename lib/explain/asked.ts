/**
 * Clients made up from what is asked about them: real first bytes, so that they go the way of every other.
 *
 * @module
 */
import { isHostName } from "../addr.ts";
import { encodeClientHello } from "../client_hello_encoder.ts";
import type { TcpListenerConfig } from "../config/config.ts";
import { encodeProxyHeader } from "../proxy_protocol.ts";
import type { Client } from "./client.ts";

/** What a made-up client says. Nothing at all: it is silent. */
export interface Said {
  /** In a ClientHello. */
  readonly serverName?: string;
  /** In a ClientHello. */
  readonly alpns?: readonly string[];
  /** In a plain HTTP request. */
  readonly host?: string;
}

/** A connection that is asked about. */
export interface Asked {
  /** The first bytes that the peer sends. */
  readonly head: Uint8Array;
  /** Whether it ends its stream behind them. */
  readonly ended: boolean;
  /** Who connects. Absent: unknown, and taken for a trusted proxy where only such may connect. */
  readonly peer?: Client;
}

/**
 * The connection that a client would make who says this. Where the listener wants a PROXY header it comes through
 * a proxy that sends one.
 * @throws {SyntaxError} If no client says it, or all of it at once.
 * @throws {RangeError} If a name is too long for any client to say it.
 */
export function connectionOf(
  said: Said,
  client: Client | undefined,
  listener: TcpListenerConfig,
): Asked {
  const head = headOf(said);
  if (listener.trustedProxies === undefined) {
    return { head, ended: false, ...client && { peer: client } };
  }
  const [address = "::"] = listener.addresses;
  const source = client && { port: 0, ...client };
  const header = encodeProxyHeader("v2", source, { address, port: listener.port });
  return { head: Uint8Array.of(...header, ...head), ended: false };
}

function headOf({ serverName, alpns, host }: Said): Uint8Array {
  const isTls = serverName !== undefined || alpns !== undefined;
  if (host !== undefined && isTls) {
    throw new SyntaxError(
      "a Host inside TLS is encrypted: ask about a host, or about a server name and ALPN",
    );
  }
  if (isTls) return helloFor(serverName, alpns);
  return new TextEncoder().encode(
    host === undefined ? "" : `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: sluice\r\n\r\n`,
  );
}

/**
 * A ClientHello in one record.
 * @throws {SyntaxError} If no client says it.
 * @throws {RangeError} If a name is too long for any client to say it.
 */
export function helloFor(
  serverName: string | undefined,
  alpns: readonly string[] | undefined,
): Uint8Array {
  if (serverName !== undefined && !isHostName(serverName)) {
    throw new SyntaxError(
      `no client sends the server name "${serverName}": other scripts go as "xn--...", IP addresses not at all`,
    );
  }
  return encodeClientHello({
    ...serverName !== undefined && { serverName },
    ...alpns !== undefined && { alpns },
  });
}
