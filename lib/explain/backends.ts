/**
 * In which order the backends of a pool would be tried, as far as that can be said without connecting or resolving.
 *
 * @module
 */
import { formatHostPort, parseIp, type SocketAddress } from "../addr.ts";
import { Backend, balancers, type Candidate } from "../balancing/mod.ts";
import type { Algorithm, Pool, Target } from "../config/config.ts";

/** A client's address, and its port where that is known. */
export interface Client {
  /** An IP address. */
  readonly address: string;
  readonly port?: number;
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
  /** The addresses behind host names. */
  | "names";

/**
 * Orders the targets of `pool` for `client`.
 * @param retries Further attempts after the first one failed.
 */
export function backendOrder(pool: Pool, retries: number, client?: Client): BackendOrder {
  const known = knownOrder(pool, client);
  const targets = known === "order" && pool.algorithm !== "none" && client !== undefined
    ? ordered(pool, { port: 0, ...client })
    : pool.targets;
  return {
    algorithm: pool.algorithm,
    targets: targets.map((target) => ({ target: formatHostPort(target), weight: target.weight })),
    attempts: 1 + retries,
    known,
  };
}

function knownOrder({ algorithm, targets }: Pool, client?: Client): KnownOrder {
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
      return client === undefined || algorithm === "source_socket" && client.port === undefined
        ? "client"
        : "order";
    default:
      return algorithm satisfies never;
  }
}

/** What the balancer chooses, then what it chooses of the rest, and so on. */
function ordered({ algorithm, targets }: Pool, client: SocketAddress): readonly Target[] {
  const balance = balancers[algorithm](() => 0);
  const byCandidate = new Map<Candidate, Target>(
    targets.map((target) => [
      { backend: new Backend(target.host, target.port), weight: target.weight },
      target,
    ]),
  );
  const order: Target[] = [];
  while (byCandidate.size > 0) {
    const choice = balance([...byCandidate.keys()], client);
    order.push(...[byCandidate.get(choice)].filter((target) => target !== undefined));
    byCandidate.delete(choice);
  }
  return order;
}
