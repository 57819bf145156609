/**
 * The resolved configuration: every default filled in, every name parsed, every duration in milliseconds.
 * Nothing behind this type asks how it was written.
 *
 * @module
 */
import type { Acl, AddressSet } from "../acl.ts";
import type { HostPort, SocketAddress } from "../addr.ts";

export interface Config {
  /**
   * In the order of the file; names are unique, and no two of a list share an address and port. A listener of
   * the file that has work on both transports is in both lists.
   */
  readonly tcp: readonly TcpListenerConfig[];
  readonly udp: readonly UdpListenerConfig[];
  /** Most TCP connections at once, over all listeners. */
  readonly maxConnections: number;
  /** Most UDP flows at once, over all listeners. */
  readonly maxFlows: number;
  /** How long live connections get to end after SIGTERM, ms. */
  readonly drainTimeout: number;
  /** What the sockets are made with. Read at the start alone. */
  readonly engine: Engine;
  /** How many threads serve on the engine `linux`; `auto`: one for each processor. Read at the start alone. */
  readonly threads: number | "auto";
  /** Where metrics and health are told over HTTP; absent: nowhere. */
  readonly admin?: SocketAddress;
  /** Bounds on how long a DNS answer is kept, ms. */
  readonly dns: { readonly minTtl: number; readonly maxTtl: number };
  /** The public side of the tunnel; absent: there is none. */
  readonly edge?: EdgeConfig;
}

/** Where agents come to, and what they may have. */
export interface EdgeConfig {
  /** In normal form; an endpoint called `blog` is reached as `blog.` and this. */
  readonly domain: string;
  /** Where agents come to besides the listeners; absent: nowhere. */
  readonly port?: number;
  /** As those of a listener: for agents, and for endpoints on ports. */
  readonly addresses: readonly string[];
  /** The listeners of TCP that take visitors and agents. */
  readonly listeners: readonly string[];
  /** For endpoints of tcp and udp; ascending, none touches another. */
  readonly ports: readonly PortRange[];
  /** Files in PEM; absent: a certificate of sluice's own. */
  readonly certificate?: { readonly certificate: string; readonly privateKey: string };
  /** Where that is kept; absent: where the system wants it. */
  readonly stateDir?: string;
  /** Whether agents come without TLS. */
  readonly insecure: boolean;
  /** How long the names of an agent that is gone are kept for it, ms. */
  readonly gracePeriod: number;
  readonly agents: readonly AgentConfig[];
}

/** Who may log in to the edge, and what he may have. */
export interface AgentConfig {
  readonly id: string;
  /** SHA-256 of the secrets that are good, in hexadecimal digits. */
  readonly tokenHashes: readonly string[];
  /** What it may ask for, `*` for any characters. */
  readonly names: readonly string[];
  /** Ports that it may have; absent: those that the edge chooses. */
  readonly ports?: readonly PortRange[];
  /** Most visitors at once; absent: as many as all connections. */
  readonly maxConnections?: number;
  /** Bytes a second of all its visitors, both directions; absent: no limit. */
  readonly maxBandwidth?: number;
  /** Most names and ports at once. */
  readonly maxNames: number;
}

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `auto` is `linux` where that can be, else `portable`. */
export type Engine = "auto" | "portable" | "linux";

/** What listeners of both transports have. */
interface ListenerConfig {
  /** `default` for the one that the top level describes, else the `<name>` of `[listeners.<name>]`. */
  readonly name: string;
  readonly port: number;
  /** IP addresses in canonical form; `0.0.0.0` and `::` are all of a family. */
  readonly addresses: readonly string[];
  readonly acl?: Acl;
}

export interface TcpListenerConfig extends ListenerConfig {
  /** Connections that the kernel completes before they are accepted. */
  readonly backlog: number;
  /** Most connections at once on this listener; absent: `Config.maxConnections` alone. */
  readonly maxConnections?: number;
  /** Most connections at once of one client address on this listener; absent: no limit. */
  readonly maxConnectionsPerIp?: number;
  /** Peers that may, and then must, begin with a PROXY header; absent: no header is expected. */
  readonly trustedProxies?: AddressSet;
  /** How long the first bytes may take until the route is decided, ms. */
  readonly probeTimeout: number;
  /** Most bytes held back until the route is decided. */
  readonly probeMaxBytes: number;
  readonly onProbeTimeout: ProbeTimeoutAnswer;
  /** How long one attempt to connect may take, ms. */
  readonly connectTimeout: number;
  /** Further attempts after the first one failed. */
  readonly connectRetries: number;
  /** How long neither side may send, ms; 0: for ever. */
  readonly idleTimeout: number;
  /** Idle time before the kernel probes a silent peer, ms; 0: never. */
  readonly keepalive: number;
  /** Protocol entries in the order of the file. */
  readonly routes: readonly Route[];
  /** Where a connection goes that no entry's protocol claims; absent: it is closed. */
  readonly defaultRoute?: Route;
}

export interface UdpListenerConfig extends ListenerConfig {
  /** Most flows at once on this listener; absent: `Config.maxFlows` alone. */
  readonly maxFlows?: number;
  /** Most flows at once of one client on this listener, an IPv4 address or an IPv6 /64; absent: no limit. */
  readonly maxFlowsPerIp?: number;
  /** How long the first datagrams may take until the route is decided, ms. */
  readonly probeTimeout: number;
  /** Whether a client is known again when its address has changed, or its flow had expired. */
  readonly followClients: boolean;
  /** How long an expired flow is remembered, ms; 0: not at all, as where nobody is followed. */
  readonly flowMemory: number;
  /** Protocol entries in the order of the file. */
  readonly routes: readonly UdpRoute[];
  /** Where a client goes whom no entry's protocol claims; absent: its datagrams are dropped. */
  readonly defaultRoute?: UdpRoute;
}

/** What becomes of a connection whose first bytes did not decide in time. */
export type ProbeTimeoutAnswer =
  | { readonly kind: "default" }
  | { readonly kind: "close" }
  | { readonly kind: "route"; readonly name: string };

/** Whom the way from a listener to the tunnel's edge is for. */
export type Hop = "visitor" | "agent";

/** A protocol entry, or the default target. */
export interface Route {
  /** The `<name>` of `[protocols.<name>]`, or `default`. */
  readonly name: string;
  readonly match: RouteMatch;
  /**
   * What a protocol's routes do not take is refused; where all of them step aside it goes on as if its protocol had none.
   * No file can say it.
   */
  readonly stepsAside?: true;
  /** Of a route to the tunnel's edge in this process: who comes there. No file can say it. */
  readonly hop?: Hop;
  readonly acl?: Acl;
  /** `tls`: how to read the name that an encrypted ClientHello hides. */
  readonly ech?: EchConfig;
  readonly action: RouteAction;
}

/** A route of datagrams. */
export interface UdpRoute extends Route {
  /** Silence of both sides after which a flow expires, ms; 0: never. */
  readonly idleLifetime: number;
  /** How long a backend may owe its first reply before the flow moves to the next one, ms; 0: for ever. */
  readonly replyTimeout: number;
}

/** Encrypted ClientHello (RFC 9849), as the server in front of the private names. */
export interface EchConfig {
  /** The ECHConfigList that clients find in DNS (§4). */
  readonly configList: Uint8Array;
  /** Raw private keys, each belonging to one of its configurations. */
  readonly privateKeys: readonly Uint8Array[];
  /** Names that may be hidden, and so where such a connection goes; without a port in the file, the listener's. */
  readonly privateServerNames: readonly HostPort[];
}

/** What a connection must be for a route to take it. Empty lists match everything. */
export interface RouteMatch {
  /** A key of the table of probes, `regex` or `any`. */
  readonly protocol: string;
  /** `tls`, `quic`, `dtls`: names in normal form; `*.example.com` is every name below example.com. */
  readonly serverNames: readonly string[];
  /** `tls`, `quic`, `dtls`: one of them must be offered. */
  readonly alpns: readonly string[];
  /** `http`: as `serverNames`. */
  readonly hosts: readonly string[];
  /** `dns`: as `serverNames`, the name that is asked for. */
  readonly dnsNames: readonly string[];
  /** `regex`: one of them must match the first `minLength` bytes, read as Latin-1. */
  readonly patterns: readonly RegExp[];
  readonly minLength: number;
}

export type RouteAction =
  | {
    readonly kind: "forward";
    readonly pool: Pool;
    readonly sendProxy: ProxyVersion | "none";
    /** A further field of the header of version 2, for a backend in this very process; no file can say it. */
    readonly proxyField?: { readonly type: number; readonly value: Uint8Array };
  }
  | { readonly kind: "reject" };

export type ProxyVersion = "v1" | "v2";

/** The set of backends that a route balances over. */
export interface Pool {
  /** Never empty; in the order of the file. */
  readonly targets: readonly Target[];
  readonly algorithm: Algorithm;
}

/** What the file names as a backend; a host name is as many backends as it has addresses. */
export interface Target extends HostPort {
  /** Its share relative to the others of the pool: a whole number from 1. */
  readonly weight: number;
}

/** Names of the balancing algorithms, as in the configuration. */
export type Algorithm =
  | "none"
  | "source_ip"
  | "source_socket"
  | "random"
  | "round_robin"
  | "least_connections"
  | "random_two"
  | "quic_cid";
