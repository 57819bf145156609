/**
 * What each probe says of a head, and why each route does or does not take it.
 *
 * @module
 */
import type { Facts, Probe } from "../../probes/probe.ts";
import type { Route } from "../config/config.ts";
import { type Detector, type HeadState, mismatch, type RouteTable, stepAside } from "../routing.ts";

/** What a probe of either transport says. */
export interface Verdict {
  readonly protocol: string;
  /** The names of the routes that it leads to. */
  readonly routes: readonly string[];
  /** Whether its answer counted. The others come after the one that decided, and are asked for information alone. */
  readonly asked: boolean;
  readonly verdict: "match" | "no" | "need";
  /** It is sure only because no more is waited for. */
  readonly byEnd?: true;
  /** What it learned, on a match. */
  readonly facts?: Facts;
}

/** What a probe says of the head of a connection. */
export interface ProbeVerdict extends Verdict {
  /** How many bytes it took to be sure; with `need`, how many it wants to have. */
  readonly bytes: number;
}

/** What a route and a client of its protocol may differ in. */
export type Mismatch = NonNullable<ReturnType<typeof mismatch>>;

/** Why a route of the protocol that was detected takes the connection or not. */
export type RouteVerdict =
  | { readonly route: string; readonly verdict: "wins" }
  /** It would take it too, had not another one before it. */
  | { readonly route: string; readonly verdict: "later" }
  | {
    readonly route: string;
    readonly verdict: "mismatch";
    readonly on: Mismatch;
    readonly wanted: readonly string[];
    /** Empty when the client said nothing of the kind. */
    readonly got: readonly string[];
  };

/**
 * Asks every probe of the table.
 * @param reached Whether the connection comes as far as the probes.
 */
export function probeVerdicts(
  table: RouteTable,
  head: Uint8Array,
  state: HeadState,
  reached: boolean,
): readonly ProbeVerdict[] {
  let asked = reached;
  return table.detectors.map(({ protocol, probe, routes }) => {
    const result = probe(head, state !== "open");
    const sureAt = bytesToBeSure(probe, head);
    const verdict: ProbeVerdict = {
      protocol,
      routes: routes.map(({ name }) => name),
      asked,
      verdict: result.kind,
      bytes: result.kind === "need" ? result.bytes : sureAt ?? head.length,
      ...result.kind !== "need" && sureAt === undefined && { byEnd: true },
      ...result.kind === "match" && { facts: result.facts },
    };
    asked &&= result.kind === "no" || result.kind === "match" && stepAside(routes, result.facts);
    return verdict;
  });
}

/** The fewest bytes of the open head that get an answer, found by halving: match and no never change as bytes arrive. */
function bytesToBeSure(probe: Probe, head: Uint8Array): number | undefined {
  const isSure = (count: number) => probe(head.subarray(0, count), false).kind !== "need";
  if (!isSure(head.length)) return undefined;
  let [low, high] = [0, head.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isSure(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Compares the routes of the detector that matched with what it learned. */
export function routeVerdicts(
  { routes }: Pick<Detector, "routes">,
  facts: Facts,
  winner: Route | undefined,
): readonly RouteVerdict[] {
  return routes.map((route): RouteVerdict => {
    if (route === winner) return { route: route.name, verdict: "wins" };
    const on = mismatch(route, facts);
    if (on === undefined) return { route: route.name, verdict: "later" };
    return { route: route.name, verdict: "mismatch", on, ...compared(on, route, facts) };
  });
}

function compared(
  on: Mismatch,
  { match }: Route,
  { serverName, host, dnsName, alpns = [] }: Facts,
): { readonly wanted: readonly string[]; readonly got: readonly string[] } {
  switch (on) {
    case "server_name":
      return { wanted: match.serverNames, got: serverName === undefined ? [] : [serverName] };
    case "host":
      return { wanted: match.hosts, got: host === undefined ? [] : [host] };
    case "dns_name":
      return { wanted: match.dnsNames, got: dnsName === undefined ? [] : [dnsName] };
    case "alpn":
      return { wanted: match.alpns, got: alpns };
    default:
      return on satisfies never;
  }
}
