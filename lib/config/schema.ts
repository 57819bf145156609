/**
 * The shape of the configuration file: every key, what it may hold and what it is for. The JSON Schema that editors
 * use is made from this (`json_schema.ts`), so the descriptions are written for who edits a file.
 *
 * @module
 */
import * as v from "valibot";
import { LISTENER_DEFAULTS, REPLY_TIMEOUT, TOP_DEFAULTS } from "./defaults.ts";
import { formatDuration } from "./duration.ts";
import { edge } from "./edge_schema.ts";
import {
  acl,
  algorithm,
  entryKeys,
  networks,
  proxyVersion,
  targets,
  tcpAlgorithm,
} from "./entry_schema.ts";
import {
  duration,
  key,
  namedTables,
  oneOf,
  oneOrMore,
  read,
  table,
  text,
  wholeNumber,
  wholeNumberOr,
  yesOrNo,
} from "./shapes.ts";
import { parseListenAddressV4, parseListenAddressV6, parseSocketAddress } from "./values.ts";

/** More would only stand in each other's way. */
const MOST_THREADS = 64;

const count = wholeNumber(1, 4_294_967_295);

const entry = table(entryKeys, misplaced);
const entries = namedTables(entry);

const listenerKeys = {
  listen_port: key(wholeNumber(1, 65_535), "Port to listen on"),
  listen_address_v4: key(
    oneOrMore(read(parseListenAddressV4), "leave the key out to listen on all"),
    "IPv4 address or addresses to listen on",
    "0.0.0.0",
  ),
  listen_address_v6: key(
    oneOrMore(read(parseListenAddressV6), "leave the key out to listen on none"),
    "IPv6 address or addresses to listen on",
  ),
  listen_ipv6: key(yesOrNo, "Listen on [::] too", LISTENER_DEFAULTS.listen_ipv6),
  tcp_backlog: key(
    wholeNumber(1, 2_147_483_647),
    "Connections that the kernel completes before they are accepted",
    LISTENER_DEFAULTS.tcp_backlog,
  ),
  tcp_max_connections: key(
    count,
    "Most connections at once: at the top over all listeners, in a listener its own",
  ),
  max_connections_per_ip: key(count, "Most connections at once of one client address"),
  tcp_target: key(targets, "Backends for what no protocol entry takes"),
  tcp_load_balance: key(
    tcpAlgorithm,
    "How the backends of tcp_target share the connections",
    LISTENER_DEFAULTS.tcp_load_balance,
  ),
  tcp_send_proxy_protocol: key(
    proxyVersion,
    "Tell the backends the client's address by a PROXY header: v1, v2 or none",
    LISTENER_DEFAULTS.tcp_send_proxy_protocol,
  ),
  tcp_recv_proxy_protocol: key(
    yesOrNo,
    "Every connection begins with a PROXY header",
    LISTENER_DEFAULTS.tcp_recv_proxy_protocol,
  ),
  tcp_trusted_proxies: key(
    networks("name the proxies, or leave the key out"),
    "Addresses and networks whose PROXY headers are believed; nobody else may connect",
  ),
  probe_timeout: durationKey(
    duration(1),
    "How long the first bytes may take until they tell the protocol",
    LISTENER_DEFAULTS.probe_timeout,
  ),
  probe_max_bytes: key(
    wholeNumber(256, 1_048_576),
    "Most bytes looked at to tell the protocol",
    LISTENER_DEFAULTS.probe_max_bytes,
  ),
  on_probe_timeout: key(
    text,
    "What then: default (as if no protocol was told), close, or the name of a protocol entry",
    LISTENER_DEFAULTS.on_probe_timeout,
  ),
  connect_timeout: durationKey(
    duration(1),
    "How long one attempt to connect to a backend may take",
    LISTENER_DEFAULTS.connect_timeout,
  ),
  connect_retries: key(
    wholeNumber(0, 100),
    "Further attempts, at the next address or backend, after the first failed",
    LISTENER_DEFAULTS.connect_retries,
  ),
  tcp_idle_timeout: durationKey(
    duration(0),
    "How long neither side may send before the connection is closed; 0s: for ever",
    LISTENER_DEFAULTS.tcp_idle_timeout,
  ),
  tcp_keepalive: durationKey(
    duration(0),
    "Silence after which the kernel asks whether a peer is still there; 0s: never",
    LISTENER_DEFAULTS.tcp_keepalive,
  ),
  acl: key(acl, "Who may connect"),
  protocols: key(entries, "Protocol entries: what is sent where"),
  protocol: key(entries, "Another spelling of protocols"),
  udp_target: key(targets, "Backends for UDP clients whom no protocol entry takes"),
  udp_load_balance: key(
    algorithm,
    "How the backends of udp_target share the clients; quic_cid goes by the first connection ID of QUIC",
    LISTENER_DEFAULTS.udp_load_balance,
  ),
  udp_max_connections: key(
    count,
    "Most UDP flows at once: at the top over all listeners, in a listener its own",
  ),
  max_flows_per_ip: key(
    count,
    "Most UDP flows at once of one client: of an IPv4 address, or of an IPv6 network of 64 bits",
  ),
  udp_probe_timeout: durationKey(
    duration(1),
    "How long the first datagrams may take until they tell the protocol",
    LISTENER_DEFAULTS.udp_probe_timeout,
  ),
  udp_idle_lifetime: durationKey(
    duration(0),
    "Silence of both sides after which a flow expires; 0: never",
    LISTENER_DEFAULTS.udp_idle_lifetime,
  ),
  udp_reply_timeout: durationKey(
    duration(0),
    "How long a backend may owe its first reply before the flow moves to the next one; 0s: for ever. " +
      "Without it, for ever where there may be none: udp_target, syslog, rtp, regex and any",
    REPLY_TIMEOUT,
  ),
  follow_clients: key(
    yesOrNo,
    "Know clients of quic, wireguard and dtls again whose address has changed, or whose flow had expired",
    LISTENER_DEFAULTS.follow_clients,
  ),
  flow_memory: durationKey(
    duration(0),
    "How long a flow that has expired is remembered; 0s: not at all",
    LISTENER_DEFAULTS.flow_memory,
  ),
};

const listener = table(listenerKeys, misplaced);

const fileKeys = {
  ...listenerKeys,
  listeners: key(
    namedTables(listener),
    "More listeners; what one does not set, it takes from the top",
  ),
  admin_address: key(
    read(parseSocketAddress),
    'IP address and port where metrics and health are served over HTTP, such as "127.0.0.1:9090"',
  ),
  drain_timeout: durationKey(
    duration(0),
    "How long connections may go on after the signal to end",
    TOP_DEFAULTS.drain_timeout,
  ),
  engine: key(
    oneOf(["auto", "portable", "linux"]),
    "What the sockets are made with: linux (the system's own calls, in a thread of their own), portable " +
      "(the runtime's), or auto: linux where that can be. Read at the start alone",
    TOP_DEFAULTS.engine,
  ),
  threads: key(
    wholeNumberOr("auto", 1, MOST_THREADS),
    "Threads that serve on the engine linux, each with sockets of its own on the same addresses; " +
      "auto: one for each processor. Read at the start alone",
    TOP_DEFAULTS.threads,
  ),
  dns_cache_min_ttl: durationKey(
    duration(0),
    "Least time that a DNS answer is kept",
    TOP_DEFAULTS.dns_cache_min_ttl,
  ),
  dns_cache_max_ttl: durationKey(
    duration(0),
    "Longest time that a DNS answer is kept",
    TOP_DEFAULTS.dns_cache_max_ttl,
  ),
  edge: key(edge, "The tunnel's public side: agents, and names and ports for their services"),
};

/** Keys of the top level. */
export const FILE_KEYS: readonly string[] = Object.keys(fileKeys);

/** Those of them that hold tables. */
export const TABLE_KEYS: readonly string[] = ["acl", "protocols", "protocol", "listeners", "edge"];

/** The file. */
export const fileSchema = table(fileKeys);

function durationKey(shape: ReturnType<typeof duration>, description: string, preset: number) {
  return key(shape, description, formatDuration(preset));
}

/** What to say of a key that stands in a table below its own: in TOML, everything behind a [table] belongs to it. */
function misplaced(name: string): string | undefined {
  if (Object.hasOwn(listenerKeys, name)) {
    return "is a key of a listener: write it above the first [table], or in a table of listeners";
  }
  return Object.hasOwn(fileKeys, name)
    ? "is a key of the top level: write it above the first [table]"
    : undefined;
}

export type { AgentTable, EdgeTable } from "./edge_schema.ts";
export type { TargetTable } from "./entry_schema.ts";
export type FileTable = v.InferOutput<typeof fileSchema>;
export type ListenerTable = v.InferOutput<typeof listener>;
export type EntryTable = v.InferOutput<typeof entry>;
