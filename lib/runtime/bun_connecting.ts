/**
 * Connecting by TCP under Bun, where an attempt cannot be called off.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../addr.ts";
import type { Timeouts } from "../timeouts.ts";
import { bun, type TcpHandlers } from "./bun_api.ts";
import { BunConn, CONN_HANDLERS, type Data } from "./bun_conn.ts";
import { netError } from "./bun_errors.ts";
import { exhausted, noDescriptorIsLeft } from "./bun_spare.ts";
import { type Conn, NetError } from "./runtime.ts";

/**
 * Attempts to one address that nobody waits for any more, at most. The kernel goes on with each for two minutes and
 * more, and it takes a descriptor all the while; so at the bound there are no new ones until some have ended: each is a
 * timeout at once.
 */
const MOST_ABANDONED = 64;

/** Opens connections. */
export class Connecting {
  readonly #timeouts: Timeouts;
  /** By address and port. */
  readonly #abandoned = new Map<string, number>();

  constructor(timeouts: Timeouts) {
    this.#timeouts = timeouts;
  }

  /**
   * Connects to an IP address.
   * @param timeout ms
   * @throws {NetError} By rejecting.
   */
  connect(to: SocketAddress, timeout: number): Promise<Conn> {
    const name = formatAddress(to);
    if ((this.#abandoned.get(name) ?? 0) >= MOST_ABANDONED) {
      const why = `${MOST_ABANDONED} connections there have had no answer yet`;
      return Promise.reject(new NetError("timeout", why));
    }
    return new Promise((resolve, reject) => {
      const limit = this.#timeouts.start(timeout, () => {
        this.#count(name, 1);
        reject(new NetError("timeout", `no answer within ${timeout} ms`));
      });
      const settle = () => {
        limit.cancel();
        if (limit.passed) this.#count(name, -1);
      };
      const options = { hostname: to.address, port: to.port, allowHalfOpen: true } as const;
      const socket: TcpHandlers<Data> = {
        ...CONN_HANDLERS,
        open(socket) {
          settle();
          if (limit.passed) return socket.close();
          const isLast = noDescriptorIsLeft();
          const conn = isLast ? undefined : BunConn.of(socket);
          if (conn !== undefined) return resolve(conn);
          socket.close();
          reject(isLast ? exhausted() : new NetError("reset", "Connection reset by peer"));
        },
      };
      bun().connect({ ...options, data: undefined, socket }).catch((error) => {
        settle();
        reject(netError(error));
      });
    });
  }

  #count(name: string, more: 1 | -1): void {
    const count = (this.#abandoned.get(name) ?? 0) + more;
    if (count === 0) this.#abandoned.delete(name);
    else this.#abandoned.set(name, count);
  }
}
