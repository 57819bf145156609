/**
 * The admin endpoint: what Prometheus and a supervisor ask sluice, over HTTP. It comes and goes with `admin_address`,
 * and until then nothing of it is loaded. **It asks nobody who he is**: its address belongs on loopback, in a network
 * of administrators, or behind a packet filter.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import type { Log } from "../log.ts";
import type { Metrics, MetricSources } from "../metrics.ts";
import type { Clock, Net } from "../runtime/runtime.ts";
import type { Page, Pages } from "../web/http.ts";
import type { HttpServer } from "../web/server.ts";

export interface AdminParts {
  readonly net: Pick<Net, "listen">;
  readonly clock: Clock;
  /** What metrics are read from. */
  readonly sources: MetricSources;
  /** Whether new connections are taken. */
  readonly isReady: () => boolean;
  readonly log: Pick<Log, "error">;
}

/** The endpoint of one process, listening or not. One change at a time. */
export class AdminEndpoint {
  readonly #parts: AdminParts;
  #server: HttpServer | undefined;
  /** Absent until an address was configured for the first time. */
  #metrics: Metrics | undefined;
  #closed = false;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  /** Where it listens. */
  get address(): SocketAddress | undefined {
    return this.#server?.address;
  }

  /**
   * Does `apply`, and moves the endpoint to `address`, or ends it: both or neither.
   * @throws {Error} What `apply` throws; or a `NetError` if the address cannot be listened on, naming it.
   */
  async change(address: SocketAddress | undefined, apply: () => Promise<void>): Promise<void> {
    const before = this.#server;
    if (isSame(address, before?.address)) return await apply();
    // From one address of a port to all of them, or back: the old one stands in the way.
    const inTheWay = before !== undefined && before.address.port === address?.port;
    if (inTheWay) await before.close();
    let after: HttpServer | undefined;
    try {
      after = address && await this.#listen(address);
      await apply();
    } catch (error) {
      await after?.close();
      if (inTheWay) this.#server = await this.#listen(before.address).catch(this.#fault);
      throw error;
    }
    this.#server = after;
    if (!inTheWay) await before?.close();
    if (this.#closed) await after?.close();
  }

  /** Ends it, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#server?.close();
  }

  async #listen(address: SocketAddress): Promise<HttpServer> {
    const [{ Metrics }, { HttpServer }] = await Promise.all([
      import("../metrics.ts"),
      import("../web/server.ts"),
    ]);
    const { net, clock, sources } = this.#parts;
    this.#metrics ??= new Metrics(sources);
    const pages = this.#pages(this.#metrics);
    return new HttpServer(address, { net, clock, site: { pages }, onFault: this.#fault });
  }

  readonly #fault = (error: unknown): undefined => {
    const what = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#parts.log.error("the admin endpoint has failed", { what });
  };

  #pages(metrics: Metrics): Pages {
    const { isReady } = this.#parts;
    return new Map<string, Page>([
      ["/metrics", async () => ({
        status: 200,
        body: await metrics.expose(),
        contentType: metrics.contentType,
      })],
      ["/healthz", () => ({ status: 200, body: "alive\n" })],
      [
        "/readyz",
        () =>
          isReady()
            ? { status: 200, body: "ready\n" }
            : { status: 503, body: "takes no new connections\n" },
      ],
    ]);
  }
}

function isSame(a: SocketAddress | undefined, b: SocketAddress | undefined): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}
