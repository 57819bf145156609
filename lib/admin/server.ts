/**
 * Pages over HTTP, on sockets of the platform's Net. Not on `node:http`: under Deno a server of that stops accepting
 * for good once the process has run out of descriptors, which is when its pages are wanted most.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { cannotListen } from "../cannot_listen.ts";
import { Head } from "../head.ts";
import { endWith } from "../refuse.ts";
import { type Clock, type Conn, type Listener, type Net, NetError } from "../runtime/runtime.ts";
import { Timeouts } from "../timeouts.ts";
import { answer, formatAnswer, type Pages, parseRequest } from "./http.ts";

export interface HttpServerParts {
  readonly net: Pick<Net, "listen">;
  readonly clock: Clock;
  readonly pages: Pages;
  /** Told when a page could not be made. */
  readonly onFault: (error: unknown) => void;
}

/** Most connections at once, of one request each: enough for several who look at the same time. Others are closed. */
const MOST_CONNECTIONS = 16;
/** How long a request may take to come, and then its answer to be read, ms each. */
const PATIENCE = 5_000;
/** Most bytes of the head of a request. */
const MOST_HEAD = 8_192;
/** How long nothing is accepted after that failed, ms. */
const PAUSE = 1_000;

/** Serves its pages to everybody who can reach the address, until it is closed. */
export class HttpServer {
  readonly #parts: HttpServerParts;
  readonly #listener: Listener;
  readonly #timeouts: Timeouts;
  readonly #open = new Set<Conn>();
  #closed = false;

  /** @throws {NetError} If the address cannot be listened on, naming it. */
  constructor(at: SocketAddress, parts: HttpServerParts) {
    this.#parts = parts;
    try {
      this.#listener = parts.net.listen({ ...at, backlog: MOST_CONNECTIONS });
    } catch (error) {
      throw error instanceof NetError ? cannotListen(at, error) : error;
    }
    this.#timeouts = new Timeouts(parts.clock);
    void this.#accept();
  }

  get address(): SocketAddress {
    return this.#listener.address;
  }

  /** Closes its connections too; resolves when the address is free again. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const conn of this.#open) conn.close();
    this.#timeouts.close();
    await this.#listener.close();
  }

  async #accept(): Promise<void> {
    for (;;) {
      try {
        const conn = await this.#listener.accept();
        if (this.#open.size < MOST_CONNECTIONS && !this.#closed) void this.#serve(conn);
        else conn.close();
      } catch (error) {
        if (error instanceof NetError && error.code === "closed") return;
        // Most likely no descriptors are left, of which the listeners that matter more complain.
        await new Promise<void>((resolve) => this.#timeouts.start(PAUSE, resolve));
      }
    }
  }

  async #serve(conn: Conn): Promise<void> {
    this.#open.add(conn);
    try {
      const answer = await this.#answer(conn);
      if (!this.#closed) await endWith(conn, answer, this.#timeouts, PATIENCE);
    } catch (error) {
      // A client that leaves is no fault.
      if (!(error instanceof NetError)) this.#parts.onFault(error);
    } finally {
      conn.close();
      this.#open.delete(conn);
    }
  }

  /** Reads a request and makes what is sent in return. */
  async #answer(conn: Conn): Promise<Uint8Array> {
    const { clock, pages, onFault } = this.#parts;
    const deadline = this.#timeouts.start(PATIENCE);
    const parsed = await new Head(MOST_HEAD).parse(conn, deadline, parseRequest)
      .finally(() => deadline.cancel());
    if (parsed.kind === "no") {
      return formatAnswer({ status: 400, body: "no request, or not in time\n" }, clock.date());
    }
    const { request } = parsed;
    const made = await answer(request, pages).catch((error: unknown) => {
      onFault(error);
      return { status: 500, body: "internal error\n" } as const;
    });
    return formatAnswer(made, clock.date(), request);
  }
}
