/**
 * The way of a TCP connection through sluice, top to bottom: admitted, its client known, its route decided on its
 * first bytes, a backend connected, piped, and at its end one line in the access log.
 *
 * @module
 */
import type { ConnectionRecord, EndReason } from "./access_log.ts";
import type { Facts } from "../probes/mod.ts";
import { type Acl, permits } from "./acl.ts";
import { parseIp, type SocketAddress } from "./addr.ts";
import type { ListenerConfig, ProxyVersion, Route } from "./config/config.ts";
import { dial, type Dialled, release } from "./dial.ts";
import { decideOnHead, Head } from "./head.ts";
import type { ListenerLoad } from "./listener_load.ts";
import type { Log } from "./log.ts";
import type { LivePool } from "./pool.ts";
import { encodeProxyHeader, parseProxyHeader } from "./proxy_protocol.ts";
import { refuse } from "./refuse.ts";
import type { RouteTable } from "./routing.ts";
import {
  type Clock,
  type Conn,
  type Deadline,
  type Net,
  NetError,
  type PipeEnd,
} from "./runtime/runtime.ts";
import type { Timeout, Timeouts } from "./timeouts.ts";

/** A listener as its connections see it. A reload makes a new one; those under way keep theirs. */
export interface TcpListener {
  readonly config: ListenerConfig;
  readonly table: RouteTable;
  /** The list that can be asked before the route is known; absent when there is none, or a route has its own. */
  readonly earlyAcl?: Acl;
  /** The pool of every route that forwards. */
  readonly pools: ReadonlyMap<Route, LivePool>;
  /** The same one after a reload. */
  readonly load: ListenerLoad;
}

/** What connections share. */
export interface TcpParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly log: Log;
  /** Every connection that is not over; each adds and removes itself. */
  readonly live: Set<TcpConnection>;
  /** Most of them at once. */
  maxConnections: number;
}

const END_REASONS: Readonly<Record<PipeEnd, EndReason>> = {
  ended: "ended",
  downstream_reset: "client_reset",
  upstream_reset: "backend_reset",
  idle_timeout: "idle_timeout",
  closed: "drained",
};

const NOTHING = new Uint8Array(0);

/** One connection. Owns its two sockets. */
export class TcpConnection {
  readonly #downstream: Conn;
  readonly #listener: TcpListener;
  readonly #parts: TcpParts;
  #client: SocketAddress;
  /** What the client connected to, where a PROXY header says. */
  #destination: SocketAddress | undefined;
  #clientCounted = false;
  #dialled: Extract<Dialled, { kind: "connected" }> | undefined;
  #ended = false;
  #over = Promise.resolve();
  readonly #counts = { up: 0, down: 0 };
  readonly #accepted: number;
  /** What the access log will say, filled in on the way. */
  readonly #record: { -readonly [Key in keyof ConnectionRecord]: ConnectionRecord[Key] };

  constructor(id: number, downstream: Conn, listener: TcpListener, parts: TcpParts) {
    this.#downstream = downstream;
    this.#listener = listener;
    this.#parts = parts;
    this.#client = downstream.remote;
    this.#accepted = parts.clock.now();
    this.#record = {
      time: parts.clock.date(),
      id,
      listener: listener.config.name,
      client: this.#client,
      up: 0,
      down: 0,
      duration: 0,
      reason: "internal_error",
    };
  }

  /** Resolves when it is over; never rejects. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Carries it from here to its end. */
  start(): void {
    this.#over = this.#run();
  }

  async #run(): Promise<void> {
    this.#parts.live.add(this);
    this.#listener.load.active++;
    this.#end(await this.#carry().catch((error) => this.#reasonOf(error)));
  }

  /** Ends it because sluice ends. */
  close(): void {
    this.#end("drained");
  }

  /** Closes what it holds and leaves its record. Who ends it first says why. */
  #end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#downstream.close();
    if (this.#dialled !== undefined) {
      this.#dialled.conn.close();
      release(this.#dialled.backend);
    }
    const { load } = this.#listener;
    if (this.#clientCounted) load.remove(this.#client.address);
    load.active--;
    const { live, log } = this.#parts;
    live.delete(this);
    this.#record.reason = reason;
    this.#record.client = this.#client;
    // Below zero where the backend did not even take sluice's own header.
    this.#record.up = Math.max(0, this.#counts.up);
    this.#record.down = this.#counts.down;
    this.#record.duration = this.#elapsed();
    log.access(this.#record);
  }

  async #carry(): Promise<EndReason> {
    const { config } = this.#listener;
    const overload = this.#overload();
    if (overload !== undefined) return overload;
    const head = new Head(config.probeMaxBytes);
    const found = await this.#findRoute(head);
    return typeof found === "string" ? found : await this.#forward(found, head.bytes);
  }

  /** Why there are too many connections to take this one too. */
  #overload(): EndReason | undefined {
    const { live, maxConnections } = this.#parts;
    const { config, load } = this.#listener;
    if (live.size > maxConnections) return "limit_total";
    if (load.active > (config.maxConnections ?? Infinity)) return "limit_listener";
    return undefined;
  }

  /** The route that takes the connection, found within the probe timeout; or why none does. */
  async #findRoute(head: Head): Promise<Route | EndReason> {
    const { config, table, earlyAcl } = this.#listener;
    const deadline = this.#parts.timeouts.start(config.probeTimeout);
    try {
      if (config.trustedProxies !== undefined && !await this.#readProxyHeader(head, deadline)) {
        return "bad_proxy_header";
      }
      if (!this.#countClient()) return "limit_client";
      if (earlyAcl !== undefined && !permits(earlyAcl, this.#client.address)) {
        return await this.#deny(earlyAcl);
      }
      const decision = await decideOnHead(this.#downstream, head, table, deadline);
      this.#noteRoute(decision);
      if (decision.kind === "reject") return decision.reason;
      const acl = earlyAcl === undefined ? decision.route.acl ?? config.acl : undefined;
      if (acl !== undefined && !permits(acl, this.#client.address)) return await this.#deny(acl);
      return decision.route;
    } finally {
      deadline.cancel();
    }
  }

  /** Reads the header that a proxy in front must send, and takes the client's address from it. */
  async #readProxyHeader(head: Head, deadline: Deadline): Promise<boolean> {
    const ip = parseIp(this.#client.address);
    if (ip === undefined || !this.#listener.config.trustedProxies?.has(ip)) return false;
    let result = parseProxyHeader(head.bytes, false);
    while (result.kind === "need") {
      const state = await head.fill(this.#downstream, result.bytes, deadline);
      result = parseProxyHeader(head.bytes, state !== "open");
    }
    if (result.kind === "no") return false;
    head.skip(result.header.length);
    this.#client = result.header.source ?? this.#client;
    this.#destination = result.header.destination;
    return true;
  }

  /** Counts the connection for its client; says whether the client may have it. */
  #countClient(): boolean {
    const { config, load } = this.#listener;
    this.#clientCounted = true;
    return load.add(this.#client.address) <= (config.maxConnectionsPerIp ?? Infinity);
  }

  async #deny({ message }: Acl): Promise<EndReason> {
    if (message !== undefined) await refuse(this.#downstream, message, this.#parts.timeouts);
    return "acl_denied";
  }

  #noteRoute({ facts, route }: { readonly facts?: Facts; readonly route?: Route }): void {
    this.#record.timeToRoute = this.#elapsed();
    if (route !== undefined) this.#record.route = route.name;
    if (facts === undefined) return;
    this.#record.protocol = facts.protocol;
    if (facts.serverName !== undefined) this.#record.serverName = facts.serverName;
    if (facts.alpns !== undefined) this.#record.alpns = facts.alpns;
    if (facts.host !== undefined) this.#record.host = facts.host;
  }

  /** Connects a backend of the route, gives it the head, and copies until it is over. */
  async #forward(route: Route, head: Uint8Array): Promise<EndReason> {
    const { net, clock } = this.#parts;
    const { connectTimeout, connectRetries, keepalive, idleTimeout } = this.#listener.config;
    const pool = this.#listener.pools.get(route);
    if (pool === undefined || route.action.kind === "reject") {
      throw new TypeError(`route ${route.name} has no pool`);
    }
    const limits = { timeout: connectTimeout, retries: connectRetries };
    const dialled = await dial(net, clock, pool, this.#client, limits);
    if (dialled.backend !== undefined) this.#record.backend = dialled.backend;
    if (dialled.kind === "failed") {
      this.#record.detail = dialled.detail;
      return "connect_failed";
    }
    if (this.#ended) {
      dialled.conn.close();
      release(dialled.backend);
      return "drained";
    }
    this.#dialled = dialled;
    this.#record.timeToConnect = this.#elapsed() - (this.#record.timeToRoute ?? 0);
    // Not earlier: an option set while the first bytes arrive waits for the kernel to take them in.
    this.#downstream.setNoDelay();
    dialled.conn.setNoDelay();
    const own = this.#proxyHeader(route.action.sendProxy);
    // The header is sluice's own: the client's bytes are counted without it.
    this.#counts.up = -own.length;
    const first = own.length === 0 ? head : concat(own, head);
    const options = { idleTimeout, counts: this.#counts, first };
    const keptAlive = keepalive === 0 ? undefined : this.#keepAlive(keepalive, dialled.conn);
    const end = await net.pipe(this.#downstream, dialled.conn, options);
    keptAlive?.cancel();
    return END_REASONS[end];
  }

  /** Not before it matters: keepalive costs a connection 9 µs, and most of them are over by then. */
  #keepAlive(idle: number, upstream: Conn): Timeout {
    return this.#parts.timeouts.start(idle, () => {
      this.#downstream.setKeepAlive(idle);
      upstream.setKeepAlive(idle);
    });
  }

  #proxyHeader(version: ProxyVersion | "none"): Uint8Array {
    return version === "none"
      ? NOTHING
      : encodeProxyHeader(version, this.#client, this.#destination ?? this.#downstream.local);
  }

  /** Why it ended, when reading its first bytes failed. */
  #reasonOf(error: unknown): EndReason {
    if (this.#ended) return "drained";
    if (error instanceof NetError) {
      this.#record.detail = error.message;
      return "client_left";
    }
    const what = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#parts.log.error("a connection ended by a fault of sluice itself: please report it", {
      what,
    });
    return "internal_error";
  }

  /** ms since it was accepted. */
  #elapsed(): number {
    return this.#parts.clock.now() - this.#accepted;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
