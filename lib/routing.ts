/**
 * Which route takes a connection: a pure function of its first bytes and the configuration.
 *
 * @module
 */
import { any } from "../probes/any.ts";
import type { Facts, Probe } from "../probes/probe.ts";
import { regex } from "../probes/regex.ts";
import { namedTcpProbes, tcpProbes } from "../probes/tcp.ts";
import type { Acl } from "./acl.ts";
import type { ProbeTimeoutAnswer, Route } from "./config/config.ts";

/** What {@linkcode decide} needs of a listener's configuration. */
export interface RouteSource {
  readonly routes: readonly Route[];
  readonly defaultRoute?: Route;
  readonly onProbeTimeout: ProbeTimeoutAnswer;
}

/** A listener's routes, ordered for asking. */
export interface RouteTable {
  readonly detectors: readonly Detector[];
  readonly source: RouteSource;
  /** What is decided before any byte is here: the same for every connection. */
  readonly atFirst: Decision;
}

/** A probe and the routes that its match can lead to, first match wins. */
export interface Detector<AnyProbe = Probe, AnyRoute extends Route = Route> {
  readonly protocol: string;
  readonly probe: AnyProbe;
  readonly routes: readonly AnyRoute[];
}

/** Whether more bytes may come, the stream has ended (or the head is full), or time is up. */
export type HeadState = "open" | "ended" | "timeout";

export type Decision =
  | { readonly kind: "forward"; readonly route: Route; readonly facts?: Facts }
  /** Ask again once the head has this many bytes, or when it is no longer open. */
  | { readonly kind: "wait"; readonly bytes: number }
  | {
    readonly kind: "reject";
    readonly reason: "rejected" | "no_route" | "probe_timeout";
    readonly route?: Route;
    readonly facts?: Facts;
  };

/** Orders a listener's routes: the table of probes first, then `regex` entries as in the file, then `any`. */
export function routeTable(source: RouteSource): RouteTable {
  const probes = { known: tcpProbes, named: namedTcpProbes, regex, any };
  const detectors = detectorsFor(source.routes, probes);
  return { detectors, source, atFirst: decide({ detectors, source }, new Uint8Array(0), "open") };
}

/** The probes of a transport. */
export interface ProbeSet<AnyProbe> {
  /** In the order in which they are asked. */
  readonly known: Readonly<Record<string, AnyProbe>>;
  /** In place of those where some route has `hosts`: they may have to wait for a name. */
  readonly named?: Readonly<Record<string, AnyProbe>>;
  readonly regex: (patterns: readonly RegExp[], minLength: number) => AnyProbe;
  readonly any: AnyProbe;
}

/** The probes that some route asks for, in the order in which they are asked, each with its routes in theirs. */
export function detectorsFor<AnyProbe, AnyRoute extends Route>(
  all: readonly AnyRoute[],
  probes: ProbeSet<AnyProbe>,
): readonly Detector<AnyProbe, AnyRoute>[] {
  const of = (protocol: string) => all.filter(({ match }) => match.protocol === protocol);
  const detectors: Detector<AnyProbe, AnyRoute>[] = [];
  for (const [protocol, probe] of Object.entries(probes.known)) {
    const routes = of(protocol).sort((a, b) => rank(a) - rank(b));
    const named = routes.some(({ match }) => match.hosts.length > 0) && probes.named?.[protocol];
    if (routes.length > 0) detectors.push({ protocol, probe: named || probe, routes });
  }
  for (const route of of("regex")) {
    const { patterns, minLength } = route.match;
    const probe = probes.regex(patterns, minLength);
    detectors.push({ protocol: "regex", probe, routes: [route] });
  }
  const rest = of("any");
  if (rest.length > 0) detectors.push({ protocol: "any", probe: probes.any, routes: rest });
  return detectors;
}

/** Name and ALPN, then name only, then ALPN only, then neither; within a class the order of the file. */
function rank({ match }: Route): number {
  const named = match.serverNames.length + match.hosts.length + match.dnsNames.length > 0;
  return (named ? 0 : 2) + (match.alpns.length > 0 ? 0 : 1);
}

/**
 * Decides on the bytes that are here. The answer for a stream does not depend on how it was cut: the first
 * probe that does not say no is the one that decides, or is waited for.
 */
export function decide(
  table: Pick<RouteTable, "detectors" | "source">,
  head: Uint8Array,
  state: HeadState,
): Decision {
  for (const { protocol, probe, routes } of table.detectors) {
    const result = probe(head, state !== "open");
    switch (result.kind) {
      case "no":
        continue;
      case "need":
        return { kind: "wait", bytes: result.bytes };
      case "match": {
        if (stepAside(routes, result.facts)) continue;
        // Only silence and noise get as far as `any`: at the timeout the operator's answer goes before it.
        if (protocol === "any" && state === "timeout") {
          return onTimeout(table.source) ?? take(routes[0], result.facts);
        }
        return take(
          routes.find((route) => mismatch(route, result.facts) === undefined),
          result.facts,
        );
      }
      default:
        result satisfies never;
    }
  }
  const { source } = table;
  if (state !== "timeout") return take(source.defaultRoute);
  return onTimeout(source) ??
    (source.defaultRoute ? take(source.defaultRoute) : { kind: "reject", reason: "probe_timeout" });
}

/** Whether routes that step aside are all that a protocol has, and none of them takes the connection. */
export function stepAside(routes: readonly Route[], facts: Facts): boolean {
  return routes.every((route) => route.stepsAside && mismatch(route, facts) !== undefined);
}

function take(route: Route | undefined, facts?: Facts): Decision {
  if (route?.action.kind === "forward") {
    return facts === undefined ? { kind: "forward", route } : { kind: "forward", route, facts };
  }
  const known = facts && { facts };
  return route === undefined
    ? { kind: "reject", reason: "no_route", ...known }
    : { kind: "reject", reason: "rejected", route, ...known };
}

/** The operator's answer to a timeout, unless it is to go on as if the client had said all. */
function onTimeout({ onProbeTimeout, routes }: RouteSource): Decision | undefined {
  switch (onProbeTimeout.kind) {
    case "default":
      return undefined;
    case "close":
      return { kind: "reject", reason: "probe_timeout" };
    case "route":
      return take(routes.find(({ name }) => name === onProbeTimeout.name));
    default:
      return onProbeTimeout satisfies never;
  }
}

/** The list that can be asked before the route is known: the listener's, unless some route has its own. */
export function earlyAcl(
  { acl, routes, defaultRoute }: {
    readonly acl?: Acl;
    readonly routes: readonly Route[];
    readonly defaultRoute?: Route;
  },
): Acl | undefined {
  const all = defaultRoute === undefined ? routes : [...routes, defaultRoute];
  return all.some((route) => route.acl !== undefined) ? undefined : acl;
}

/** Why a route of the right protocol does not take these facts; `undefined` if it does. */
export function mismatch(
  { match }: Route,
  { serverName, alpns, host, dnsName }: Facts,
): "server_name" | "alpn" | "host" | "dns_name" | undefined {
  if (!named(match.serverNames, serverName)) return "server_name";
  if (!named(match.hosts, host)) return "host";
  if (!named(match.dnsNames, dnsName)) return "dns_name";
  if (match.alpns.length > 0 && !match.alpns.some((alpn) => alpns?.includes(alpn))) return "alpn";
  return undefined;
}

function named(patterns: readonly string[], name: string | undefined): boolean {
  return patterns.length === 0 ||
    name !== undefined && patterns.some((pattern) => nameMatches(pattern, name));
}

/** Whether `pattern`, a name or `*.` and a name, covers `name`; a wildcard covers any depth below, not the name itself. */
export function nameMatches(pattern: string, name: string): boolean {
  return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern;
}
