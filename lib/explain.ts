/**
 * What would become of a connection, and why, without opening one.
 *
 * It goes the way that connections go (`tcp.ts`), with the same functions: PROXY header, access list, {@linkcode decide},
 * access list of the route, balancer. What it adds is to look at what was passed by on the way.
 *
 * @module
 */
import type { Facts } from "../probes/probe.ts";
import { parseIp } from "./addr.ts";
import type { ProxyVersion, Route, TcpListenerConfig } from "./config/config.ts";
import type { Refused } from "./ech/alert.ts";
import { aclOf, type AclVerdict, aclVerdict } from "./explain/access.ts";
import type { Asked } from "./explain/asked.ts";
import { type BackendOrder, backendOrder } from "./explain/backends.ts";
import { canonical, type Client } from "./explain/client.ts";
import { openHidden } from "./explain/hidden.ts";
import {
  type ProbeVerdict,
  probeVerdicts,
  type RouteVerdict,
  routeVerdicts,
} from "./explain/verdicts.ts";
import { parseProxyHeader, type ProxyHeader } from "./proxy_protocol.ts";
import {
  decide,
  type Decision,
  earlyAcl,
  type HeadState,
  type RouteTable,
  routeTable,
  stepAside,
} from "./routing.ts";

/** An answer that is plain data: `JSON.stringify` loses nothing of it. */
export interface Explanation {
  readonly transport: "tcp";
  readonly listener: string;
  readonly outcome: Outcome;
  /** What the probe timeout brings, when the outcome is to wait. */
  readonly onTimeout?: Outcome;
  /** As sluice takes it: of the PROXY header where one was read. */
  readonly client?: Client;
  readonly proxyHeader?: ProxyHeaderVerdict;
  /** The list that decides on this client; absent when the connection does not get as far. */
  readonly acl?: AclVerdict;
  /** What the probes saw: without a PROXY header, and cut at `probe_max_bytes`. */
  readonly head: { readonly bytes: number; readonly state: "open" | "ended" | "full" };
  /** In the order in which they are asked. */
  readonly probes: readonly ProbeVerdict[];
  /** Of the probe that decided. */
  readonly facts?: Facts;
  /** The routes of the protocol that was detected, in the order in which they are tried. */
  readonly routes: readonly RouteVerdict[];
  /** What the ClientHello hides, where the route that takes it has the keys; it goes by that. */
  readonly hidden?: Pick<Facts, "serverName" | "alpns">;
  /** What becomes of a client that says nothing, and after how long, ms. */
  readonly silence: { readonly after: number; readonly outcome: Outcome };
}

export type Outcome =
  | {
    readonly kind: "forward";
    readonly route: string;
    readonly sendProxy: ProxyVersion | "none";
    readonly backends: BackendOrder;
  }
  /** `bytes` of the head are needed before anything is decided. */
  | { readonly kind: "wait"; readonly bytes: number }
  | {
    readonly kind: "close";
    readonly reason: CloseReason;
    /** The one that closes it. */
    readonly route?: string;
    /** What it is told before. */
    readonly message?: string;
    /** What is wrong with it. */
    readonly detail?: string;
  };

/** As in the access log. */
export type CloseReason =
  | Extract<Decision, { kind: "reject" }>["reason"]
  | "acl_denied"
  | "bad_proxy_header"
  | "bad_client_hello";

export interface ProxyHeaderVerdict {
  /** Whether the listener wants one. */
  readonly expected: boolean;
  /** Whether the peer is one that may send it; absent when the peer is not known. */
  readonly trusted?: boolean;
  /** The one that is there. */
  readonly found?: Omit<ProxyHeader, "tlvs">;
}

/**
 * Says what would become of a connection to `listener`. Limits, and backends that are down, are not known here.
 * @throws {SyntaxError} If the peer's address is none.
 */
export function explain(listener: TcpListenerConfig, { head, ended, peer }: Asked): Explanation {
  const asked = { listener, table: routeTable(listener), ...peer && { peer: canonical(peer) } };
  const way = follow(asked, head, ended ? "ended" : "open");
  const { outcome, client, proxyHeader, acl, decision, hidden } = way;
  const probes = probeVerdicts(asked.table, way.head, way.state, decision !== undefined);
  const decider = asked.table.detectors.find(({ routes }, i) => {
    const { verdict, facts } = probes[i]!;
    return verdict !== "no" && !(facts && stepAside(routes, facts));
  });
  const facts = decision !== undefined && "facts" in decision ? decision.facts : undefined;
  return {
    transport: "tcp",
    listener: listener.name,
    outcome,
    ...outcome.kind === "wait" && { onTimeout: follow(asked, head, "timeout").outcome },
    ...client && { client },
    ...proxyHeader && { proxyHeader },
    ...acl && { acl },
    head: {
      bytes: way.head.length,
      state: ended ? "ended" : way.state === "ended" ? "full" : "open",
    },
    probes,
    ...facts && { facts },
    routes: decider && facts ? routeVerdicts(decider, facts, decidedRoute(decision)) : [],
    ...hidden && { hidden },
    silence: ofSilence(asked),
  };
}

interface Question {
  readonly listener: TcpListenerConfig;
  readonly table: RouteTable;
  readonly peer?: Client;
}

/** How far a connection comes, and what was seen on the way. */
interface Way {
  readonly outcome: Outcome;
  readonly client?: Client;
  readonly proxyHeader?: ProxyHeaderVerdict;
  readonly acl?: AclVerdict;
  /** What the probes see. */
  readonly head: Uint8Array;
  readonly state: HeadState;
  /** Absent when it ends before the probes are asked. */
  readonly decision?: Decision;
  /** What was hidden from all but the route. */
  readonly hidden?: Pick<Facts, "serverName" | "alpns">;
}

/** The way of a connection, as in `tcp.ts`. */
function follow(question: Question, bytes: Uint8Array, given: HeadState): Way {
  const { listener, table } = question;
  const { stop, head: whole, ...start } = passProxyHeader(question, bytes, given);
  const head = whole.subarray(0, listener.probeMaxBytes);
  const state = given === "open" && head.length === listener.probeMaxBytes ? "ended" : given;
  const seen = { ...start, head, state };
  if (stop !== undefined) return { ...seen, outcome: stop };

  const early = earlyAcl(listener) && askAcl(listener, undefined, start.client);
  if (early?.denial !== undefined) return { ...seen, acl: early.acl, outcome: early.denial };

  const decision = decide(table, head, state);
  if (decision.kind !== "forward") {
    return { ...seen, ...early && { acl: early.acl }, decision, outcome: undecided(decision) };
  }
  const { route } = decision;
  const { acl, denial } = early ?? askAcl(listener, route, start.client);
  if (denial !== undefined) return { ...seen, acl, decision, outcome: denial };
  const opened = openHidden(route, head);
  switch (opened?.kind) {
    case undefined:
      return { ...seen, acl, decision, outcome: forwarded(route, listener, start.client) };
    case "refused":
      return { ...seen, acl, decision, outcome: unopened(route, opened) };
    case "private": {
      const { serverName, alpns } = opened.facts;
      const hidden = { ...serverName && { serverName }, ...alpns && { alpns } };
      const outcome = forwarded(opened.route, listener, start.client);
      return { ...seen, acl, decision, hidden, outcome };
    }
    default:
      return opened satisfies never;
  }
}

/** Reads the header where there must be one; what stands behind it is what the probes see. */
function passProxyHeader(
  { listener: { trustedProxies }, peer }: Question,
  head: Uint8Array,
  state: HeadState,
): Pick<Way, "client" | "proxyHeader" | "head"> & { readonly stop?: Outcome } {
  const result = parseProxyHeader(head, state !== "open");
  const header = result.kind === "match" ? result.header : undefined;
  const found = header && { found: withoutTlvs(header) };
  const direct = { head, ...peer && { client: peer } };
  if (trustedProxies === undefined) {
    return { ...direct, ...found && { proxyHeader: { expected: false, ...found } } };
  }
  const ip = peer && parseIp(peer.address);
  const trusted = ip && trustedProxies.has(ip);
  const proxyHeader = { expected: true, ...trusted !== undefined && { trusted }, ...found };
  if (trusted !== false && result.kind === "need") {
    return { ...direct, proxyHeader, stop: { kind: "wait", bytes: result.bytes } };
  }
  if (trusted === false || header === undefined) {
    return { ...direct, proxyHeader, stop: { kind: "close", reason: "bad_proxy_header" } };
  }
  const client = header.source ?? peer;
  return { head: head.subarray(header.length), proxyHeader, ...client && { client } };
}

function withoutTlvs({ tlvs: _, ...header }: ProxyHeader): Omit<ProxyHeader, "tlvs"> {
  return header;
}

/** Asks the list, and says what becomes of a client that it does not let in. */
function askAcl(
  listener: TcpListenerConfig,
  route: Route | undefined,
  client: Client | undefined,
): { readonly acl: AclVerdict; readonly denial?: Outcome } {
  const acl = aclVerdict(listener, route, client);
  if (acl.permits !== false) return { acl };
  const message = aclOf(listener, route)?.message;
  const told = message !== undefined && { message };
  return {
    acl,
    denial: { kind: "close", reason: "acl_denied", ...route && { route: route.name }, ...told },
  };
}

function undecided(decision: Exclude<Decision, { kind: "forward" }>): Outcome {
  return decision.kind === "wait" ? decision : {
    kind: "close",
    reason: decision.reason,
    ...decision.route && { route: decision.route.name },
  };
}

function forwarded(
  { name, action }: Route,
  { connectRetries }: TcpListenerConfig,
  client?: Client,
): Outcome {
  // decide() forwards to no route that rejects.
  if (action.kind === "reject") return { kind: "close", reason: "rejected", route: name };
  const backends = backendOrder(action.pool, 1 + connectRetries, { ...client && { client } });
  return { kind: "forward", route: name, sendProxy: action.sendProxy, backends };
}

/** What becomes of a hello that hides what sluice cannot take. */
function unopened({ name }: Route, { alert, detail }: Refused): Outcome {
  const reason = alert === "unrecognized_name" ? "no_route" : "bad_client_hello";
  return { kind: "close", reason, route: name, detail: `${alert}: ${detail}` };
}

function decidedRoute(decision: Decision | undefined): Route | undefined {
  return decision !== undefined && decision.kind !== "wait" ? decision.route : undefined;
}

function ofSilence(question: Question): Explanation["silence"] {
  const nothing = new Uint8Array();
  const outcome = follow(question, nothing, "open").outcome;
  return outcome.kind !== "wait" ? { after: 0, outcome } : {
    after: question.listener.probeTimeout,
    outcome: follow(question, nothing, "timeout").outcome,
  };
}
