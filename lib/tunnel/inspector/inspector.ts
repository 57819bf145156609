/**
 * The inspector: a page on this machine that shows what visitors ask an agent's http endpoints, and what they are
 * answered. **It asks nobody who he is**: everybody on this machine can see it.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../../addr.ts";
import type { Conn } from "../../runtime/runtime.ts";
import { Timeouts } from "../../timeouts.ts";
import type { Answer, Page, Request } from "../../web/http.ts";
import { HttpServer } from "../../web/server.ts";
import type { Exchange, OnExchange } from "../http/exchange.ts";
import { turnAway } from "./guard.ts";
import { files, HEADERS } from "./page/mod.ts";
import type { InspectorParts } from "./parts.ts";
import { obstacleTo, replay } from "./replay.ts";
import { Store } from "./store.ts";
import { detailsOf } from "./view.ts";
import { type Sample, Viewers } from "./viewers.ts";

/** The throughput chart shows as many seconds. */
const SECONDS = 120;
/** Most replays at once. */
const MOST_REPLAYS = 8;

/** Listens until it is closed. */
export class Inspector {
  readonly #parts: InspectorParts;
  readonly #server: HttpServer;
  readonly #timeouts: Timeouts;
  readonly #store = new Store();
  readonly #viewers: Viewers;
  readonly #samples: Sample[] = [];
  #seconds = 0;
  #moved: Sample;
  /** Those under way, with those that are not connected yet. */
  #replays = 0;
  readonly #replaying = new Set<Conn>();
  #closed = false;

  /**
   * @param at An address of loopback.
   * @throws {RangeError} If it is another one.
   * @throws {NetError} If it cannot be listened on, naming it.
   */
  constructor(at: SocketAddress, parts: InspectorParts) {
    if (!/^127\.|^::1$/.test(at.address)) {
      throw new RangeError(`the inspector is for this machine alone, not for ${at.address}`);
    }
    const { net, clock, onFault } = this.#parts = parts;
    this.#timeouts = new Timeouts(clock);
    this.#viewers = new Viewers(this.#store, this.#timeouts, () => ({
      status: { ...parts.status(), now: clock.date() },
      samples: this.#samples,
      seconds: this.#seconds,
    }));
    const pages = new Map<string, Page>([
      ...files,
      ["/exchange", (request) => this.#details(request)],
      [
        "/events",
        () => ({ status: 200, body: this.#viewers.stream, contentType: "text/event-stream" }),
      ],
    ]);
    const actions = new Map<string, Page>([["/replay", (request) => this.#replay(request)]]);
    const guard = (request: Request) => turnAway(request, this.#server.address.port);
    const site = { pages, actions, guard, fields: HEADERS };
    this.#server = new HttpServer(at, { net, clock, onFault, site });
    this.#moved = parts.status().bytes;
    this.#sample();
  }

  /** Where a browser finds it. */
  get url(): string {
    return `http://${formatAddress(this.#server.address)}/`;
  }

  /** Takes in an exchange of an endpoint, or what is new about it. */
  readonly observe: OnExchange = (exchange, event) => {
    for (const id of this.#store.observe(exchange, event)) this.#viewers.exchangeChanged(id);
    if (event !== "kept") this.#viewers.exchangeChanged(exchange.id);
  };

  /** The agent's status is another one. */
  changed(): void {
    this.#viewers.statusChanged();
  }

  /** Resolves when its address is free again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#viewers.close();
    this.#timeouts.close();
    for (const conn of this.#replaying) conn.close();
    await this.#server.close();
  }

  /** Once a second: how much was moved in it. */
  #sample(): void {
    this.#timeouts.start(1_000, () => {
      const { bytes } = this.#parts.status();
      this.#seconds++;
      this.#samples.push({ up: bytes.up - this.#moved.up, down: bytes.down - this.#moved.down });
      if (this.#samples.length > SECONDS) this.#samples.shift();
      this.#moved = bytes;
      this.#viewers.statusChanged();
      this.#sample();
    });
  }

  #details(request: Request): Answer {
    const exchange = this.#asked(request);
    if (exchange === undefined) return gone();
    const reveals = new URLSearchParams(request.query).has("reveal");
    return json(200, detailsOf(exchange, reveals));
  }

  /** Answers as soon as the request is on its way: what comes of it is in the list. */
  async #replay(request: Request): Promise<Answer> {
    const exchange = this.#asked(request);
    if (exchange === undefined) return gone();
    const obstacle = obstacleTo(exchange);
    if (obstacle !== undefined) {
      return json(409, { error: `It cannot be sent again: ${obstacle}.` });
    }
    if (this.#replays === MOST_REPLAYS) return json(429, { error: "Too many are under way." });
    const { clock, connect, onFault } = this.#parts;
    this.#replays++;
    let conn: Conn;
    try {
      conn = await connect(exchange.place.endpoint);
    } catch (error) {
      this.#replays--;
      const why = error instanceof Error ? error.message : String(error);
      return json(502, { error: `The service cannot be reached: ${why}.` });
    }
    if (this.#closed) {
      this.#replays--;
      conn.close();
      return json(502, { error: "The agent ends." });
    }
    const begun = Promise.withResolvers<number>();
    const onExchange: OnExchange = (replayed, event) => {
      this.observe(replayed, event);
      begun.resolve(replayed.id);
    };
    this.#replaying.add(conn);
    replay(exchange, conn, { clock, timeouts: this.#timeouts, onExchange }).catch(onFault)
      .finally(() => {
        this.#replays--;
        this.#replaying.delete(conn);
      });
    return json(200, { id: await begun.promise });
  }

  #asked({ query }: Request): Exchange | undefined {
    return this.#store.get(Number(new URLSearchParams(query).get("id")));
  }
}

function json(status: Answer["status"], body: object): Answer {
  return { status, body: JSON.stringify(body), contentType: "application/json" };
}

function gone(): Answer {
  return json(404, { error: "It is no longer kept." });
}
