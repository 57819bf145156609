/**
 * The way from a listener of the proxy to the edge: routes to its doors, on loopback.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import type { Config, Hop, Route, RouteMatch } from "../../config/config.ts";
import type { Tlv } from "../../proxy_protocol.ts";
import { areEqual } from "../auth.ts";
import { ALPN } from "../messages.ts";

/** Where the edge takes what comes by a listener. */
export interface Doors {
  readonly visitors: SocketAddress;
  /** Absent where agents come without TLS, by which alone they could be told. */
  readonly agents?: SocketAddress;
  /** Which only this process knows: whoever else connects to a door is nobody's client. */
  readonly key: Uint8Array;
}

/** Of the PROXY protocol (§2.2.8): a type for fields of one's own. It holds the key, and the listener's name. */
const FIELD_TYPE = 0xe0;

/** The configuration that the proxy is to run beside the edge: without it, and with the routes to it. */
export function withEdge({ edge, ...config }: Config, doors: Doors): Config {
  if (edge === undefined) return config;
  return {
    ...config,
    tcp: config.tcp.map((listener) =>
      edge.listeners.includes(listener.name)
        ? {
          ...listener,
          routes: [...routesTo(edge.domain, listener.name, doors), ...listener.routes],
        }
        : listener
    ),
  };
}

/** Before all others of a listener. An agent is told by what it speaks, above all names where it asks for the edge's. */
function routesTo(domain: string, listener: string, { visitors, agents, key }: Doors): Route[] {
  const below = [`*.${domain}`];
  const field = { type: FIELD_TYPE, value: fieldValue(key, listener) };
  const route = (
    hop: Hop,
    name: string,
    to: SocketAddress,
    match: Partial<RouteMatch>,
  ): Route => ({
    name,
    match: {
      protocol: "tls",
      serverNames: [],
      alpns: [],
      hosts: [],
      dnsNames: [],
      patterns: [],
      minLength: 0,
      ...match,
    },
    stepsAside: true,
    hop,
    action: {
      kind: "forward",
      pool: { targets: [{ host: to.address, port: to.port, weight: 1 }], algorithm: "none" },
      sendProxy: "v2",
      proxyField: field,
    },
  });
  return [
    ...agents
      ? [
        route("agent", "edge-agents-by-name", agents, {
          alpns: [ALPN],
          serverNames: [domain, ...below],
        }),
        route("agent", "edge-agents", agents, { alpns: [ALPN] }),
      ]
      : [],
    route("visitor", "edge-http", visitors, { protocol: "http", hosts: below }),
    route("visitor", "edge-tls", visitors, { serverNames: below }),
  ];
}

function fieldValue(key: Uint8Array, listener: string): Uint8Array {
  return Uint8Array.from([...key, ...new TextEncoder().encode(listener)]);
}

/** The listener by which somebody came to a door; `undefined` if it was not this process that brought him. */
export function listenerOf(fields: readonly Tlv[], key: Uint8Array): string | undefined {
  const value = fields.find(({ type }) => type === FIELD_TYPE)?.value;
  if (value === undefined || value.length < key.length) return undefined;
  return areEqual(value.subarray(0, key.length), key)
    ? new TextDecoder().decode(value.subarray(key.length))
    : undefined;
}
