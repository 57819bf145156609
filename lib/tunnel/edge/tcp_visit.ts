/**
 * A visitor over TCP, from the moment when it is known what he came to, to his line in the access log.
 *
 * @module
 */
import type { ConnectionRecord, EndReason } from "../../access_log.ts";
import { formatAddress, type SocketAddress } from "../../addr.ts";
import type { Facts } from "../../../probes/probe.ts";
import { refuse } from "../../refuse.ts";
import { type Conn, NetError } from "../../runtime/runtime.ts";
import type { Channel } from "../channel.ts";
import { encodeFrame, LONGEST_DATA } from "../frames.ts";
import { encodeMessage } from "../messages.ts";
import { relay } from "../relay.ts";
import type { VisitEnd, VisitEndReason } from "../visit_end.ts";
import { admit, leave, type Turned } from "./admission.ts";
import type { Endpoint } from "./endpoints.ts";
import { pageFor } from "./pages.ts";
import { ACCEPT_TIMEOUT, type LiveVisit, type Server, type VisitParts } from "./parts.ts";

/** Silence of both sides that ends a visit, ms. */
const IDLE_TIMEOUT = 3_600_000;
/** Silence after which the kernel asks a visitor of a port whether he is still there, ms. */
const KEEPALIVE = 60_000;

/** Who came, by which way, and what is known of him. */
export interface TcpVisitor {
  readonly conn: Conn;
  readonly client: SocketAddress;
  /** What he connected to. */
  readonly destination: SocketAddress;
  /** `edge` where he came to a port of the edge's own. */
  readonly listener: string;
  /** What has been read of him. */
  readonly first: Uint8Array;
  readonly facts?: Facts;
}

const END_REASONS: Readonly<Record<VisitEndReason, EndReason>> = {
  ended: "ended",
  unreachable: "connect_failed",
  accept_timeout: "connect_failed",
  conn_reset: "client_reset",
  channel_reset: "backend_reset",
  malformed: "backend_reset",
  idle_timeout: "idle_timeout",
  closed: "drained",
};

const DETAILS: Readonly<Partial<Record<VisitEndReason, string>>> = {
  accept_timeout: "the agent did not say whether it reaches the service",
  malformed: "the agent does not speak the protocol",
};

/** One visitor. Owns his connection, and his data channel until it is free. */
export class TcpVisit implements LiveVisit {
  readonly transport = "tcp";
  readonly traffic = { up: 0, down: 0 };
  readonly isCounted: boolean;
  readonly over: Promise<void>;
  readonly #visitor: TcpVisitor;
  readonly #endpoint: Endpoint<Server> | undefined;
  readonly #parts: VisitParts;
  readonly #began: number;
  #channel: Channel | undefined;
  #closed: EndReason | undefined;
  readonly #record: { -readonly [Key in keyof ConnectionRecord]: ConnectionRecord[Key] };

  /** @param endpoint Absent where nobody has the name that the visitor asks for. */
  constructor(
    visitor: TcpVisitor,
    endpoint: Endpoint<Server> | undefined,
    isCounted: boolean,
    parts: VisitParts,
  ) {
    const { clock, live, log } = parts;
    const { listener, client, facts } = visitor;
    this.#visitor = visitor;
    this.#endpoint = endpoint;
    this.isCounted = isCounted;
    this.#parts = parts;
    this.#began = clock.now();
    this.#record = {
      time: clock.date(),
      id: parts.nextId(),
      transport: "tcp",
      listener,
      client,
      ...facts && { protocol: facts.protocol },
      route: "edge",
      up: 0,
      down: 0,
      duration: 0,
      reason: "internal_error",
      ...facts?.serverName !== undefined && { serverName: facts.serverName },
      ...facts?.host !== undefined && { host: facts.host },
      ...facts?.alpns !== undefined && { alpns: facts.alpns },
      ...endpoint && { agent: endpoint.agent, endpoint: String(endpoint.place) },
    };
    live.add(this);
    this.over = this.#run().catch((error) => this.#fault(error)).then((reason) => {
      visitor.conn.close();
      live.remove(this);
      this.#record.reason = this.#closed ?? reason;
      Object.assign(this.#record, this.traffic);
      this.#record.duration = clock.now() - this.#began;
      log.access(this.#record);
    });
  }

  close(reason: EndReason): void {
    this.#closed ??= reason;
    this.#visitor.conn.close();
    this.#channel?.close();
  }

  watch(idle: number): void {
    this.#channel?.conn.setKeepAlive(idle);
  }

  async #run(): Promise<EndReason> {
    const { client } = this.#visitor;
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return await this.#turnAway({ kind: "turned", reason: "no_route" });
    this.#record.timeToRoute = this.#elapsed();
    const admitted = await admit(this, endpoint, client.address);
    if (admitted.kind === "turned") return await this.#turnAway(admitted);
    const { server, channel } = admitted;
    this.#channel = channel;
    let isFree = false;
    try {
      if (this.#closed !== undefined) return this.#closed;
      this.#record.timeToConnect = this.#elapsed() - this.#record.timeToRoute;
      const end = await this.#carry(channel, server);
      isFree = end.isFree;
      return await this.#reasonOf(end);
    } finally {
      leave(this, server);
      if (isFree) this.#parts.rejoin(channel, channel.conn.remote);
      else channel.close();
    }
  }

  async #carry(channel: Channel, { number, account }: Server): Promise<VisitEnd> {
    const { conn, client, destination, first, facts } = this.#visitor;
    const { timeouts } = this.#parts;
    const { bandwidth } = account;
    const serverName = facts?.serverName ?? facts?.host;
    const visit = encodeMessage({
      type: "visit",
      endpoint: number,
      visitor: formatAddress(client),
      destination: formatAddress(destination),
      ...serverName !== undefined && { serverName },
    });
    // What has been read of him goes along, as far as a frame takes it: one write in place of two.
    const along = first.subarray(0, LONGEST_DATA);
    conn.setNoDelay();
    // Of who came by a listener the proxy takes care.
    if (!this.isCounted) conn.setKeepAlive(KEEPALIVE);
    try {
      await channel.write(along.length === 0 ? visit : joined(visit, encodeFrame("data", along)));
      this.traffic.up += along.length;
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      return { reason: "channel_reset", isFree: false };
    }
    return await relay(conn, channel, {
      end: "edge",
      first: first.subarray(along.length),
      counts: this.traffic,
      idleTimeout: IDLE_TIMEOUT,
      acceptTimeout: ACCEPT_TIMEOUT,
      timeouts,
      ...bandwidth && { bandwidth },
    });
  }

  async #reasonOf({ reason, message }: VisitEnd): Promise<EndReason> {
    const detail = message ?? DETAILS[reason];
    const ended = END_REASONS[reason];
    if (ended === "connect_failed") {
      return await this.#turnAway({
        kind: "turned",
        reason: ended,
        ...detail !== undefined && { detail },
      });
    }
    if (detail !== undefined) this.#record.detail = detail;
    return ended;
  }

  /** Tells the visitor why nobody serves him, where he speaks HTTP. */
  async #turnAway({ reason, detail }: Turned): Promise<EndReason> {
    const { conn, facts, first } = this.#visitor;
    if (detail !== undefined) this.#record.detail = detail;
    if (facts?.protocol === "http" && facts.details?.["version"] !== "2") {
      const page = pageFor(reason, facts.host ?? "", detail, first);
      if (page !== undefined) await refuse(conn, page, this.#parts.timeouts);
    }
    return reason;
  }

  #fault(error: unknown): EndReason {
    const what = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#parts.log.error("a visit ended by a fault of sluice itself: please report it", { what });
    return "internal_error";
  }

  /** ms since it began. */
  #elapsed(): number {
    return this.#parts.clock.now() - this.#began;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
