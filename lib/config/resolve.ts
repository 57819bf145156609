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
  UdpListenerConfig,
  UdpRoute,
} from "./config.ts";
import { ENTRY_DEFAULTS, LISTENER_DEFAULTS, REPLY_TIMEOUT, TOP_DEFAULTS } from "./defaults.ts";
import {
  DEFAULT_NAME,
  entriesOn,
  type EntrySource,
  listenAddresses,
  type ListenerSource,
  serves,
} from "./inherit.ts";
import { ONE_WAY } from "./protocols.ts";
import { resolveEdge } from "./resolve_edge.ts";
import type { EntryTable, FileTable, ListenerTable, TargetTable } from "./schema.ts";

/** Resolves a file in which {@linkcode check} found nothing wrong. */
export function resolve(file: FileTable, sources: readonly ListenerSource[]): Config {
  const top = { ...TOP_DEFAULTS, ...file };
  return {
    tcp: sources.filter((source) => serves(source, "tcp")).map(resolveTcp),
    udp: sources.filter((source) => serves(source, "udp")).map(resolveUdp),
    maxConnections: top.tcp_max_connections,
    maxFlows: top.udp_max_connections,
    drainTimeout: top.drain_timeout,
    engine: top.engine,
    threads: top.threads,
    ...top.admin_address && { admin: top.admin_address },
    dns: { minTtl: top.dns_cache_min_ttl, maxTtl: top.dns_cache_max_ttl },
    ...file.edge && { edge: resolveEdge(file.edge, file, sources) },
  };
}

function resolveTcp(source: ListenerSource): TcpListenerConfig {
  const { own, keys } = source;
  const limit = ownLimit(source, "tcp_max_connections");
  const { tcp_load_balance: algorithm, tcp_send_proxy_protocol: sendProxy } = keys;
  return {
    ...resolveListener(source),
    backlog: keys.tcp_backlog,
    ...limit !== undefined && { maxConnections: limit },
    ...keys.max_connections_per_ip !== undefined &&
      { maxConnectionsPerIp: keys.max_connections_per_ip },
    ...keys.tcp_recv_proxy_protocol &&
      { trustedProxies: new AddressSet(required(keys.tcp_trusted_proxies)) },
    probeTimeout: keys.probe_timeout,
    probeMaxBytes: keys.probe_max_bytes,
    onProbeTimeout: resolveAnswer(keys.on_probe_timeout),
    connectTimeout: keys.connect_timeout,
    connectRetries: keys.connect_retries,
    idleTimeout: keys.tcp_idle_timeout,
    keepalive: keys.tcp_keepalive,
    routes: entriesOn(source, "tcp").map((entry) =>
      resolveEntry(entry, source, entry.table.send_proxy_protocol ?? sendProxy)
    ),
    ...own.tcp_target && { defaultRoute: defaultRoute(own.tcp_target, algorithm, sendProxy) },
  };
}

function resolveUdp(source: ListenerSource): UdpListenerConfig {
  const { own, keys } = source;
  const limit = ownLimit(source, "udp_max_connections");
  return {
    ...resolveListener(source),
    ...limit !== undefined && { maxFlows: limit },
    ...keys.max_flows_per_ip !== undefined && { maxFlowsPerIp: keys.max_flows_per_ip },
    probeTimeout: keys.udp_probe_timeout,
    followClients: keys.follow_clients,
    flowMemory: keys.follow_clients ? keys.flow_memory : 0,
    routes: entriesOn(source, "udp").map((entry) => resolveUdpEntry(entry, source)),
    ...own.udp_target && {
      defaultRoute: {
        ...defaultRoute(own.udp_target, keys.udp_load_balance, "none"),
        idleLifetime: keys.udp_idle_lifetime,
        replyTimeout: keys.udp_reply_timeout ?? 0,
      },
    },
  };
}

/** What listeners of both transports have. */
function resolveListener(source: ListenerSource) {
  const { name, own, keys } = source;
  return {
    name,
    port: required(own.listen_port),
    addresses: listenAddresses(source),
    ...keys.acl && { acl: resolveAcl(keys.acl) },
  };
}

/** A listener's own limit; what the top level says is the one of all listeners. */
function ownLimit(
  { path, own }: ListenerSource,
  key: "tcp_max_connections" | "udp_max_connections",
): number | undefined {
  return path.length === 0 ? undefined : own[key];
}

function resolveAnswer(answer: string): ProbeTimeoutAnswer {
  return answer === "default" || answer === "close"
    ? { kind: answer }
    : { kind: "route", name: answer };
}

function resolveEntry(
  { name, table }: EntrySource,
  { own }: ListenerSource,
  sendProxy: ProxyVersion | "none",
): Route {
  const match: RouteMatch = {
    protocol: required(table.protocol),
    serverNames: distinct(table.server_names),
    alpns: distinct(table.alpns ?? table.alpn),
    hosts: distinct(table.hosts),
    dnsNames: distinct(table.dns_names),
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
      sendProxy,
    },
  };
}

function resolveUdpEntry(entry: EntrySource, source: ListenerSource): UdpRoute {
  const { table } = entry;
  const route = resolveEntry(entry, source, "none");
  if (route.action.kind === "reject") {
    // What is refused asks no backend, so these are the same whatever the listener says.
    return { ...route, idleLifetime: LISTENER_DEFAULTS.udp_idle_lifetime, replyTimeout: 0 };
  }
  const { udp_idle_lifetime: idleLifetime, udp_reply_timeout: replyTimeout } = source.keys;
  const preset = ONE_WAY.includes(route.match.protocol) ? 0 : REPLY_TIMEOUT;
  return {
    ...route,
    idleLifetime: table.idle_lifetime ?? idleLifetime,
    replyTimeout: table.reply_timeout ?? replyTimeout ?? preset,
  };
}

function defaultRoute(
  targets: readonly TargetTable[],
  algorithm: Algorithm,
  sendProxy: ProxyVersion | "none",
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
