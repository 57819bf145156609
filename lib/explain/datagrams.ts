/**
 * What would become of a client's datagrams, and why, without sending one: `explain.ts` for UDP.
 *
 * It goes the way that datagrams go (`admission.ts`), with the same functions: access list, {@linkcode decideDatagrams},
 * access list of the route, balancer.
 *
 * @module
 */
import type { Facts } from "../../probes/probe.ts";
import type { UdpListenerConfig, UdpRoute } from "../config/config.ts";
import {
  type DatagramDecision,
  type DatagramTable,
  datagramTable,
  decideDatagrams,
} from "../datagram_routing.ts";
import { earlyAcl } from "../routing.ts";
import { type AclVerdict, aclVerdict } from "./access.ts";
import type { AskedDatagrams } from "./asked_datagrams.ts";
import { type BackendOrder, backendOrder } from "./backends.ts";
import { canonical, type Client } from "./client.ts";
import { type Continuation, continuationOf } from "./continuation.ts";
import { type DatagramVerdict, datagramVerdicts } from "./datagram_verdicts.ts";
import { type RouteVerdict, routeVerdicts } from "./verdicts.ts";

/** An answer that is plain data: `JSON.stringify` loses nothing of it. */
export interface DatagramExplanation {
  readonly transport: "udp";
  readonly listener: string;
  readonly outcome: DatagramOutcome;
  /** What the probe timeout brings, and after how long, ms, when the outcome is to wait. */
  readonly onTimeout?: { readonly after: number; readonly outcome: DatagramOutcome };
  readonly client?: Client;
  /** The list that decides on this client. */
  readonly acl?: AclVerdict;
  /** What the probes saw; those that came after the decision go the same way. */
  readonly datagrams: {
    /** How many bytes each has. */
    readonly lengths: readonly number[];
    /** `full`: as many as can wait, so it is decided with them. */
    readonly state: "open" | "full";
  };
  /** In the order in which they are asked. */
  readonly probes: readonly DatagramVerdict[];
  /** Of the probe that decided. */
  readonly facts?: Facts;
  /** The routes of the protocol that was detected, in the order in which they are tried. */
  readonly routes: readonly RouteVerdict[];
  /** The session that the first datagram may go on with; where it is known, it goes there instead. */
  readonly continues?: Continuation;
  /** How this listener knows clients again; absent: it does not. */
  readonly followed?: {
    /** How long after the end of a flow, ms; 0: not at all. */
    readonly memory: number;
  };
}

export type DatagramOutcome =
  | {
    readonly kind: "forward";
    readonly route: string;
    readonly backends: BackendOrder;
    /** Silence of both sides after which the flow ends, ms; 0: it never does. */
    readonly idleLifetime: number;
    /** How long a backend may owe its first reply, ms; 0: for ever. */
    readonly replyTimeout: number;
  }
  /** Another datagram is needed before anything is decided. */
  | { readonly kind: "wait" }
  | {
    readonly kind: "drop";
    readonly reason: DropReason;
    /** The one that drops it. */
    readonly route?: string;
  };

/** As they are counted. */
export type DropReason = Extract<DatagramDecision, { kind: "reject" }>["reason"] | "acl_denied";

/** What may wait of one client socket, as in `waiting.ts`. */
const MOST_WAITING = { datagrams: 8, bytes: 16 * 1024 };

/**
 * Says what would become of a client of `listener` that has no flow. Limits, and backends that are down, are not known
 * here.
 * @throws {SyntaxError} If the peer's address is none.
 * @throws {RangeError} If no datagram is asked about.
 */
export function explainDatagrams(
  listener: UdpListenerConfig,
  asked: AskedDatagrams,
): DatagramExplanation {
  const table = datagramTable(listener);
  const { datagrams, isFull } = undecided(table, asked.datagrams);
  const client = asked.peer && canonical(asked.peer);
  const question = {
    listener,
    table,
    datagrams,
    isMadeUp: asked.isMadeUp,
    ...client && { client },
  };
  const { outcome, acl, decision } = follow(question, isFull);
  const probes = datagramVerdicts(table, datagrams, isFull, decision !== undefined);
  const decider = table.detectors[probes.findIndex(({ verdict }) => verdict !== "no")];
  const facts = decision && "facts" in decision ? decision.facts : undefined;
  const route = decision && "route" in decision ? decision.route : undefined;
  const continues = decision && decision.kind !== "wait"
    ? continuationOf(datagrams[0]!, facts)
    : undefined;
  return {
    transport: "udp",
    listener: listener.name,
    outcome,
    ...outcome.kind === "wait" && {
      onTimeout: { after: listener.probeTimeout, outcome: follow(question, true).outcome },
    },
    ...client && { client },
    ...acl && { acl },
    datagrams: {
      lengths: datagrams.map(({ length }) => length),
      state: isFull ? "full" : "open",
    },
    probes,
    ...facts && { facts },
    routes: decider && facts ? routeVerdicts(decider, facts, route) : [],
    ...continues && { continues },
    ...listener.followClients && { followed: { memory: listener.flowMemory } },
  };
}

/** The datagrams that a decision is made on: up to the one that brings it, or that finds no room to wait. */
function undecided(
  table: DatagramTable,
  all: readonly Uint8Array[],
): { readonly datagrams: readonly Uint8Array[]; readonly isFull: boolean } {
  if (all.length === 0) throw new RangeError("a client that sends nothing is not there");
  let bytes = 0;
  for (let count = 1; count <= all.length; count++) {
    const datagrams = all.slice(0, count);
    if (decideDatagrams(table, datagrams, false).kind !== "wait") {
      return { datagrams, isFull: false };
    }
    bytes += datagrams.at(-1)!.length;
    if (count > MOST_WAITING.datagrams || bytes > MOST_WAITING.bytes) {
      return { datagrams, isFull: true };
    }
  }
  return { datagrams: all, isFull: false };
}

interface Question {
  readonly listener: UdpListenerConfig;
  readonly table: DatagramTable;
  readonly datagrams: readonly Uint8Array[];
  readonly isMadeUp: boolean;
  readonly client?: Client;
}

/** How far a client comes. */
interface Way {
  readonly outcome: DatagramOutcome;
  readonly acl?: AclVerdict;
  /** Absent when it ends before the probes are asked. */
  readonly decision?: DatagramDecision;
}

/** The way of a client, as in `admission.ts`. */
function follow(question: Question, final: boolean): Way {
  const { listener, table, datagrams, client } = question;
  const early = earlyAcl(listener) && aclVerdict(listener, undefined, client);
  if (early?.permits === false) {
    return { acl: early, outcome: { kind: "drop", reason: "acl_denied" } };
  }
  const decision = decideDatagrams(table, datagrams, final);
  switch (decision.kind) {
    case "wait":
      return { ...early && { acl: early }, decision, outcome: decision };
    case "reject": {
      const { reason, route } = decision;
      const outcome = { kind: "drop", reason, ...route && { route: route.name } } as const;
      return { ...early && { acl: early }, decision, outcome };
    }
    case "forward": {
      const { route, facts } = decision;
      const acl = early ?? aclVerdict(listener, route, client);
      const outcome = acl.permits === false
        ? { kind: "drop", reason: "acl_denied", route: route.name } as const
        : forwarded(route, facts, question);
      return { acl, decision, outcome };
    }
    default:
      return decision satisfies never;
  }
}

function forwarded(
  { name, action, idleLifetime, replyTimeout }: UdpRoute,
  facts: Facts | undefined,
  { client, isMadeUp }: Question,
): DatagramOutcome {
  // decideDatagrams() forwards to no route that rejects.
  if (action.kind === "reject") return { kind: "drop", reason: "rejected", route: name };
  const cid = facts?.quicCid;
  const quic = cid !== undefined && { quic: isMadeUp ? {} : { cid } };
  const backends = backendOrder(action.pool, action.pool.targets.length, {
    ...client && { client },
    ...quic,
  });
  return { kind: "forward", route: name, backends, idleLifetime, replyTimeout };
}
