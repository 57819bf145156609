/**
 * The listeners of UDP: what comes to their ports goes its way under the configuration that holds then.
 *
 * @module
 */
import { Admission } from "./admission.ts";
import type { UdpListenerConfig } from "./config/config.ts";
import { Count } from "./count.ts";
import { datagramTable } from "./datagram_routing.ts";
import { Drops } from "./drops.ts";
import { FlowTable } from "./flow_table.ts";
import { ListenerLoad } from "./listener_load.ts";
import { type Pools, poolsOf } from "./pool.ts";
import { type Change, type Port, Ports } from "./ports.ts";
import { earlyAcl } from "./routing.ts";
import { Sessions } from "./sessions.ts";
import { UdpPort } from "./udp.ts";
import type { SessionTarget, UdpListener, UdpParts } from "./udp_parts.ts";

/** Silence that ends a flow while sluice drains, ms: no datagram says that it was the last one. */
const DRAIN_LIFETIME = 5_000;

/** What a listener has from one configuration to the next. */
interface Lasting {
  readonly load: ListenerLoad;
  readonly sessions: Sessions<SessionTarget>;
}

/** Owns the ports and flows of UDP. */
export class UdpServer {
  readonly drops: Drops;
  readonly flows: FlowTable;
  readonly #parts: UdpParts;
  readonly #pools: Pools;
  readonly #ports: Ports<UdpListenerConfig, UdpListener, UdpPort>;
  /** By the listener's name. */
  #lasting = new Map<string, Lasting>();

  constructor(
    shared: Pick<UdpParts, "net" | "clock" | "timeouts" | "log" | "nextId" | "elsewhere">,
    pools: Pools,
  ) {
    this.drops = new Drops(shared.log, shared.timeouts);
    this.flows = new FlowTable(shared.clock);
    const { drops, flows } = this;
    const total = new Count("udp", shared.elsewhere);
    const parts = { ...shared, drops, flows, total, maxFlows: 0, isDraining: false };
    this.#parts = parts;
    this.#pools = pools;
    const admission = new Admission(parts);
    this.#ports = new Ports((at) => new UdpPort(at, parts, admission));
  }

  /** What it listens on, in the order of the configuration. */
  get ports(): Iterable<Port<UdpListener>> {
    return this.#ports.open;
  }

  /**
   * Binds what is not bound yet; what it returns makes the change, or calls it off. Flows of ports that are closed end.
   * @throws {NetError} When an address cannot be bound, naming it; then everything is as it was.
   */
  async change(listeners: readonly UdpListenerConfig[], maxFlows: number): Promise<Change> {
    const { commit, rollback } = await this.#ports.change(listeners);
    return {
      rollback,
      commit: () => {
        this.#parts.maxFlows = maxFlows;
        const before = this.#lasting;
        const lasting = new Map(
          listeners.map((config) => [config.name, this.#lastingOf(config)]),
        );
        this.#lasting = lasting;
        for (const [name, { sessions }] of before) {
          if (!lasting.has(name)) sessions.close();
        }
        const serving = new Map(
          listeners.map((config) => [config, this.#prepare(config, lasting.get(config.name)!)]),
        );
        commit((config) => serving.get(config)!);
        const routes = [...serving.values()].flatMap(({ pools }) => [...pools.keys()]);
        this.#pools.retain(poolsOf(routes));
      },
    };
  }

  /** Takes nobody new; resolves when the last flow has ended. */
  drain(): Promise<void> {
    this.#parts.isDraining = true;
    this.flows.shorten(DRAIN_LIFETIME);
    return this.flows.emptied();
  }

  /** Closes everything now. */
  close(): void {
    this.#parts.isDraining = true;
    void this.#ports.close();
    for (const { sessions } of this.#lasting.values()) sessions.close();
  }

  #lastingOf({ name, flowMemory }: UdpListenerConfig): Lasting {
    const { clock, elsewhere } = this.#parts;
    const lasting = this.#lasting.get(name) ?? {
      load: new ListenerLoad(`udp ${name}`, elsewhere),
      sessions: new Sessions<SessionTarget>(clock),
    };
    lasting.sessions.memory = flowMemory;
    return lasting;
  }

  /** A listener's configuration as its datagrams need it. */
  #prepare(config: UdpListenerConfig, { load, sessions }: Lasting): UdpListener {
    const { routes, defaultRoute } = config;
    const early = earlyAcl(config);
    return {
      config,
      table: datagramTable(config),
      pools: this.#pools.of(defaultRoute ? [...routes, defaultRoute] : routes),
      load,
      ...config.followClients && { sessions },
      ...early && { earlyAcl: early },
    };
  }
}
