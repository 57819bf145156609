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
import {
  type Answer,
  answer,
  formatAnswer,
  parseRequest,
  type Request,
  type Site,
  type Stream,
} from "./http.ts";

export interface HttpServerParts {
  readonly net: Pick<Net, "listen">;
  readonly clock: Clock;
  readonly site: Site;
  /** Told when a page could not be made. */
  readonly onFault: (error: unknown) => void;
}

/** Most connections at once, of one request each: enough for several who look at the same time. Others are closed. */
const MOST_CONNECTIONS = 16;
/** Most of them that are a stream: who asks for one more is told so, and pages are still to be had. */
const MOST_STREAMS = 8;
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
  #streams = 0;
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
      const { answer, request } = await this.#answer(conn);
      const { clock, site } = this.#parts;
      const bytes = formatAnswer(answer, clock.date(), request, site.fields);
      if (this.#closed) return;
      if (typeof answer.body === "string" || request?.method === "HEAD") {
        await endWith(conn, bytes, this.#timeouts, PATIENCE);
      } else await this.#stream(conn, bytes, answer.body);
    } catch (error) {
      // A client that leaves is no fault.
      if (!(error instanceof NetError)) this.#parts.onFault(error);
    } finally {
      conn.close();
      this.#open.delete(conn);
    }
  }

  /** Reads a request and makes its answer. */
  async #answer(conn: Conn): Promise<{ readonly answer: Answer; readonly request?: Request }> {
    const { site, onFault } = this.#parts;
    const deadline = this.#timeouts.start(PATIENCE);
    const parsed = await new Head(MOST_HEAD).parse(conn, deadline, parseRequest)
      .finally(() => deadline.cancel());
    if (parsed.kind === "no") {
      return { answer: { status: 400, body: "no request, or not in time\n" } };
    }
    const { request } = parsed;
    const made = await answer(request, site).catch((error: unknown): Answer => {
      onFault(error);
      return { status: 500, body: "internal error\n" };
    });
    const isTooMuch = typeof made.body !== "string" && this.#streams === MOST_STREAMS;
    return { request, answer: isTooMuch ? { status: 503, body: "too many look on\n" } : made };
  }

  /** Lets a stream write as long as the client is there and reads. */
  async #stream(conn: Conn, head: Uint8Array, stream: Stream): Promise<void> {
    const write = async (bytes: Uint8Array) => {
      if (this.#closed) throw new NetError("closed", "the server is closed");
      const limit = this.#timeouts.start(PATIENCE, () => conn.close());
      await conn.write(bytes).finally(() => limit.cancel());
    };
    this.#streams++;
    void this.#untilGone(conn);
    try {
      await write(head);
      await stream({ write });
    } finally {
      this.#streams--;
    }
  }

  /** What a client says behind its request is thrown away; when it ends, the connection is closed. */
  async #untilGone(conn: Conn): Promise<void> {
    try {
      const into = new Uint8Array(1024);
      while (await conn.read(into) != null);
    } catch (error) {
      if (!(error instanceof NetError)) this.#parts.onFault(error);
    }
    conn.close();
  }
}
