import type { Pool, Route, RouteMatch, TcpListenerConfig } from "../../lib/config/config.ts";

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
