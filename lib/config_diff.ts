/**
 * What a reload changes, in words.
 *
 * @module
 */
import type {
  Config,
  EdgeConfig,
  Route,
  TcpListenerConfig,
  UdpListenerConfig,
  UdpRoute,
} from "./config/config.ts";
import { type Joined, joined } from "./config/joined.ts";

/** Changes beyond these are counted. */
const MOST_CHANGES = 8;

/** Names of keys in the file, where they are other ones there. */
type Names = Readonly<
  Partial<
    Record<
      keyof Config | keyof TcpListenerConfig | keyof UdpListenerConfig | keyof EdgeConfig,
      string
    >
  >
>;

const NAMES: Names = {
  addresses: "listen addresses",
  backlog: "tcp_backlog (at the next start)",
  defaultRoute: "route default",
  dns: "dns_cache_ttl bounds",
  engine: "engine (at the next start)",
  idleTimeout: "tcp_idle_timeout",
  keepalive: "tcp_keepalive",
  admin: "admin_address",
  maxConnections: "tcp_max_connections",
  maxFlows: "udp_max_connections",
  port: "listen_port",
  threads: "threads (at the next start)",
  trustedProxies: "tcp_trusted_proxies",
};

const UDP_NAMES: Names = {
  ...NAMES,
  defaultRoute: "route default of UDP",
  probeTimeout: "udp_probe_timeout",
};

const EDGE_NAMES: Names = {
  addresses: "listen addresses",
  port: "listen_port",
  ports: "tcp_ports",
};

/** Says what is different in `after`, from listeners down to keys, on one line. */
export function describeChanges(before: Config, after: Config): string {
  const { tcp: oldTcp, udp: oldUdp, edge: oldEdge, ...oldRest } = before;
  const { tcp, udp, edge, ...rest } = after;
  // What holds for both transports is told once.
  const changes = [
    ...new Set([
      ...compare(joined(oldTcp, oldUdp), joined(tcp, udp), "listener", listenerChanges),
      ...reordered("listener", oldTcp, tcp),
      ...reordered("listener", oldUdp, udp),
      ...edgeChanges(oldEdge, edge),
      ...changedKeys(oldRest, rest, NAMES),
    ]),
  ];
  if (changes.length === 0) return "nothing to do differently";
  const more = changes.length - MOST_CHANGES;
  return changes.slice(0, MOST_CHANGES).join(", ") + (more > 0 ? ` and ${more} more changes` : "");
}

interface Named {
  readonly name: string;
}

/** Things with names: which ones came, which went, and what is different in the others. */
function compare<Thing extends Named>(
  before: readonly Thing[],
  after: readonly Thing[],
  noun: string,
  changes: (before: Thing, after: Thing) => readonly string[],
): readonly string[] {
  const was = new Map(before.map((each) => [each.name, each]));
  const is = new Set(after.map(({ name }) => name));
  return [
    ...before.filter(({ name }) => !is.has(name)).map(({ name }) => `${noun} ${name} removed`),
    ...after.flatMap((each) => {
      const old = was.get(each.name);
      return old === undefined ? [`${noun} ${each.name} added`] : changes(old, each);
    }),
  ];
}

function edgeChanges(
  before: EdgeConfig | undefined,
  after: EdgeConfig | undefined,
): readonly string[] {
  if (before === undefined || after === undefined) {
    return before === after ? [] : [`edge ${after === undefined ? "removed" : "added"}`];
  }
  const { agents: oldAgents, ...oldKeys } = before;
  const { agents, ...keys } = after;
  const named = (all: EdgeConfig["agents"]) => all.map((agent) => ({ name: agent.id, agent }));
  const changes = [
    ...compare(
      named(oldAgents),
      named(agents),
      "agent",
      (a, b) => same(a.agent, b.agent) ? [] : [`agent ${b.name} changed`],
    ),
    ...changedKeys(oldKeys, keys, EDGE_NAMES),
  ];
  return changes.map((change) => `edge: ${change}`);
}

/** Whether those that stayed are in another order. */
function reordered(
  noun: string,
  before: readonly Named[] = [],
  after: readonly Named[] = [],
): readonly string[] {
  const kept = (all: readonly Named[], others: readonly Named[]) => {
    const stayed = new Set(others.map(({ name }) => name));
    return all.map(({ name }) => name).filter((name) => stayed.has(name));
  };
  return same(kept(before, after), kept(after, before)) ? [] : [`order of ${noun}s changed`];
}

type AnyListener = Joined<TcpListenerConfig, UdpListenerConfig>;

function listenerChanges(before: AnyListener, after: AnyListener): readonly string[] {
  const changes = [
    ...halfChange(before.tcp, after.tcp, "TCP"),
    ...halfChange(before.udp, after.udp, "UDP"),
    ...compare(routesOf(before), routesOf(after), "route", routeChanges),
    ...reordered("route", before.tcp?.routes, after.tcp?.routes),
    ...reordered("route", before.udp?.routes, after.udp?.routes),
    ...listenerKeys(before.tcp, after.tcp, NAMES),
    ...listenerKeys(before.udp, after.udp, UDP_NAMES),
  ];
  return changes.map((change) => `${after.name}: ${change}`);
}

function halfChange(before: object | undefined, after: object | undefined, half: string) {
  if ((before === undefined) === (after === undefined)) return [];
  return [`${half} ${after === undefined ? "removed" : "added"}`];
}

function routesOf({ tcp, udp }: AnyListener): readonly Joined<Route, UdpRoute>[] {
  return joined(tcp?.routes ?? [], udp?.routes ?? []);
}

function routeChanges(
  before: Joined<Route, UdpRoute>,
  after: Joined<Route, UdpRoute>,
): readonly string[] {
  return same(before, after) ? [] : [`route ${after.name} changed`];
}

/** Changes of a listener's keys, where it was there before. */
function listenerKeys<Listener extends { readonly routes: unknown }>(
  before: Listener | undefined,
  after: Listener | undefined,
  names: Names,
): readonly string[] {
  if (before === undefined || after === undefined) return [];
  const { routes: _, ...oldKeys } = before;
  const { routes: __, ...keys } = after;
  return changedKeys(oldKeys, keys, names);
}

function changedKeys(before: object, after: object, names: Names): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  const inFile = new Map<string, string>(Object.entries(names));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => !same(old.get(key), now.get(key)))
    .map((key) => `${inFile.get(key) ?? snakeCase(key)} changed`);
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function same(a: unknown, b: unknown): boolean {
  return fingerprint(a) === fingerprint(b);
}

/** A value as text; equal values have equal texts, since a configuration is made with its keys in one order. */
function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => part instanceof RegExp ? String(part) : part);
}
