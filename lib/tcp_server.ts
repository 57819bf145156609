/**
 * The listeners of TCP: what they accept goes its way under the configuration that holds then.
 *
 * @module
 */
import { acceptAll } from "./accept_loop.ts";
import type { SocketAddress } from "./addr.ts";
import type { TcpListenerConfig } from "./config/config.ts";
import type { Elsewhere } from "./count.ts";
import { EchRoute } from "./ech/route.ts";
import { ListenerLoad } from "./listener_load.ts";
import { type Pools, poolsOf } from "./pool.ts";
import { type Change, isFor, type Port, Ports } from "./ports.ts";
import { earlyAcl, routeTable } from "./routing.ts";
import type { Conn, Listener } from "./runtime/runtime.ts";
import { TcpConnection } from "./tcp.ts";
import type { TcpListener, TcpParts } from "./tcp_parts.ts";

/** Owns the listening sockets of TCP. */
export class TcpServer {
  readonly #parts: TcpParts;
  readonly #pools: Pools;
  readonly #nextId: () => number;
  readonly #elsewhere: Elsewhere | undefined;
  readonly #ports: Ports<TcpListenerConfig, TcpListener, TcpPort>;
  /** By the listener's name. */
  #loads = new Map<string, ListenerLoad>();

  /**
   * @param nextId Gives the number of a connection.
   * @param elsewhere What other threads count, if there are any.
   */
  constructor(parts: TcpParts, pools: Pools, nextId: () => number, elsewhere?: Elsewhere) {
    this.#parts = parts;
    this.#pools = pools;
    this.#nextId = nextId;
    this.#elsewhere = elsewhere;
    this.#ports = new Ports(({ address, port }, { backlog }) =>
      new TcpPort(parts.net.listen({ address, port, backlog }))
    );
  }

  /** What it listens on, in the order of the configuration. */
  get ports(): Iterable<Port<TcpListener>> {
    return this.#ports.open;
  }

  /**
   * Binds what is not bound yet; what it returns makes the change, or calls it off.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
  async change(listeners: readonly TcpListenerConfig[]): Promise<Change> {
    const { commit, rollback } = await this.#ports.change(listeners);
    return {
      rollback,
      commit: () => {
        const loads = new Map(
          listeners.map(({ name }) => [name, this.#loads.get(name) ?? this.#newLoad(name)]),
        );
        this.#loads = loads;
        const serving = new Map(
          listeners.map((config) => [config, this.#prepare(config, loads.get(config.name)!)]),
        );
        commit((config) => serving.get(config)!);
        for (const port of this.#ports.open) {
          if (!port.isAccepting) void this.#acceptFrom(port);
        }
        const routes = [...serving.values()].flatMap(({ pools }) => [...pools.keys()]);
        this.#pools.retain(poolsOf(routes));
      },
    };
  }

  /** Accepts nothing more; resolves when every address is free again. */
  close(): Promise<void> {
    return this.#ports.close();
  }

  #newLoad(name: string): ListenerLoad {
    return new ListenerLoad(`tcp ${name}`, this.#elsewhere);
  }

  /** A listener's configuration as its connections need it. */
  #prepare(config: TcpListenerConfig, load: ListenerLoad): TcpListener {
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
    const early = earlyAcl(config);
    return {
      config,
      table: routeTable(config),
      pools: this.#pools.of(routes),
      ech,
      load,
      ...early && { earlyAcl: early },
    };
  }

  async #acceptFrom(port: TcpPort): Promise<void> {
    await acceptAll(port, this.#parts, (conn) => {
      const { serves } = port;
      if (serves !== undefined && isFor(conn.local, serves.config)) {
        new TcpConnection(this.#nextId(), conn, serves, this.#parts).start();
      } else {
        conn.close();
      }
    });
  }
}

class TcpPort implements Port<TcpListener> {
  serves: TcpListener | undefined;
  /** Whether somebody takes its connections. */
  isAccepting = false;
  readonly #listener: Listener;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  get address(): SocketAddress {
    return this.#listener.address;
  }

  accept(): Promise<Conn> {
    this.isAccepting = true;
    return this.#listener.accept();
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}
