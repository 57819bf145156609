/**
 * The running configuration: which addresses are listened on, and what becomes of what arrives there.
 *
 * @module
 */
import type { SocketAddress } from "./addr.ts";
import type { Config, UdpListenerConfig } from "./config/config.ts";
import type { Log } from "./log.ts";
import { Pools } from "./pool.ts";
import type { Change } from "./ports.ts";
import type { Resolver } from "./resolver.ts";
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
  readonly log: Log;
}

/** An address that is listened on. */
export interface Listening {
  readonly listener: string;
  readonly transport: "tcp" | "udp";
  readonly address: SocketAddress;
}

/** Runs one configuration at a time. Owns the listening sockets, every connection and every flow. */
export class Server {
  readonly #parts: ServerParts;
  readonly #timeouts: Timeouts;
  readonly #tcpParts: TcpParts;
  readonly #tcp: TcpServer;
  /** Absent as long as no configuration had anything for it to do: its probes take time to load. */
  #udp: UdpServer | undefined;
  #drainTimeout = 0;
  #lastId = 0;
  #closed = false;

  constructor(parts: ServerParts) {
    const { net, clock, log, resolver, random } = parts;
    this.#parts = parts;
    this.#timeouts = new Timeouts(clock);
    this.#tcpParts = {
      net,
      clock,
      log,
      timeouts: this.#timeouts,
      live: new Set(),
      maxConnections: 0,
    };
    this.#tcp = new TcpServer(this.#tcpParts, new Pools(resolver, random), this.#nextId);
  }

  /** What it listens on, in the order of the configuration. */
  get addresses(): readonly Listening[] {
    const listening = (transport: "tcp" | "udp") => (port: ListeningPort): Listening => ({
      listener: port.serves!.config.name,
      transport,
      address: port.address,
    });
    return [
      ...Array.from(this.#tcp.ports, listening("tcp")),
      ...Array.from(this.#udp?.ports ?? [], listening("udp")),
    ];
  }

  /** Connections that are not over, and flows. */
  get active(): number {
    return this.#tcpParts.live.size + (this.#udp?.flows.size ?? 0);
  }

  /**
   * Makes `config` the running one, all or nothing. Addresses in both stay bound, connections and flows live on.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
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

  /** Takes nobody new; resolves when the last connection has ended, or has been closed after the drain timeout. */
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

  /** Closes everything now. */
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
      const { net, clock, log, resolver, random } = this.#parts;
      // A backend's state on one transport says nothing of the other.
      const pools = new Pools(resolver, random);
      const parts = { net, clock, log, timeouts: this.#timeouts, nextId: this.#nextId };
      this.#udp = new UdpServer(parts, pools);
    }
    return await this.#udp.change(listeners, maxFlows);
  }

  readonly #nextId = (): number => ++this.#lastId;

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
