/**
 * The addresses of one transport that are listened on. A change of them is all or nothing.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import { cannotListen } from "./cannot_listen.ts";
import { NetError } from "./runtime/runtime.ts";

/** An address that is listened on. */
export interface Port<Service> {
  /** With the port that the system chose, where it was to. */
  readonly address: SocketAddress;
  /** What takes who comes; a reload changes it. Nobody is taken before it is set. */
  serves: Service | undefined;
  /** Resolves when the address is free again. */
  close(): Promise<void>;
}

/** What is asked of a listener's configuration. */
interface ListenerAddresses {
  readonly addresses: readonly string[];
  readonly port: number;
}

/** A change that can still be called off. */
export interface Change<Committing extends readonly unknown[] = []> {
  /** Makes it. */
  commit(...committing: Committing): void;
  /** Leaves everything as it was. */
  rollback(): Promise<void>;
}

/** Owns the sockets that are listened on. */
export class Ports<
  Config extends ListenerAddresses,
  Service extends { readonly config: Config },
  OpenPort extends Port<Service>,
> {
  readonly #bind: (at: SocketAddress, config: Config) => OpenPort;
  /** By the address as configured. */
  #open = new Map<string, OpenPort>();

  /** @param bind Binds an address, or throws a {@linkcode NetError}. */
  constructor(bind: (at: SocketAddress, config: Config) => OpenPort) {
    this.#bind = bind;
  }

  /** In the order of the configuration. */
  get open(): Iterable<OpenPort> {
    return this.#open.values();
  }

  /**
   * Binds what `listeners` want and is not bound. To commit, give what every listener's addresses are to serve.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
  async change(
    listeners: readonly Config[],
  ): Promise<Change<[serviceOf: (config: Config) => Service]>> {
    const wanted = new Map<string, Config>();
    for (const listener of listeners) {
      for (const address of boundAddresses(listener.addresses)) {
        wanted.set(formatAddress({ address, port: listener.port }), listener);
      }
    }
    const fresh = new Map<string, OpenPort>();
    const released = new Map<string, OpenPort>();
    const rollback = async () => {
      for (const port of fresh.values()) await port.close();
      for (const [key, { serves }] of released) {
        const port = this.#bindAt(key, serves!.config);
        port.serves = serves;
        this.#open.set(key, port);
      }
    };
    try {
      for (const [key, listener] of wanted) {
        if (!this.#open.has(key)) fresh.set(key, await this.#make(key, listener, wanted, released));
      }
    } catch (error) {
      await rollback();
      throw error;
    }
    return { rollback, commit: (serviceOf) => this.#commit(wanted, fresh, serviceOf) };
  }

  /** Closes all; resolves when every address is free again. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((port) => port.close()));
  }

  /** Binds an address, and for that, if need be, closes those that stand in its way and are not wanted any more. */
  async #make(
    key: string,
    listener: Config,
    wanted: ReadonlyMap<string, Config>,
    released: Map<string, OpenPort>,
  ): Promise<OpenPort> {
    try {
      return this.#bindAt(key, listener);
    } catch (error) {
      // From one address of a port to all of them, or back: the old one stands in the way until it is closed.
      const inTheWay = [...this.#open].filter(([other, { serves }]) =>
        !wanted.has(other) && serves?.config.port === listener.port
      );
      if (!(error instanceof NetError && error.code === "in_use") || inTheWay.length === 0) {
        throw error;
      }
      for (const [other, port] of inTheWay) {
        released.set(other, port);
        this.#open.delete(other);
        await port.close();
      }
      return this.#bindAt(key, listener);
    }
  }

  #bindAt(key: string, config: Config): OpenPort {
    const at = {
      address: key.slice(0, key.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1"),
      port: config.port,
    };
    try {
      return this.#bind(at, config);
    } catch (error) {
      throw error instanceof NetError ? cannotListen(at, error) : error;
    }
  }

  #commit(
    wanted: ReadonlyMap<string, Config>,
    fresh: ReadonlyMap<string, OpenPort>,
    serviceOf: (config: Config) => Service,
  ): void {
    const before = this.#open;
    this.#open = new Map();
    for (const [key, listener] of wanted) {
      const port = before.get(key) ?? fresh.get(key)!;
      port.serves = serviceOf(listener);
      this.#open.set(key, port);
      before.delete(key);
    }
    for (const port of before.values()) void port.close();
  }
}

/** The addresses to bind: where `::` is one of them it takes IPv4 too, and no IPv4 address could be bound beside it. */
export function boundAddresses(addresses: readonly string[]): readonly string[] {
  return addresses.includes("::")
    ? addresses.filter((address) => address.includes(":"))
    : addresses;
}

/** Whether what came to `local` came to an address that is configured, and not to an IPv4 one that `::` took along. */
export function isFor(local: SocketAddress, { addresses }: ListenerAddresses): boolean {
  return !addresses.includes("::") || local.address.includes(":") ||
    addresses.includes("0.0.0.0") || addresses.includes(local.address);
}
