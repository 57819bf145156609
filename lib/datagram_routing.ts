/**
 * Which route takes a client: a pure function of its first datagrams and the configuration. As `routing.ts`, for
 * datagrams; apart from it because the probes of UDP take time to load.
 *
 * @module
 */
import { anyDatagram } from "../probes/any.ts";
import type { DatagramProbe } from "../probes/datagram.ts";
import type { Facts } from "../probes/probe.ts";
import { datagramRegex } from "../probes/regex.ts";
import { udpProbes } from "../probes/udp.ts";
import type { UdpRoute } from "./config/config.ts";
import { type Detector, detectorsFor, mismatch } from "./routing.ts";

/** What {@linkcode decideDatagrams} needs of a listener's configuration. */
export interface DatagramRouteSource {
  readonly routes: readonly UdpRoute[];
  readonly defaultRoute?: UdpRoute;
}

/** A listener's routes, ordered for asking. */
export interface DatagramTable {
  readonly detectors: readonly Detector<DatagramProbe, UdpRoute>[];
  readonly source: DatagramRouteSource;
}

export type DatagramDecision =
  | { readonly kind: "forward"; readonly route: UdpRoute; readonly facts?: Facts }
  /** Ask again with another datagram, or when none will be waited for. */
  | { readonly kind: "wait" }
  | {
    readonly kind: "reject";
    readonly reason: "rejected" | "no_route";
    readonly route?: UdpRoute;
    readonly facts?: Facts;
  };

/** Orders a listener's routes: the table of probes first, then `regex` entries as in the file, then `any`. */
export function datagramTable(source: DatagramRouteSource): DatagramTable {
  const probes = { known: udpProbes, regex: datagramRegex, any: anyDatagram };
  return { detectors: detectorsFor(source.routes, probes), source };
}

/**
 * Decides on the datagrams that are here: the first probe that does not say no is the one that decides, or is waited
 * for.
 * @param datagrams The first ones of a client, in the order in which they came, at least one.
 * @param final Whether no more will be waited for. Then the answer is never `wait`.
 */
export function decideDatagrams(
  { detectors, source }: DatagramTable,
  datagrams: readonly Uint8Array[],
  final: boolean,
): DatagramDecision {
  for (const { probe, routes } of detectors) {
    const result = probe(datagrams, final);
    switch (result.kind) {
      case "no":
        continue;
      case "need":
        return { kind: "wait" };
      case "match": {
        const { facts } = result;
        return take(routes.find((route) => mismatch(route, facts) === undefined), facts);
      }
      default:
        result satisfies never;
    }
  }
  return take(source.defaultRoute);
}

function take(route: UdpRoute | undefined, facts?: Facts): DatagramDecision {
  const known = facts && { facts };
  if (route === undefined) return { kind: "reject", reason: "no_route", ...known };
  return route.action.kind === "reject"
    ? { kind: "reject", reason: "rejected", route, ...known }
    : { kind: "forward", route, ...known };
}
