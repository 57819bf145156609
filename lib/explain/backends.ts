/**
 * In which order the backends of a pool would be tried, as far as that can be said without connecting or resolving.
 *
 * @module
 */
import { formatHostPort, parseIp } from "../addr.ts";
import { Backend, balancers, type Candidate } from "../balancing/mod.ts";
import type { Algorithm, Pool, Target } from "../config/config.ts";
import type { Client } from "./client.ts";

/** What a backend is chosen by, as far as it is known. */
export interface ChosenBy {
  readonly client?: Client;
  /** Of a QUIC client: by which it first addresses its server; absent while it is not known. */
  readonly quic?: { readonly cid?: string };
}

export interface BackendOrder {
  readonly algorithm: Algorithm;
  /** In the order in which they are tried when {@linkcode known} is `order`, else in that of the file. */
  readonly targets: readonly { readonly target: string; readonly weight: number }[];
  /** How many of them are tried at most. */
  readonly attempts: number;
  readonly known: KnownOrder;
}

/** The order itself, or what it depends on. */
export type KnownOrder =
  | "order"
  /** The connections before. */
  | "turn"
  /** Chance. */
  | "chance"
  /** The connections that are open. */
  | "load"
  /** The client's address, or its port, which is not known. */
  | "client"
  /** The connection ID that a QUIC client makes up, which is not known. */
  | "connection_id"
  /** The addresses behind host names. */
  | "names";

/**
 * Orders the targets of `pool`.
 * @param attempts How many of them are tried at most.
 */
export function backendOrder(pool: Pool, attempts: number, by: ChosenBy): BackendOrder {
  const known = knownOrder(pool, by);
  const targets = known === "order" && pool.algorithm !== "none" ? ordered(pool, by) : pool.targets;
  return {
    algorithm: pool.algorithm,
    targets: targets.map((target) => ({ target: formatHostPort(target), weight: target.weight })),
    attempts,
    known,
  };
}

function knownOrder({ algorithm, targets }: Pool, by: ChosenBy): KnownOrder {
  if (targets.length === 1) return "order";
  switch (algorithm) {
    case "none":
      return "order";
    case "round_robin":
      return "turn";
    case "random":
      return "chance";
    case "least_connections":
    case "random_two":
      return "load";
    case "source_ip":
    case "source_socket":
    case "quic_cid":
      if (targets.some(({ host }) => parseIp(host) === undefined)) return "names";
      return unknown(algorithm, by) ?? "order";
    default:
      return algorithm satisfies never;
  }
}

/** What is not known of what a hashing algorithm looks at. */
function unknown(algorithm: Algorithm, { client, quic }: ChosenBy): KnownOrder | undefined {
  if (algorithm === "quic_cid" && quic !== undefined) {
    return quic.cid === undefined ? "connection_id" : undefined;
  }
  const isKnown = algorithm === "source_socket" ? client?.port !== undefined : client !== undefined;
  return isKnown ? undefined : "client";
}

/** What the balancer chooses, then what it chooses of the rest, and so on. */
function ordered({ algorithm, targets }: Pool, { client, quic }: ChosenBy): readonly Target[] {
  const balance = balancers[algorithm](() => 0);
  const byCandidate = new Map<Candidate, Target>(
    targets.map((target) => [
      { backend: new Backend(target.host, target.port), weight: target.weight },
      target,
    ]),
  );
  // What is not known is not looked at.
  const whom = { address: "", port: 0, ...client, ...quic?.cid && { quicCid: quic.cid } };
  const order: Target[] = [];
  while (byCandidate.size > 0) {
    const choice = balance([...byCandidate.keys()], whom);
    order.push(...[byCandidate.get(choice)].filter((target) => target !== undefined));
    byCandidate.delete(choice);
  }
  return order;
}
