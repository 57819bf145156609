/**
 * From what the file says to what holds: every default filled in, every key of the file gone.
 *
 * @module
 */
import { type Acl, AddressSet } from "../acl.ts";
import type {
  Algorithm,
  Config,
  EchConfig,
  Pool,
  ProbeTimeoutAnswer,
  ProxyVersion,
  Route,
  RouteMatch,
  TcpListenerConfig,
} from "./config.ts";
import { ENTRY_DEFAULTS, TOP_DEFAULTS, UDP_DEFAULTS } from "./defaults.ts";
import {
  DEFAULT_NAME,
  type EntrySource,
  isUdp,
  listenAddresses,
  type ListenerSource,
  servesTcp,
} from "./inherit.ts";
import type { EntryTable, FileTable, ListenerTable, TargetTable } from "./schema.ts";

/** Resolves a file in which {@linkcode check} found nothing wrong. */
export function resolve(file: FileTable, sources: readonly ListenerSource[]): Config {
  const top = { ...TOP_DEFAULTS, ...file };
  return {
    tcp: sources.filter(servesTcp).map(resolveListener),
    udp: [],
    maxConnections: top.tcp_max_connections,
    maxFlows: UDP_DEFAULTS.udp_max_connections,
    drainTimeout: top.drain_timeout,
    dns: { minTtl: top.dns_cache_min_ttl, maxTtl: top.dns_cache_max_ttl },
  };
}

function resolveListener(source: ListenerSource): TcpListenerConfig {
  const { name, path, own, keys, entries } = source;
  const limit = path.length === 0 ? undefined : own.tcp_max_connections;
  return {
    name,
    port: required(own.listen_port),
    addresses: listenAddresses(source),
    backlog: keys.tcp_backlog,
    ...limit !== undefined && { maxConnections: limit },
    ...keys.max_connections_per_ip !== undefined &&
      { maxConnectionsPerIp: keys.max_connections_per_ip },
    ...keys.acl && { acl: resolveAcl(keys.acl) },
    ...keys.tcp_recv_proxy_protocol &&
      { trustedProxies: new AddressSet(required(keys.tcp_trusted_proxies)) },
    probeTimeout: keys.probe_timeout,
    probeMaxBytes: keys.probe_max_bytes,
    onProbeTimeout: resolveAnswer(keys.on_probe_timeout),
    connectTimeout: keys.connect_timeout,
    connectRetries: keys.connect_retries,
    idleTimeout: keys.tcp_idle_timeout,
    keepalive: keys.tcp_keepalive,
    routes: entries.filter((entry) => !isUdp(entry)).map((entry) => resolveEntry(entry, source)),
    ...own.tcp_target && { defaultRoute: defaultRoute(own.tcp_target, keys) },
  };
}

function resolveAnswer(answer: string): ProbeTimeoutAnswer {
  return answer === "default" || answer === "close"
    ? { kind: answer }
    : { kind: "route", name: answer };
}

function resolveEntry({ name, table }: EntrySource, { own, keys }: ListenerSource): Route {
  const match: RouteMatch = {
    protocol: required(table.protocol),
    serverNames: distinct(table.server_names),
    alpns: distinct(table.alpns ?? table.alpn),
    hosts: distinct(table.hosts),
    dnsNames: [],
    patterns: table.patterns ?? [],
    minLength: table.min_length ?? ENTRY_DEFAULTS.min_length,
  };
  return {
    name,
    match,
    ...table.acl && { acl: resolveAcl(table.acl) },
    ...table.ech && { ech: resolveEch(table.ech, required(own.listen_port)) },
    action: table.action === "reject" ? { kind: "reject" } : {
      kind: "forward",
      pool: resolvePool(required(table.target), table.load_balance ?? ENTRY_DEFAULTS.load_balance),
      sendProxy: table.send_proxy_protocol ?? keys.tcp_send_proxy_protocol,
    },
  };
}

function defaultRoute(
  targets: readonly TargetTable[],
  { tcp_load_balance: algorithm, tcp_send_proxy_protocol: sendProxy }: {
    readonly tcp_load_balance: Algorithm;
    readonly tcp_send_proxy_protocol: ProxyVersion | "none";
  },
): Route {
  return {
    name: DEFAULT_NAME,
    match: {
      protocol: "any",
      serverNames: [],
      alpns: [],
      hosts: [],
      dnsNames: [],
      patterns: [],
      minLength: 0,
    },
    action: { kind: "forward", pool: resolvePool(targets, algorithm), sendProxy },
  };
}

function resolvePool(targets: readonly TargetTable[], algorithm: Algorithm): Pool {
  return {
    targets: targets.map(({ host, port, weight = ENTRY_DEFAULTS.weight }) => ({
      host,
      port,
      weight,
    })),
    algorithm,
  };
}

function resolveAcl({ allow, deny, message }: NonNullable<ListenerTable["acl"]>): Acl {
  return {
    ...allow && { allow: new AddressSet(allow) },
    ...deny && { deny: new AddressSet(deny) },
    ...message !== undefined && { message },
  };
}

function resolveEch(ech: NonNullable<EntryTable["ech"]>, listenPort: number): EchConfig {
  return {
    configList: ech.ech_config_list,
    privateKeys: ech.private_keys,
    privateServerNames: ech.private_server_names
      .map(({ host, port = listenPort }) => ({ host, port })),
  };
}

function distinct(items: readonly string[] = []): readonly string[] {
  return [...new Set(items)];
}

/** What {@linkcode check} has made sure of. */
function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError("a required key of the configuration is missing");
  return value;
}
