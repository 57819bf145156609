/**
 * Connections to the services beside the agent.
 *
 * @module
 */
import { type HostPort, parseIp, type SocketAddress } from "../../addr.ts";
import type { Resolver } from "../../resolver.ts";
import { type Conn, type Net, NetError } from "../../runtime/runtime.ts";

/** For one address, ms, and the most addresses of a name that are tried: together less than the edge waits. */
const CONNECT_TIMEOUT = 5_000;
const MOST_TRIED = 3;

/** What is this machine (RFC 6761 §6.3): servers listen on one of them, or on both. */
const LOOPBACK = ["127.0.0.1", "::1"];

export interface ServiceParts {
  readonly net: Net;
  readonly resolver: Resolver;
}

/**
 * Connects to a service, by all its addresses in turn.
 * @throws {NetError} What the first of them said.
 */
export async function connectToService(service: HostPort, parts: ServiceParts): Promise<Conn> {
  let last: NetError | undefined;
  for (const at of await addressesOf(service, parts)) {
    try {
      return await parts.net.connect(at, { timeout: CONNECT_TIMEOUT });
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      // That there is nothing on `::1` either says less.
      last ??= error;
    }
  }
  throw last!;
}

/**
 * The addresses of a service: at least one.
 * @throws {NetError} If there is none.
 */
export async function addressesOf(
  { host, port }: HostPort,
  { resolver }: Pick<ServiceParts, "resolver">,
): Promise<readonly SocketAddress[]> {
  const known = parseIp(host) !== undefined ? [host] : host === "localhost" ? LOOPBACK : undefined;
  const { addresses, failure } = known === undefined
    ? await resolver.resolve(host)
    : { addresses: known, failure: undefined };
  if (addresses.length === 0) {
    throw new NetError("unreachable", failure ?? `${host} has no address`);
  }
  return addresses.slice(0, MOST_TRIED).map((address) => ({ address, port }));
}
