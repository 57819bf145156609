/**
 * The running configuration: which addresses are listened on, and what becomes of what arrives there.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import type { Config, TcpListenerConfig } from "./config/config.ts";
import { EchRoute } from "./ech/route.ts";
import { ListenerLoad } from "./listener_load.ts";
import type { Log } from "./log.ts";
import { Pools } from "./pool.ts";
import type { Resolver } from "./resolver.ts";
import { earlyAcl, routeTable } from "./routing.ts";
import {
  type Clock,
  type Conn,
  type Listener,
  type Net,
  NetError,
  type NetErrorCode,
} from "./runtime/runtime.ts";
import { TcpConnection } from "./tcp.ts";
import type { TcpListener, TcpParts } from "./tcp_parts.ts";
import { Timeouts } from "./timeouts.ts";

export interface ServerParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Numbers in [0, 1), for balancing. */
  readonly random: () => number;
  readonly log: Log;
}

/** An address that is listened on. */
interface Socket {
  readonly listener: Listener;
  /** What takes its connections; a reload changes it. */
  serves: TcpListener;
}

/** Pauses of the accept loop after failures, ms: doubled up to the longest. */
const SHORTEST_PAUSE = 5;
const LONGEST_PAUSE = 1000;

/** Runs one configuration at a time. Owns the listening sockets and every connection. */
export class Server {
  readonly #parts: ServerParts;
  readonly #tcp: TcpParts;
  readonly #pools: Pools;
  /** By the address as configured. */
  readonly #sockets = new Map<string, Socket>();
  /** By the listener's name. */
  readonly #loads = new Map<string, ListenerLoad>();
  #drainTimeout = 0;
  #nextId = 1;
  #closed = false;

  constructor(parts: ServerParts) {
    const { net, clock, log, resolver, random } = parts;
    this.#parts = parts;
    this.#pools = new Pools(resolver, random);
    this.#tcp = {
      net,
      clock,
      log,
      timeouts: new Timeouts(clock),
      live: new Set(),
      maxConnections: 0,
    };
  }

  /** What it listens on, in the order of the configuration. */
  get addresses(): readonly { readonly listener: string; readonly address: SocketAddress }[] {
    return [...this.#sockets.values()].map(({ listener, serves }) => ({
      listener: serves.config.name,
      address: listener.address,
    }));
  }

  /** Connections that are not over. */
  get active(): number {
    return this.#tcp.live.size;
  }

  /**
   * Makes `config` the running one, all or nothing. Addresses in both stay bound, connections live on.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
  async apply(config: Config): Promise<void> {
    const wanted = new Map<string, TcpListenerConfig>();
    for (const listener of config.tcp) {
      for (const address of boundAddresses(listener.addresses)) {
        wanted.set(formatAddress({ address, port: listener.port }), listener);
      }
    }
    const fresh = await this.#listen(wanted);
    if (this.#closed) {
      for (const listener of fresh.values()) await listener.close();
      return;
    }

    this.#parts.resolver.setBounds(config.dns);
    this.#tcp.maxConnections = config.maxConnections;
    this.#drainTimeout = config.drainTimeout;
    const serving = new Map(config.tcp.map((each) => [each, this.#prepare(each)]));
    for (const [key, socket] of this.#sockets) {
      if (!wanted.has(key)) this.#close(key, socket);
    }
    for (const [key, listener] of wanted) {
      const serves = serving.get(listener)!;
      const socket = this.#sockets.get(key);
      if (socket === undefined) this.#open(key, { listener: fresh.get(key)!, serves });
      else socket.serves = serves;
    }
    this.#forget([...serving.values()]);
  }

  /** Stops accepting; resolves when the last connection has ended, or has been closed after the drain timeout. */
  async drain(): Promise<void> {
    this.#closed = true;
    for (const [key, socket] of this.#sockets) this.#close(key, socket);
    const over = Promise.all([...this.#tcp.live].map((connection) => connection.over));
    await this.#within(this.#drainTimeout, over);
    this.close();
  }

  /** Closes everything now. */
  close(): void {
    this.#closed = true;
    for (const [key, socket] of this.#sockets) this.#close(key, socket);
    for (const connection of this.#tcp.live) connection.close();
    this.#tcp.timeouts.close();
  }

  /** Binds what is wanted and not yet bound. */
  async #listen(wanted: ReadonlyMap<string, TcpListenerConfig>): Promise<Map<string, Listener>> {
    const fresh = new Map<string, Listener>();
    const released = new Map<string, Socket>();
    try {
      for (const [key, listener] of wanted) {
        if (this.#sockets.has(key)) continue;
        try {
          fresh.set(key, this.#bind(key, listener));
        } catch (error) {
          // From one address of a port to all of them, or back: the old one stands in the way until it is closed.
          const inTheWay = [...this.#sockets].filter(([other, { serves }]) =>
            !wanted.has(other) && serves.config.port === listener.port
          );
          if (!isInUse(error) || inTheWay.length === 0) throw error;
          for (const [other, socket] of inTheWay) {
            released.set(other, socket);
            await this.#close(other, socket);
          }
          fresh.set(key, this.#bind(key, listener));
        }
      }
    } catch (error) {
      for (const listener of fresh.values()) await listener.close();
      for (const [key, { serves }] of released) {
        this.#open(key, { listener: this.#bind(key, serves.config), serves });
      }
      throw error;
    }
    return fresh;
  }

  #bind(key: string, { port, backlog }: TcpListenerConfig): Listener {
    const address = key.slice(0, key.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
    try {
      return this.#tcp.net.listen({ address, port, backlog });
    } catch (error) {
      throw error instanceof NetError ? cannotListen(key, port, error) : error;
    }
  }

  /** A listener's configuration as its connections need it. */
  #prepare(config: TcpListenerConfig): TcpListener {
    let load = this.#loads.get(config.name);
    if (load === undefined) {
      this.#loads.set(config.name, load = new ListenerLoad());
    }
    const ech = new Map(
      config.routes.flatMap((route) =>
        route.ech === undefined ? [] : [[route, new EchRoute(route, route.ech)]]
      ),
    );
    const routes = [
      ...config.routes,
      ...config.defaultRoute ? [config.defaultRoute] : [],
      ...[...ech.values()].flatMap(({ privateRoutes }) => [...privateRoutes.values()]),
    ];
    const pools = new Map(
      routes.flatMap((route) =>
        route.action.kind === "forward" ? [[route, this.#pools.get(route.action.pool)]] : []
      ),
    );
    const early = earlyAcl(config);
    return { config, table: routeTable(config), pools, ech, load, ...early && { earlyAcl: early } };
  }

  #open(key: string, socket: Socket): void {
    this.#sockets.set(key, socket);
    void this.#acceptFrom(key, socket);
  }

  /** Resolves when the address is free again. */
  #close(key: string, { listener }: Socket): Promise<void> {
    this.#sockets.delete(key);
    return listener.close();
  }

  async #acceptFrom(key: string, socket: Socket): Promise<void> {
    const { clock, log, timeouts } = this.#tcp;
    let pause = 0;
    let failed = -Infinity;
    for (;;) {
      let conn: Conn;
      try {
        conn = await socket.listener.accept();
      } catch (error) {
        if (error instanceof NetError && error.code === "closed") return;
        // That one succeeded in between ends no shortage: it may have got the last descriptor.
        if (clock.now() - failed > 2 * LONGEST_PAUSE) {
          pause = 0;
          const why = error instanceof Error ? error.message : String(error);
          log.warning(`cannot accept connections on ${key}: ${why}; trying again`);
        }
        failed = clock.now();
        pause = Math.min(Math.max(2 * pause, SHORTEST_PAUSE), LONGEST_PAUSE);
        await new Promise<void>((resolve) => timeouts.start(pause, resolve));
        continue;
      }
      if (isFor(conn, socket.serves.config)) {
        new TcpConnection(this.#nextId++, conn, socket.serves, this.#tcp).start();
      } else {
        conn.close();
      }
    }
  }

  /** Drops what only an earlier configuration named. */
  #forget(listeners: readonly TcpListener[]): void {
    const names = new Set(listeners.map(({ config }) => config.name));
    for (const name of this.#loads.keys()) {
      if (!names.has(name)) this.#loads.delete(name);
    }
    this.#pools.retain(
      listeners.flatMap(({ pools }) => [...pools.keys()])
        .flatMap(({ action }) => action.kind === "forward" ? [action.pool] : []),
    );
  }

  /** Waits for `promise`, but not longer than `ms`. */
  async #within(ms: number, promise: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = this.#tcp.timeouts.start(ms, resolve);
      promise.then(() => {
        limit.cancel();
        resolve();
      });
    });
  }
}

/** The addresses to bind: where `::` is one of them it takes IPv4 too, and no IPv4 address could be bound beside it. */
function boundAddresses(addresses: readonly string[]): readonly string[] {
  return addresses.includes("::")
    ? addresses.filter((address) => address.includes(":"))
    : addresses;
}

/** Whether a connection came to an address that is configured, and not to an IPv4 one that `::` took along. */
function isFor({ local }: Conn, { addresses }: TcpListenerConfig): boolean {
  return !addresses.includes("::") || local.address.includes(":") ||
    addresses.includes("0.0.0.0") || addresses.includes(local.address);
}

const LOW_PORT =
  "ports below 1024 are privileged: use a higher one, give the executable the capability " +
  "(`setcap cap_net_bind_service=+ep FILE`), or lower the bound (`sysctl net.ipv4.ip_unprivileged_port_start`)";

function isInUse(error: unknown): boolean {
  return error instanceof NetError && error.code === "in_use";
}

function cannotListen(key: string, port: number, { code, message }: NetError): NetError {
  const hints: Partial<Record<NetErrorCode, string>> = {
    in_use: "another process listens there",
    unavailable: "this machine has no such address",
    denied: port < 1024 ? LOW_PORT : "not permitted",
  };
  return new NetError(code, `cannot listen on ${key}: ${hints[code] ?? message}`);
}
