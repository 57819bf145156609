/**
 * What a reload changes, in words.
 *
 * @module
 */
import type { Config, Route, TcpListenerConfig } from "./config/config.ts";

/** Changes beyond these are counted. */
const MOST_CHANGES = 8;

/** What the file calls the keys that have other names in it. */
const NAMES: Readonly<Partial<Record<keyof Config | keyof TcpListenerConfig, string>>> = {
  addresses: "listen addresses",
  backlog: "tcp_backlog (at the next start)",
  defaultRoute: "route default",
  dns: "dns_cache_ttl bounds",
  idleTimeout: "tcp_idle_timeout",
  keepalive: "tcp_keepalive",
  maxConnections: "tcp_max_connections",
  port: "listen_port",
  trustedProxies: "tcp_trusted_proxies",
};

/** Says what is different in `after`, from listeners down to keys, on one line. */
export function describeChanges(before: Config, after: Config): string {
  const { tcp: old, ...oldRest } = before;
  const { tcp: listeners, ...rest } = after;
  const changes = [
    ...compare(old, listeners, "listener", listenerChanges),
    ...changedKeys(oldRest, rest),
  ];
  if (changes.length === 0) return "nothing to do differently";
  const more = changes.length - MOST_CHANGES;
  return changes.slice(0, MOST_CHANGES).join(", ") + (more > 0 ? ` and ${more} more changes` : "");
}

/** Things with names: which ones came, which went, and what is different in the others. */
function compare<Named extends { readonly name: string }>(
  before: readonly Named[],
  after: readonly Named[],
  noun: string,
  changes: (before: Named, after: Named) => readonly string[],
): readonly string[] {
  const was = new Map(before.map((each) => [each.name, each]));
  const is = new Map(after.map((each) => [each.name, each]));
  const kept = (names: readonly Named[]) =>
    names.map(({ name }) => name).filter((name) => was.has(name) && is.has(name));
  return [
    ...before.filter(({ name }) => !is.has(name)).map(({ name }) => `${noun} ${name} removed`),
    ...after.flatMap((each) => {
      const old = was.get(each.name);
      return old === undefined ? [`${noun} ${each.name} added`] : changes(old, each);
    }),
    ...same(kept(before), kept(after)) ? [] : [`order of ${noun}s changed`],
  ];
}

function listenerChanges(before: TcpListenerConfig, after: TcpListenerConfig): readonly string[] {
  const { routes: oldRoutes, ...oldKeys } = before;
  const { routes, ...keys } = after;
  const changes = [
    ...compare(oldRoutes, routes, "route", routeChanges),
    ...changedKeys(oldKeys, keys),
  ];
  return changes.map((change) => `${after.name}: ${change}`);
}

function routeChanges(before: Route, after: Route): readonly string[] {
  return same(before, after) ? [] : [`route ${after.name} changed`];
}

function changedKeys(before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  const names = new Map<string, string>(Object.entries(NAMES));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => !same(old.get(key), now.get(key)))
    .map((key) => `${names.get(key) ?? snakeCase(key)} changed`);
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
