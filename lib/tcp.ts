/**
 * The way of a TCP connection through sluice, top to bottom: admitted, its client known, its route decided on its
 * first bytes, a backend connected, piped, and at its end one line in the access log.
 *
 * @module
 */
import type { ConnectionRecord, EndReason } from "./access_log.ts";
import type { Facts } from "../probes/probe.ts";
import { type Acl, permits } from "./acl.ts";
import { parseIp, type SocketAddress } from "./addr.ts";
import type { Backend } from "./balancing/mod.ts";
import type { Route, RouteAction } from "./config/config.ts";
import { dial, release } from "./dial.ts";
import { alertRecord, type Refused } from "./ech/alert.ts";
import { watchHandshake } from "./ech/handshake.ts";
import type { EchContext } from "./ech/opener.ts";
import type { EchRoute } from "./ech/route.ts";
import { type Decided, decideOnHead, Head } from "./head.ts";
import { KeepAlive } from "./keep_alive.ts";
import { encodeProxyHeader, parseProxyHeader } from "./proxy_protocol.ts";
import { refuse } from "./refuse.ts";
import {
  type Awaitable,
  type ByteCounts,
  type Conn,
  NetError,
  type PipeEnd,
  type PipeListener,
} from "./runtime/runtime.ts";
import type { LiveConnection, TcpListener, TcpParts } from "./tcp_parts.ts";
import type { Timeout } from "./timeouts.ts";

const END_REASONS: Readonly<Record<PipeEnd, EndReason>> = {
  ended: "ended",
  downstream_reset: "client_reset",
  upstream_reset: "backend_reset",
  idle_timeout: "idle_timeout",
  closed: "drained",
};

type Forward = Extract<RouteAction, { kind: "forward" }>;

/** What the access log says of a connection's first bytes: without the details, which only `explain` wants. */
type LoggedFacts = Pick<ConnectionRecord, "protocol" | "serverName" | "alpns" | "host">;

/** A backend is connected: what is left is to copy, beginning with these bytes for it. */
interface Opened {
  readonly upstream: Conn;
  readonly first: Uint8Array;
}

/** One connection. Owns its two sockets. */
export class TcpConnection implements LiveConnection, PipeListener {
  before: LiveConnection = this;
  after: LiveConnection = this;
  readonly #downstream: Conn;
  readonly #listener: TcpListener;
  readonly #parts: TcpParts;
  #client: SocketAddress;
  /** What the client connected to, where a PROXY header says. */
  #destination: SocketAddress | undefined;
  #clientCounted = false;
  /** There once it is connected; then its backend counts it. */
  #upstream: Conn | undefined;
  /** Where no backend could be reached, the last one that was tried. */
  #backend: Backend | undefined;
  /** Of its first bytes; later, until keepalive is turned on. */
  #timeout: Timeout | undefined;
  #ended = false;
  /** There is none before somebody asks. */
  #over: PromiseWithResolvers<void> | undefined;
  readonly #counts = { up: 0, down: 0 };
  // What the access log will say. A record is made of it at the end, so that an idle connection holds none.
  readonly #id: number;
  /** When it was accepted: ms since 1970, and on the clock that is never set. */
  readonly #time: number;
  readonly #accepted: number;
  #facts: LoggedFacts | undefined;
  #route: Route | undefined;
  #timeToRoute: number | undefined;
  #timeToConnect: number | undefined;
  #detail: string | undefined;

  constructor(id: number, downstream: Conn, listener: TcpListener, parts: TcpParts) {
    this.#downstream = downstream;
    this.#listener = listener;
    this.#parts = parts;
    this.#client = downstream.remote;
    this.#id = id;
    this.#time = parts.clock.date();
    this.#accepted = parts.clock.now();
  }

  /** Resolves when it is over; never rejects. */
  get over(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return (this.#over ??= Promise.withResolvers()).promise;
  }

  get traffic(): ByteCounts {
    const { up, down } = this.#counts;
    // Below zero where the backend did not even take sluice's own header.
    return { up: Math.max(0, up), down };
  }

  /** Carries it from here to its end. */
  start(): void {
    const { live, total } = this.#parts;
    live.append(this);
    total.own++;
    this.#listener.load.active.own++;
    void this.#run();
  }

  /** Ends where the copying begins, so that of an idle connection nothing waits here. */
  async #run(): Promise<void> {
    try {
      const opened = this.#overload() ?? await this.#open();
      if (typeof opened === "string") this.#end(opened);
      else this.#pipe(opened);
    } catch (error) {
      this.#end(this.#reasonOf(error));
    }
  }

  onPipeEnd(end: PipeEnd): void {
    this.#end(END_REASONS[end]);
  }

  /** Ends it because sluice ends. */
  close(): void {
    this.#end("drained");
  }

  /** Closes what it holds and leaves its record. Who ends it first says why. */
  #end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timeout?.cancel();
    this.#downstream.close();
    if (this.#upstream !== undefined && this.#backend !== undefined) {
      this.#upstream.close();
      release(this.#backend);
    }
    const { load } = this.#listener;
    if (this.#clientCounted) load.remove(this.#client.address);
    load.active.own--;
    const { live, total, log } = this.#parts;
    live.remove(this);
    total.own--;
    log.access(this.#recordOf(reason));
    this.#over?.resolve();
  }

  #recordOf(reason: EndReason): ConnectionRecord {
    const { up, down } = this.traffic;
    const facts = this.#facts;
    return {
      time: this.#time,
      id: this.#id,
      transport: "tcp",
      listener: this.#listener.config.name,
      client: this.#client,
      protocol: facts?.protocol,
      serverName: facts?.serverName,
      host: facts?.host,
      alpns: facts?.alpns,
      route: this.#route?.name,
      backend: this.#backend,
      up,
      down,
      duration: this.#elapsed(),
      timeToRoute: this.#timeToRoute,
      timeToConnect: this.#timeToConnect,
      reason,
      hop: this.#upstream && this.#route?.hop,
      detail: this.#detail,
    };
  }

  /** From the first byte to a backend; or why it does not come so far. */
  #open(): Awaitable<Opened | EndReason> {
    const { config } = this.#listener;
    const head = new Head(config.probeMaxBytes);
    const deadline = this.#timeout = this.#parts.timeouts.start(config.probeTimeout);
    const found = config.trustedProxies === undefined
      ? this.#findRoute(head, deadline)
      : this.#findRouteBehindProxy(head, deadline);
    return found instanceof Promise
      ? found.then((found) => this.#takeRoute(found, head))
      : this.#takeRoute(found, head);
  }

  /** On to a backend of the route, once it is known. */
  #takeRoute(found: Route | EndReason, head: Head): Awaitable<Opened | EndReason> {
    this.#timeout?.cancel();
    if (typeof found === "string") return found;
    const ech = this.#listener.ech.get(found);
    return ech === undefined
      ? this.#forward(found, head.bytes)
      : this.#forwardHidden(ech, found, head.bytes);
  }

  /** Why there are too many connections to take this one too. */
  #overload(): EndReason | undefined {
    const { total, maxConnections } = this.#parts;
    const { config, load } = this.#listener;
    if (total.all > maxConnections) return "limit_total";
    if (load.active.all > (config.maxConnections ?? Infinity)) return "limit_listener";
    return undefined;
  }

  /** The route that takes the connection, found within the probe timeout; or why none does. */
  #findRoute(head: Head, deadline: Timeout): Awaitable<Route | EndReason> {
    const { table, earlyAcl } = this.#listener;
    if (!this.#countClient()) return "limit_client";
    if (earlyAcl !== undefined && !permits(earlyAcl, this.#client.address)) {
      return this.#deny(earlyAcl);
    }
    const decision = decideOnHead(this.#downstream, head, table, deadline);
    return decision instanceof Promise
      ? decision.then((decision) => this.#permitted(decision))
      : this.#permitted(decision);
  }

  /** As {@linkcode #findRoute}, of a client that a proxy in front names. */
  async #findRouteBehindProxy(head: Head, deadline: Timeout): Promise<Route | EndReason> {
    const fault = await this.#readProxyHeader(head, deadline);
    if (fault === undefined) return await this.#findRoute(head, deadline);
    this.#detail = fault;
    return "bad_proxy_header";
  }

  /** The decided route, if its list lets the client in. */
  #permitted(decision: Decided): Awaitable<Route | EndReason> {
    this.#noteRoute(decision);
    if (decision.kind === "reject") return decision.reason;
    const { config, earlyAcl } = this.#listener;
    const acl = earlyAcl === undefined ? decision.route.acl ?? config.acl : undefined;
    return acl === undefined || permits(acl, this.#client.address)
      ? decision.route
      : this.#deny(acl);
  }

  /** Reads the header that a proxy in front must send, and takes the client's address from it; says what is wrong. */
  async #readProxyHeader(head: Head, deadline: Timeout): Promise<string | undefined> {
    const ip = parseIp(this.#client.address);
    if (!ip || !this.#listener.config.trustedProxies?.has(ip)) return "not a trusted proxy";
    const result = await head.parse(this.#downstream, deadline, parseProxyHeader);
    if (result.kind === "no") return head.bytes.length === 0 ? "sent nothing" : "no valid header";
    head.skip(result.header.length);
    this.#client = result.header.source ?? this.#client;
    this.#destination = result.header.destination;
    return undefined;
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

  /** Turns a client away for its hello, in words of TLS. */
  async #alert({ alert, detail }: Refused): Promise<EndReason> {
    this.#detail = `${alert}: ${detail}`;
    await refuse(this.#downstream, alertRecord(alert), this.#parts.timeouts);
    return alert === "unrecognized_name" ? "no_route" : "bad_client_hello";
  }

  #noteRoute({ facts, route }: { readonly facts?: Facts; readonly route?: Route }): void {
    this.#timeToRoute = this.#elapsed();
    if (route !== undefined) this.#route = route;
    if (facts === undefined) return;
    const { protocol, serverName, alpns, host } = facts;
    this.#facts = { protocol, serverName, alpns, host };
  }

  /** Forwards a client that may hide whom it asks for: there, if it does, and else as the route says. */
  async #forwardHidden(
    ech: EchRoute,
    route: Route,
    head: Uint8Array,
  ): Promise<Opened | EndReason> {
    const decision = await ech.decide(head);
    if (decision.kind === "refused") return await this.#alert(decision);
    if (decision.kind === "public") return await this.#forward(route, head);
    this.#noteRoute(decision);
    return await this.#forward(decision.route, decision.head, decision.context);
  }

  /** Connects a backend of the route, and takes part in the handshake of an opened hello. */
  async #forward(
    route: Route,
    head: Uint8Array,
    ech?: EchContext,
  ): Promise<Opened | EndReason> {
    const { connectTimeout, connectRetries } = this.#listener.config;
    const pool = this.#listener.pools.get(route);
    if (pool === undefined || route.action.kind === "reject") {
      throw new TypeError(`route ${route.name} has no pool`);
    }
    const limits = { timeout: connectTimeout, retries: connectRetries };
    const dialled = await dial(this.#parts, pool, this.#client, limits);
    this.#backend = dialled.backend;
    this.#detail = dialled.detail;
    if (dialled.kind === "failed") return "connect_failed";
    if (this.#ended) {
      dialled.conn.close();
      release(dialled.backend);
      return "drained";
    }
    this.#upstream = dialled.conn;
    this.#timeToConnect = this.#elapsed() - (this.#timeToRoute ?? 0);
    // Not earlier: an option set while the first bytes arrive waits for the kernel to take them in.
    this.#downstream.setNoDelay();
    dialled.conn.setNoDelay();
    const first = this.#withProxyHeader(route.action, head);
    // The header is sluice's own: the client's bytes are counted without it.
    this.#counts.up = head.length - first.length;
    return ech === undefined
      ? { upstream: dialled.conn, first }
      : await this.#watch(dialled.conn, first, ech);
  }

  /** Copies until it is over. */
  #pipe({ upstream, first }: Opened): void {
    const { keepalive, idleTimeout } = this.#listener.config;
    const options = { idleTimeout, counts: this.#counts, first };
    // Not before it matters: keepalive costs a connection 9 µs, and most of them are over by then.
    if (keepalive > 0) {
      const timeout = new KeepAlive(this.#downstream, upstream, keepalive);
      this.#timeout = this.#parts.timeouts.begin(keepalive, timeout);
    }
    this.#parts.net.pipe(this.#downstream, upstream, options, this);
  }

  /** Takes part in the handshake of an opened hello, until there is nothing left but to copy. */
  async #watch(
    upstream: Conn,
    hello: Uint8Array,
    ech: EchContext,
  ): Promise<Opened | EndReason> {
    const deadline = this.#parts.timeouts.start(this.#listener.config.probeTimeout);
    const parts = { deadline, counts: this.#counts };
    const result = await watchHandshake(this.#downstream, upstream, hello, ech, parts)
      .finally(() => deadline.cancel());
    switch (result.kind) {
      case "pipe":
        return { upstream, first: result.first };
      case "refused":
        return await this.#alert(result);
      case "failed":
        this.#detail = result.detail;
        return result.reason;
      default:
        return result satisfies never;
    }
  }

  /** The head, behind a PROXY header where the backend wants one. */
  #withProxyHeader({ sendProxy: version, proxyField }: Forward, head: Uint8Array): Uint8Array {
    if (version === "none") return head;
    const destination = this.#destination ?? this.#downstream.local;
    const fields = proxyField && [proxyField];
    const header = encodeProxyHeader(version, this.#client, destination, fields);
    const joined = new Uint8Array(header.length + head.length);
    joined.set(header);
    joined.set(head, header.length);
    return joined;
  }

  /** Why it ended, when reading its first bytes failed. */
  #reasonOf(error: unknown): EndReason {
    if (this.#ended) return "drained";
    if (error instanceof NetError) {
      this.#detail = error.message;
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
