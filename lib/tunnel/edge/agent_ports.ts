/**
 * Where the edge listens for agents, and the doors that the proxy brings others to.
 *
 * @module
 */
import { acceptAll } from "../../accept_loop.ts";
import { formatAddress, type SocketAddress } from "../../addr.ts";
import { cannotListen } from "../../cannot_listen.ts";
import type { EdgeConfig } from "../../config/config.ts";
import { boundAddresses, type Change, isFor } from "../../ports.ts";
import { type Conn, type Listener, NetError } from "../../runtime/runtime.ts";
import type { EdgeParts } from "./parts.ts";

const BACKLOG = 1024;

export interface AgentPortsParts extends EdgeParts {
  /** Takes an agent's connection. */
  readonly take: (conn: Conn) => void;
}

interface Open {
  readonly listener: Listener;
  readonly isSecure: boolean;
}

/** The edge's own port, on every address. */
export class AgentPorts {
  readonly #parts: AgentPortsParts;
  /** By the address as configured. */
  #open = new Map<string, Open>();
  #serves: { readonly addresses: readonly string[]; readonly port: number } | undefined;

  constructor(parts: AgentPortsParts) {
    this.#parts = parts;
  }

  get addresses(): readonly SocketAddress[] {
    return Array.from(this.#open.values(), ({ listener }) => listener.address);
  }

  /**
   * Binds what is not bound yet; what it returns makes the change, or calls it off.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
  async change({ port, addresses, insecure }: EdgeConfig): Promise<Change> {
    const wanted = new Map<string, SocketAddress>();
    for (const address of port === undefined ? [] : boundAddresses(addresses)) {
      const at = { address, port: port! };
      wanted.set(formatAddress(at), at);
    }
    const fresh = new Map<string, Open>();
    const closeAll = (all: Iterable<Open>) =>
      Promise.all(Array.from(all, ({ listener }) => listener.close())).then(() => {});
    const isKept = (key: string) => this.#open.get(key)?.isSecure === !insecure;
    try {
      for (const [key, at] of wanted) {
        if (isKept(key)) continue;
        // Plain in the place of secured, or the other way round: the port is the same.
        await this.#open.get(key)?.listener.close();
        fresh.set(key, { listener: await this.#listen(at, !insecure), isSecure: !insecure });
      }
    } catch (error) {
      await closeAll(fresh.values());
      throw error;
    }
    return {
      rollback: () => closeAll(fresh.values()),
      commit: () => {
        const before = this.#open;
        this.#open = new Map();
        for (const key of wanted.keys()) {
          this.#open.set(key, fresh.get(key) ?? before.get(key)!);
          if (!fresh.has(key)) before.delete(key);
        }
        this.#serves = port === undefined ? undefined : { addresses, port };
        void closeAll(before.values());
        for (const { listener } of fresh.values()) this.#acceptFrom(listener);
      },
    };
  }

  /** Accepts nothing more; resolves when every address is free again. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(({ listener }) => listener.close()));
  }

  async #listen(at: SocketAddress, isSecure: boolean): Promise<Listener> {
    const { net, tls } = this.#parts;
    try {
      return await (isSecure ? tls : net).listen({ ...at, backlog: BACKLOG });
    } catch (error) {
      throw error instanceof NetError ? cannotListen(at, error) : error;
    }
  }

  #acceptFrom(listener: Listener): void {
    void acceptAll(listener, this.#parts, (conn) => {
      if (this.#serves !== undefined && isFor(conn.local, this.#serves)) this.#parts.take(conn);
      else conn.close();
    });
  }
}
