/**
 * Visitors: each on a data channel, and carried to the service of its endpoint.
 *
 * @module
 */
import { formatHostPort, parseHostPort, type SocketAddress } from "../../addr.ts";
import { encodeProxyHeader } from "../../proxy_protocol.ts";
import {
  type ByteCounts,
  type Clock,
  type Conn,
  NetError,
  type UpstreamSocket,
} from "../../runtime/runtime.ts";
import type { Timeouts } from "../../timeouts.ts";
import type { Channel } from "../channel.ts";
import { DatagramRelay } from "../datagrams.ts";
import { decline } from "../decline.ts";
import type { MessageOf } from "../messages.ts";
import { relay } from "../relay.ts";
import type { Tap } from "../tap.ts";
import type { VisitEnd } from "../visit_end.ts";
import type { Exposed, Exposure } from "./exposure.ts";
import type { Journal } from "./journal.ts";
import { addressesOf, connectToService, type ServiceParts } from "./service.ts";

/** Silence after which the kernel asks whether the other side is still there, ms. */
const KEEPALIVE = 60_000;
/** Silence that ends a visit over UDP, ms: the edge ends it earlier, if it is there. */
const DATAGRAM_IDLE_TIMEOUT = 120_000;

const NOTHING = new Uint8Array(0);

export interface VisitParts extends ServiceParts {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly exposure: Exposure;
  readonly journal: Journal;
  /** What looks into a visit to an endpoint of http. */
  readonly tapOf: (exposed: Exposed, visitor: SocketAddress) => Tap;
}

type Visit = MessageOf<"visit">;

interface Live {
  readonly channel: Channel;
  readonly counts: ByteCounts;
}

/** What a visit came to, and whether its channel may be used again. */
type Outcome = Omit<VisitEnd, "message">;

/** Every visitor that is here. */
export class Visits {
  readonly #parts: VisitParts;
  readonly #live = new Set<Live>();
  readonly #past: ByteCounts = { up: 0, down: 0 };
  #onNone: (() => void) | undefined;

  constructor(parts: VisitParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Bytes of all visitors since the start. */
  get bytes(): ByteCounts {
    const sum = { ...this.#past };
    for (const { counts } of this.#live) add(sum, counts);
    return sum;
  }

  /** Serves a visitor; whether the channel is free again. The caller closes it. Never rejects. */
  readonly serve = async (channel: Channel, visit: Visit): Promise<boolean> => {
    const { exposure, timeouts, clock, journal } = this.#parts;
    const exposed = exposure.get(visit.endpoint);
    if (exposed === undefined) {
      return await decline(channel, "this endpoint is no longer exposed", timeouts);
    }
    const live = { channel, counts: { up: 0, down: 0 } };
    this.#live.add(live);
    const began = clock.now();
    const { isFree, reason } = await this.#carry(live, visit, exposed);
    this.#live.delete(live);
    add(this.#past, live.counts);
    const { label, kind } = exposed.config;
    // Of http every request is told.
    if (kind !== "http") {
      const duration = clock.now() - began;
      const { visitor } = visit;
      journal.visited({ label, kind, visitor, ...live.counts, duration, reason });
    }
    if (this.#live.size === 0) this.#onNone?.();
    return isFree;
  };

  /** Lets the kernel ask the edge of every visitor whether it is there, after `idle` ms of silence. */
  watch(idle: number): void {
    for (const { channel } of this.#live) channel.conn.setKeepAlive(idle);
  }

  /** Resolves when nobody is here any more. */
  async none(): Promise<void> {
    if (this.#live.size > 0) await new Promise<void>((resolve) => this.#onNone = resolve);
  }

  /** Ends all of them. */
  close(): void {
    for (const { channel } of this.#live) channel.close();
  }

  async #carry(live: Live, visit: Visit, exposed: Exposed): Promise<Outcome> {
    const { channel } = live;
    const { timeouts } = this.#parts;
    channel.conn.setKeepAlive(KEEPALIVE);
    try {
      return exposed.config.kind === "udp"
        ? await this.#carryDatagrams(live, exposed)
        : await this.#carryStream(live, visit, exposed);
    } catch (error) {
      if (error instanceof ServiceError) {
        this.#failed(exposed, error.message);
        const isFree = await decline(channel, error.message, timeouts);
        return { reason: "unreachable", isFree };
      }
      if (error instanceof NetError) return { reason: "channel_reset", isFree: false };
      const what = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#parts.journal.warn(
        `a visit ended by a fault of sluice itself: please report it: ${what}`,
      );
      return { reason: "closed", isFree: false };
    }
  }

  async #carryStream({ channel, counts }: Live, visit: Visit, exposed: Exposed): Promise<Outcome> {
    const { timeouts, tapOf } = this.#parts;
    const conn = await this.#connect(exposed);
    try {
      const { config } = exposed;
      const visitor = socketAddressOf(visit.visitor);
      conn.setNoDelay();
      conn.setKeepAlive(KEEPALIVE);
      if (config.proxyProtocol !== undefined) {
        const destination = socketAddressOf(visit.destination);
        await toService(
          exposed,
          conn.write(encodeProxyHeader(config.proxyProtocol, visitor, destination)),
        );
      }
      await channel.say({ type: "accept" });
      return await relay(conn, channel, {
        end: "agent",
        first: NOTHING,
        counts,
        // The edge has one, and ends the visit by the close of its channel.
        idleTimeout: 0,
        timeouts,
        ...config.kind === "http" && { tap: tapOf(exposed, visitor) },
      });
    } finally {
      conn.close();
    }
  }

  async #connect(exposed: Exposed): Promise<Conn> {
    const conn = await toService(exposed, connectToService(exposed.config.service, this.#parts));
    this.#answers(exposed);
    return conn;
  }

  async #carryDatagrams({ channel, counts }: Live, exposed: Exposed): Promise<Outcome> {
    const { net, timeouts } = this.#parts;
    const { service } = exposed.config;
    const [at] = await toService(exposed, addressesOf(service, this.#parts));
    let replies: DatagramRelay | undefined;
    let socket: UpstreamSocket;
    try {
      socket = net.associate(at!, {
        received: (datagram) => {
          this.#answers(exposed);
          replies?.send(datagram);
          return undefined;
        },
        failed: ({ message }) => this.#failed(exposed, `${formatHostPort(service)}: ${message}`),
      });
    } catch (error) {
      throw serviceError(exposed, error);
    }
    try {
      await channel.say({ type: "accept" });
      replies = new DatagramRelay(channel, {
        end: "agent",
        deliver: (datagram) => socket.isFull ? undefined : socket.send(datagram),
        counts,
        idleTimeout: DATAGRAM_IDLE_TIMEOUT,
        timeouts,
      });
      return await replies.over;
    } finally {
      socket.close();
    }
  }

  #failed(exposed: Exposed, why: string): void {
    if (exposed.failure === undefined) {
      this.#parts.journal.serviceFailed(exposed.config.label, why);
    }
    exposed.failure = why;
  }

  #answers(exposed: Exposed): void {
    if (exposed.failure === undefined) return;
    exposed.failure = undefined;
    this.#parts.journal.serviceAnswers(exposed.config.label);
  }
}

/** The service cannot be reached; the message names it. */
class ServiceError extends Error {}

async function toService<T>(exposed: Exposed, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw serviceError(exposed, error);
  }
}

function serviceError({ config: { service } }: Exposed, error: unknown): unknown {
  if (!(error instanceof NetError)) return error;
  return new ServiceError(`${formatHostPort(service)}: ${error.message}`, { cause: error });
}

/** What the edge says of a visitor; an edge that says nothing of use says nothing. */
function socketAddressOf(text: string): SocketAddress {
  try {
    const { host: address, port } = parseHostPort(text);
    return { address, port };
  } catch {
    return { address: "0.0.0.0", port: 0 };
  }
}

function add(sum: ByteCounts, { up, down }: ByteCounts): void {
  sum.up += up;
  sum.down += down;
}
