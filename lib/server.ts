/**
 * The running configuration: which addresses are listened on, and what becomes of what arrives there.
 *
 * @module
 */
import type { SocketAddress } from "./addr.ts";
import type { Config, UdpListenerConfig } from "./config/config.ts";
import { Count, type Elsewhere } from "./count.ts";
import type { Log } from "./log.ts";
import type { BackendState, Gauges, Listening, Plane, Transport } from "./plane.ts";
import { Pools } from "./pool.ts";
import type { Change } from "./ports.ts";
import type { Resolver } from "./resolver.ts";
import { Ring } from "./ring.ts";
import type { Clock, Net } from "./runtime/runtime.ts";
import type { TcpParts } from "./tcp_parts.ts";
import { TcpServer } from "./tcp_server.ts";
import { Timeouts } from "./timeouts.ts";
import type { UdpServer } from "./udp_server.ts";

export interface ServerParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Numbers in [0, 1), for balancing. */
  readonly random: () => number;
  /** The number of a connection or a flow; absent: they are counted from 1. */
  readonly nextId?: () => number;
  /** What other threads count that serve the same configuration; absent: there are none. */
  readonly elsewhere?: Elsewhere;
  readonly log: Log;
}

/** The plane of this thread. */
export class Server implements Plane {
  readonly #parts: ServerParts;
  readonly #timeouts: Timeouts;
  readonly #tcpParts: TcpParts;
  readonly #tcpPools: Pools;
  /** Apart from the others: that a backend is down on one transport says nothing of the other. */
  readonly #udpPools: Pools;
  readonly #nextId: () => number;
  readonly #tcp: TcpServer;
  /** Absent as long as no configuration had anything for it to do: its probes take time to load. */
  #udp: UdpServer | undefined;
  #drainTimeout = 0;
  #lastId = 0;
  #closed = false;

  constructor(parts: ServerParts) {
    const { net, clock, log, resolver, random, elsewhere } = parts;
    this.#parts = parts;
    this.#nextId = parts.nextId ?? (() => ++this.#lastId);
    this.#timeouts = new Timeouts(clock);
    this.#tcpParts = {
      net,
      clock,
      log,
      timeouts: this.#timeouts,
      live: new Ring(),
      total: new Count("tcp", elsewhere),
      maxConnections: 0,
    };
    const counts = (transport: Transport) => (address: string) =>
      new Count(`${transport} to ${address}`, elsewhere);
    this.#tcpPools = new Pools(resolver, random, counts("tcp"));
    this.#udpPools = new Pools(resolver, random, counts("udp"));
    this.#tcp = new TcpServer(this.#tcpParts, this.#tcpPools, this.#nextId, elsewhere);
  }

  get addresses(): readonly Listening[] {
    const listening = (transport: Transport) => (port: ListeningPort): Listening => ({
      listener: port.serves!.config.name,
      transport,
      address: port.address,
    });
    return [
      ...Array.from(this.#tcp.ports, listening("tcp")),
      ...Array.from(this.#udp?.ports ?? [], listening("udp")),
    ];
  }

  gauges(): Gauges {
    const { activeConnections, activeFlows, live, drops, backends } = this;
    return { activeConnections, activeFlows, live, drops, backends };
  }

  get activeConnections(): number {
    return this.#tcpParts.total.own;
  }

  get activeFlows(): number {
    return this.#udp?.flows.size ?? 0;
  }

  get live(): Gauges["live"] {
    const tcp = { up: 0, down: 0 };
    for (const { traffic } of this.#tcpParts.live) {
      tcp.up += traffic.up;
      tcp.down += traffic.down;
    }
    const udp = { up: 0, down: 0, datagramsUp: 0, datagramsDown: 0 };
    for (const { traffic } of this.#udp?.flows.all() ?? []) {
      udp.up += traffic.up;
      udp.down += traffic.down;
      udp.datagramsUp += traffic.datagramsUp;
      udp.datagramsDown += traffic.datagramsDown;
    }
    return { tcp, udp };
  }

  get drops(): ReadonlyMap<string, number> {
    return this.#udp?.drops.counts ?? new Map();
  }

  get backends(): readonly BackendState[] {
    const states = (transport: Transport, { backends }: Pools): readonly BackendState[] =>
      Array.from(backends, ({ address, port, failures }) => ({
        transport,
        backend: { address, port },
        isUp: failures === 0,
      }));
    return [...states("tcp", this.#tcpPools), ...states("udp", this.#udpPools)];
  }

  async apply(config: Config): Promise<void> {
    const tcp = await this.#tcp.change(config.tcp);
    let udp: Change | undefined;
    try {
      udp = await this.#changeUdp(config.udp, config.maxFlows);
    } catch (error) {
      await tcp.rollback();
      throw error;
    }
    if (this.#closed) {
      await tcp.rollback();
      await udp?.rollback();
      return;
    }
    this.#parts.resolver.setBounds(config.dns);
    this.#tcpParts.maxConnections = config.maxConnections;
    this.#drainTimeout = config.drainTimeout;
    tcp.commit();
    udp?.commit();
  }

  async drain(): Promise<void> {
    this.#closed = true;
    void this.#tcp.close();
    const over = Promise.all([
      ...Array.from(this.#tcpParts.live, (connection) => connection.over),
      this.#udp?.drain(),
    ]);
    await this.#within(this.#drainTimeout, over);
    this.close();
  }

  close(): void {
    this.#closed = true;
    void this.#tcp.close();
    for (const connection of this.#tcpParts.live) connection.close();
    this.#udp?.close();
    this.#timeouts.close();
  }

  async #changeUdp(
    listeners: readonly UdpListenerConfig[],
    maxFlows: number,
  ): Promise<Change | undefined> {
    if (this.#udp === undefined) {
      if (listeners.length === 0) return undefined;
      const { UdpServer } = await import("./udp_server.ts");
      const { net, clock, log, elsewhere } = this.#parts;
      const timeouts = this.#timeouts;
      const parts = {
        net,
        clock,
        log,
        timeouts,
        nextId: this.#nextId,
        ...elsewhere && { elsewhere },
      };
      this.#udp = new UdpServer(parts, this.#udpPools);
    }
    return await this.#udp.change(listeners, maxFlows);
  }

  /** Waits for `promise`, but not longer than `ms`. */
  async #within(ms: number, promise: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = this.#timeouts.start(ms, resolve);
      promise.then(() => {
        limit.cancel();
        resolve();
      });
    });
  }
}

interface ListeningPort {
  readonly address: SocketAddress;
  readonly serves: { readonly config: { readonly name: string } } | undefined;
}
