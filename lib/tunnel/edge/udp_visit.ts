/**
 * A visitor over UDP: the datagrams of one address, on a data channel of their own.
 *
 * @module
 */
import type { ConnectionRecord, EndReason } from "../../access_log.ts";
import { formatAddress, type SocketAddress, unmapped } from "../../addr.ts";
import { NetError, type Peer, type ReplySocket, type Sending } from "../../runtime/runtime.ts";
import type { Bandwidth } from "../bandwidth.ts";
import type { Channel } from "../channel.ts";
import { DatagramRelay } from "../datagrams.ts";
import type { VisitEndReason } from "../visit_end.ts";
import { admit, leave } from "./admission.ts";
import type { Endpoint } from "./endpoints.ts";
import { ACCEPT_TIMEOUT, type LiveVisit, type Server, type VisitParts } from "./parts.ts";

/** Silence of both sides that ends a visit, ms: longer than WireGuard's and most others' sign of life. */
const IDLE_TIMEOUT = 60_000;
/** Datagrams that wait for a data channel; behind so many the oldest give way. */
const MOST_EARLY = 16;
/** A visitor that got nowhere is not tried again for so long, ms: each of his datagrams would be a visit of its own. */
const PAUSE = 1_000;

const END_REASONS: Readonly<Record<VisitEndReason, EndReason>> = {
  ended: "ended",
  unreachable: "connect_failed",
  accept_timeout: "connect_failed",
  conn_reset: "client_reset",
  channel_reset: "backend_reset",
  malformed: "backend_reset",
  // Silence is how a visit over UDP ends.
  idle_timeout: "ended",
  closed: "drained",
};

/** One visitor. Owns his data channel until it is free. */
export class UdpVisit implements LiveVisit {
  readonly transport = "udp";
  readonly isCounted = false;
  readonly traffic = { up: 0, down: 0, datagramsUp: 0, datagramsDown: 0 };
  readonly over: Promise<void>;
  readonly #peer: Peer;
  readonly #at: ReplySocket;
  readonly #endpoint: Endpoint<Server>;
  readonly #parts: VisitParts;
  readonly #client: SocketAddress;
  readonly #began: number;
  readonly #stopped = Promise.withResolvers<void>();
  #early: Uint8Array[] = [];
  #channel: Channel | undefined;
  #relay: DatagramRelay | undefined;
  #bandwidth: Bandwidth | undefined;
  #closed: EndReason | undefined;
  readonly #record: { -readonly [Key in keyof ConnectionRecord]: ConnectionRecord[Key] };

  constructor(peer: Peer, at: ReplySocket, endpoint: Endpoint<Server>, parts: VisitParts) {
    const { clock, live } = parts;
    this.#peer = peer;
    this.#at = at;
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#client = { address: unmapped(peer.hostname), port: peer.port };
    this.#began = clock.now();
    this.#record = {
      time: clock.date(),
      id: parts.nextId(),
      transport: "udp",
      listener: "edge",
      client: this.#client,
      route: "edge",
      up: 0,
      down: 0,
      duration: 0,
      reason: "internal_error",
      agent: endpoint.agent,
      endpoint: String(endpoint.place),
    };
    live.add(this);
    this.over = this.#run().catch((error) => this.#fault(error)).then((reason) =>
      this.#end(reason)
    );
  }

  /** Takes a datagram of the visitor. */
  received(datagram: Uint8Array): void {
    if (this.#relay === undefined) {
      if (this.#early.length === MOST_EARLY) this.#early.shift();
      this.#early.push(datagram.slice());
    } else this.#send(datagram);
  }

  close(reason: EndReason): void {
    this.#closed ??= reason;
    this.#stopped.resolve();
    this.#channel?.close();
  }

  watch(idle: number): void {
    this.#channel?.conn.setKeepAlive(idle);
  }

  async #run(): Promise<EndReason> {
    this.#record.timeToRoute = 0;
    const admitted = await admit(this, this.#endpoint, this.#client.address);
    if (admitted.kind === "turned") {
      if (admitted.detail !== undefined) this.#record.detail = admitted.detail;
      return await this.#pause(admitted.reason);
    }
    const { server, channel } = admitted;
    this.#channel = channel;
    let isFree = false;
    try {
      if (this.#closed !== undefined) return this.#closed;
      this.#record.timeToConnect = this.#parts.clock.now() - this.#began;
      const end = await this.#carry(channel, server);
      isFree = end.isFree;
      if (end.message !== undefined) this.#record.detail = end.message;
      const reason = END_REASONS[end.reason];
      return reason === "connect_failed" ? await this.#pause(reason) : reason;
    } finally {
      leave(this, server);
      if (isFree) this.#parts.rejoin(channel, channel.conn.remote);
      else channel.close();
    }
  }

  async #carry(channel: Channel, { number, account }: Server) {
    try {
      await channel.say({
        type: "visit",
        endpoint: number,
        visitor: formatAddress(this.#client),
        destination: formatAddress(this.#at.local),
      });
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      return { reason: "channel_reset", isFree: false } as const;
    }
    this.#bandwidth = account.bandwidth;
    this.#relay = new DatagramRelay(channel, {
      end: "edge",
      deliver: this.#deliver,
      counts: this.traffic,
      idleTimeout: IDLE_TIMEOUT,
      acceptTimeout: ACCEPT_TIMEOUT,
      timeouts: this.#parts.timeouts,
    });
    for (const datagram of this.#early.splice(0)) this.#send(datagram);
    return await this.#relay.over;
  }

  #send(datagram: Uint8Array): void {
    // A datagram over the limit is lost, as on any way that is too narrow.
    if (this.#bandwidth?.takeNow(datagram.length) === false) return;
    this.traffic.datagramsUp++;
    this.#relay?.send(datagram);
  }

  readonly #deliver = (datagram: Uint8Array): Sending => {
    if (this.#at.isFull || this.#bandwidth?.takeNow(datagram.length) === false) return undefined;
    this.traffic.datagramsDown++;
    return this.#at.send(datagram, this.#peer);
  };

  /** Keeps the visit, so that what the visitor sends meanwhile goes nowhere, and is no visit of its own. */
  async #pause(reason: EndReason): Promise<EndReason> {
    const limit = this.#parts.timeouts.start(PAUSE, () => this.#stopped.resolve());
    await this.#stopped.promise;
    limit.cancel();
    return reason;
  }

  #end(reason: EndReason): void {
    const { clock, live, log } = this.#parts;
    live.remove(this);
    this.#record.reason = this.#closed ?? reason;
    Object.assign(this.#record, this.traffic);
    this.#record.duration = clock.now() - this.#began;
    log.access(this.#record);
  }

  #fault(error: unknown): EndReason {
    const what = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#parts.log.error("a visit ended by a fault of sluice itself: please report it", { what });
    return "internal_error";
  }
}
