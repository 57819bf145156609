/**
 * From the name of an edge to a channel to it.
 *
 * @module
 */
import { formatAddress, parseIp, type SocketAddress } from "../../addr.ts";
import type { Resolver } from "../../resolver.ts";
import { type Net, NetError, type SecureConn, type Tls } from "../../runtime/runtime.ts";
import { NO_CERTIFICATE } from "../auth.ts";
import { Channel } from "../channel.ts";
import { ALPN } from "../messages.ts";
import type { AgentConfig } from "./config.ts";

/** For one attempt, with its handshake, ms. */
const CONNECT_TIMEOUT = 5_000;

export interface DialParts {
  readonly net: Net;
  readonly tls: Tls;
  readonly resolver: Resolver;
}

/** A channel that nothing was said on yet; the caller closes it. */
export interface EdgeChannel {
  readonly channel: Channel;
  /** The SHA-256 of the edge's certificate, or what stands for it. */
  readonly certificate: Uint8Array;
  /** Where this edge is: of several addresses of a name, the one that answered. */
  readonly at: SocketAddress;
}

type EdgeAt = Pick<AgentConfig, "edge" | "trust">;

/**
 * Tries all addresses of the edge, in turn.
 * @throws {NetError} What the last of them said, or that there is none.
 */
export async function dialEdge(to: EdgeAt, parts: DialParts): Promise<EdgeChannel> {
  const { host, port } = to.edge;
  const { addresses, failure } = parseIp(host) !== undefined
    ? { addresses: [host], failure: undefined }
    : await parts.resolver.resolve(host);
  let last = new NetError("unreachable", failure ?? `${host} has no address`);
  for (const address of addresses) {
    const at = { address, port };
    try {
      return await dialAddress(at, to, parts);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      last = new NetError(error.code, `${formatAddress(at)}: ${error.message}`, { cause: error });
    }
  }
  throw last;
}

/**
 * Another channel to the same edge.
 * @throws {NetError} As {@linkcode Tls.connect}.
 */
export async function dialAddress(
  at: SocketAddress,
  { edge: { host }, trust }: EdgeAt,
  { net, tls }: DialParts,
): Promise<EdgeChannel> {
  if (trust === undefined) {
    const conn = await net.connect(at, { timeout: CONNECT_TIMEOUT });
    return { channel: new Channel(conn, "edge"), certificate: NO_CERTIFICATE, at };
  }
  const conn: SecureConn = await tls.connect(at, {
    ...parseIp(host) === undefined && { serverName: host },
    alpn: ALPN,
    trust,
    timeout: CONNECT_TIMEOUT,
  });
  return { channel: new Channel(conn, "edge"), certificate: conn.certificate, at };
}
