import type {
  Pool,
  Route,
  RouteMatch,
  TcpListenerConfig,
  UdpListenerConfig,
  UdpRoute,
} from "../../lib/config/config.ts";

/** A pool of one address. */
export function poolOf(host: string, port: number): Pool {
  return { targets: [{ host, port, weight: 1 }], algorithm: "none" };
}

/** A route that forwards to `pool`. */
export function routeTo(
  name: string,
  match: Partial<RouteMatch> & { readonly protocol: string },
  pool: Pool = poolOf("127.0.0.1", 1),
): Route {
  const everything = {
    serverNames: [],
    alpns: [],
    hosts: [],
    dnsNames: [],
    patterns: [],
    minLength: 32,
  };
  return {
    name,
    match: { ...everything, ...match },
    action: { kind: "forward", pool, sendProxy: "none" },
  };
}

/** The default target. */
export function defaultTo(pool: Pool): Route {
  return routeTo("default", { protocol: "any" }, pool);
}

/** A listener with every default; what a test is about goes into `changes`. */
export function listenerWith(changes: Partial<TcpListenerConfig>): TcpListenerConfig {
  return {
    name: "default",
    port: 8443,
    addresses: ["127.0.0.1"],
    backlog: 16,
    probeTimeout: 5000,
    probeMaxBytes: 32_768,
    onProbeTimeout: { kind: "default" },
    connectTimeout: 5000,
    connectRetries: 2,
    idleTimeout: 0,
    keepalive: 60_000,
    routes: [],
    ...changes,
  };
}

/** A route of datagrams that forwards to `pool`. */
export function udpRouteTo(
  name: string,
  match: Partial<RouteMatch> & { readonly protocol: string },
  pool: Pool = poolOf("127.0.0.1", 1),
  times: Partial<Pick<UdpRoute, "idleLifetime" | "replyTimeout">> = {},
): UdpRoute {
  return { ...routeTo(name, match, pool), idleLifetime: 30_000, replyTimeout: 2000, ...times };
}

/** The default target of datagrams. */
export function udpDefaultTo(pool: Pool): UdpRoute {
  return udpRouteTo("default", { protocol: "any" }, pool, { replyTimeout: 0 });
}

/** A listener of datagrams with every default; what a test is about goes into `changes`. */
export function udpListenerWith(changes: Partial<UdpListenerConfig>): UdpListenerConfig {
  return {
    name: "default",
    port: 8443,
    addresses: ["127.0.0.1"],
    probeTimeout: 1000,
    followClients: true,
    flowMemory: 600_000,
    routes: [],
    ...changes,
  };
}
