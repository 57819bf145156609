/**
 * What the datagram sockets of Bun have in common.
 *
 * @module
 */
import { bun } from "./bun_api.ts";
import { netError } from "./bun_errors.ts";
import { NetError, type Sending } from "./runtime.ts";

/**
 * The socket that Bun promises: it is there at once, and what goes wrong is thrown.
 * @throws {NetError}
 */
export function opened<Socket>(open: () => Promise<Socket>): Socket {
  try {
    const socket = bun().peek(open());
    if (!(socket instanceof Promise)) return socket;
  } catch (error) {
    throw netError(error);
  }
  throw new NetError("other", "this version of Bun opens sockets later");
}

interface Unsent {
  readonly send: () => boolean;
  readonly resolve: () => void;
}

/** Datagrams that the kernel did not take, in their order. */
export class SendQueue {
  readonly #unsent: Unsent[] = [];

  get length(): number {
    return this.#unsent.length;
  }

  /** @param send Tries again; says whether the kernel took it. Throws nothing. */
  add(send: () => boolean): Sending {
    return new Promise((resolve) => this.#unsent.push({ send, resolve }));
  }

  /** Sends what the kernel takes by now. */
  flush(): void {
    for (let next; (next = this.#unsent[0]) !== undefined && next.send();) {
      this.#unsent.shift();
      next.resolve();
    }
  }

  /** Sends none of them. */
  clear(): void {
    for (const { resolve } of this.#unsent.splice(0)) resolve();
  }
}
