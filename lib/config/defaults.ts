/**
 * What holds where the configuration says nothing. Times are in ms.
 *
 * @module
 */
import type { Algorithm, Engine, ProxyVersion } from "./config.ts";

/** Defaults of the keys that a listener has. */
export const LISTENER_DEFAULTS = {
  listen_address_v4: ["0.0.0.0"] as string[],
  listen_ipv6: false,
  tcp_backlog: 1024,
  tcp_load_balance: "none" as Exclude<Algorithm, "quic_cid">,
  tcp_send_proxy_protocol: "none" as ProxyVersion | "none",
  tcp_recv_proxy_protocol: false,
  probe_timeout: 5_000,
  probe_max_bytes: 32_768,
  on_probe_timeout: "default",
  connect_timeout: 5_000,
  connect_retries: 2,
  // Keepalive finds peers that are gone; this one is for those that are there and have nothing to say.
  tcp_idle_timeout: 3_600_000,
  tcp_keepalive: 60_000,
  udp_load_balance: "none" as Algorithm,
  udp_probe_timeout: 1_000,
  udp_idle_lifetime: 30_000,
  follow_clients: true,
  flow_memory: 600_000,
};

/** Defaults of the keys that only the top level has. */
export const TOP_DEFAULTS = {
  tcp_max_connections: 1024,
  udp_max_connections: 2048,
  drain_timeout: 30_000,
  engine: "auto" as Engine,
  threads: 1 as number | "auto",
  dns_cache_min_ttl: 30_000,
  dns_cache_max_ttl: 3_600_000,
} as const;

/** Defaults of the keys of `[edge]`, and of its agents. */
export const EDGE_DEFAULTS = {
  insecure: false,
  grace_period: 60_000,
  max_names: 100,
} as const;

/** How long a backend may owe its first reply, of protocols whose servers answer; of others for ever. */
export const REPLY_TIMEOUT = 2_000;

/** Defaults of the keys of a protocol entry. */
export const ENTRY_DEFAULTS = {
  action: "forward",
  load_balance: "none",
  min_length: 32,
  weight: 1,
} as const;
