/**
 * Datagrams that went nowhere: counted by reason, and summed up in the log, because a line for each would let anybody
 * fill it.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import type { Log } from "./log.ts";
import type { Timeouts } from "./timeouts.ts";

/** Why a datagram was dropped: a closed list, as the end reasons of connections. */
export type DropReason =
  | "acl_denied"
  /** An entry with `action = "reject"`. */
  | "rejected"
  /** Its protocol has entries and none matches, or there is no default target. */
  | "no_route"
  | "limit_total"
  | "limit_listener"
  | "limit_client"
  /**
   * There is none: its name cannot be resolved, or several flows have just been refused by all of them. Where none can
   * be reached otherwise, it is the flow that ends.
   */
  | "no_backend"
  /** Too much waits to be sent there. */
  | "queue_full"
  /** The system did not send it: it is too long for the way. */
  | "not_sent"
  /** Its client sent more than may wait until it is decided where it goes. */
  | "waiting_full"
  /** It began something new while sluice was ending, or waited at a port that a reload closed. */
  | "draining"
  /** A fault of sluice itself; the log has it. */
  | "internal_error";

/** How long drops are summed up for one line, ms. */
const SUMMARY_AFTER = 10_000;

/** Counts drops. */
export class Drops {
  readonly #log: Pick<Log, "info">;
  readonly #timeouts: Timeouts;
  readonly #counts = new Map<DropReason, number>();
  /** Since the last line. */
  readonly #recent = new Map<DropReason, Recent>();

  constructor(log: Pick<Log, "info">, timeouts: Timeouts) {
    this.#log = log;
    this.#timeouts = timeouts;
  }

  /** Datagrams since the start, by reason. */
  get counts(): ReadonlyMap<DropReason, number> {
    return this.#counts;
  }

  /** @param count Datagrams of `client` that are dropped together. */
  add(reason: DropReason, client: SocketAddress, count = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
    if (this.#recent.size === 0) this.#timeouts.start(SUMMARY_AFTER, this.#summarise);
    const recent = this.#recent.get(reason);
    if (recent === undefined) this.#recent.set(reason, { count, first: client });
    else recent.count += count;
  }

  readonly #summarise = (): void => {
    const parts = Array.from(
      this.#recent,
      ([reason, { count, first }]) => `${count} ${reason} (${formatAddress(first)} first)`,
    );
    this.#recent.clear();
    this.#log.info(`datagrams dropped in ${SUMMARY_AFTER / 1000} s: ${parts.join(", ")}`);
  };
}

interface Recent {
  count: number;
  readonly first: SocketAddress;
}
