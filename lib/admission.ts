/**
 * From the first datagrams of a client to its flow: admitted, known again or its route decided, its backend chosen. The
 * decision may need several datagrams; what waits for it is bounded.
 *
 * @module
 */
import { permits } from "./acl.ts";
import { clientOf, formatAddress, unmapped } from "./addr.ts";
import type { Candidate, Client } from "./balancing/mod.ts";
import type { UdpRoute } from "./config/config.ts";
import { type DatagramDecision, decideDatagrams } from "./datagram_routing.ts";
import { choose } from "./dial.ts";
import type { DropReason } from "./drops.ts";
import { refuses } from "./flow_backend.ts";
import { isFor } from "./ports.ts";
import type { Peer, ReplySocket } from "./runtime/runtime.ts";
import type { Session } from "./sessions.ts";
import { Flow } from "./flow.ts";
import type { Course, SessionTarget, UdpListener, UdpParts } from "./udp_parts.ts";
import { type Entrance, Newcomer, Waiting } from "./waiting.ts";

/** Protocols of routes that take whatever comes: that they take a datagram says nothing about it. */
const UNSPECIFIC: readonly string[] = ["regex", "any"];

/** Takes the datagrams that belong to no flow. */
export class Admission {
  readonly #parts: UdpParts;
  readonly #waiting = new Waiting();

  constructor(parts: UdpParts) {
    this.#parts = parts;
  }

  /** Takes a datagram; its bytes are the caller's again when this returns. */
  take(datagram: Uint8Array, peer: Peer, at: ReplySocket, entrance: Entrance): void {
    const waiting = this.#waiting.get(at, peer);
    if (waiting !== undefined) return this.#goOn(waiting, datagram.slice());
    const listener = entrance.serves;
    const client = { address: unmapped(peer.hostname), port: peer.port };
    if (listener === undefined || !isForClient(client.address, at, listener)) return;
    const newcomer = new Newcomer({
      at,
      peer,
      client,
      clientKey: clientOf(client.address),
      socketKey: `${peer.hostname} ${peer.port} ${formatAddress(at.local)}`,
      since: this.#parts.clock.now(),
    }, entrance);
    const obstacle = this.#obstacle(newcomer, listener);
    if (obstacle !== undefined) return this.#parts.drops.add(obstacle, client);
    const known = this.#knownCourse(newcomer, datagram, listener);
    if (known !== undefined) this.#begin(newcomer, [datagram.slice()], known, listener);
    else this.#goOn(newcomer, datagram.slice());
  }

  /** Drops what waits at a socket that is closed: nobody could answer it. */
  abandon(at: ReplySocket): void {
    for (const newcomer of [...this.#waiting.at(at)]) {
      this.#waiting.remove(newcomer);
      this.#parts.drops.add("draining", newcomer.origin.client, newcomer.datagrams.length);
    }
  }

  /** Why a newcomer cannot have a flow, whatever it says. */
  #obstacle({ origin }: Newcomer, { config, earlyAcl, load }: UdpListener): DropReason | undefined {
    const { flows, total, isDraining, maxFlows } = this.#parts;
    if (isDraining) return "draining";
    if (earlyAcl !== undefined && !permits(earlyAcl, origin.client.address)) return "acl_denied";
    if (load.active.all >= (config.maxFlows ?? Infinity)) return "limit_listener";
    if (load.of(origin.clientKey) >= (config.maxFlowsPerIp ?? Infinity)) return "limit_client";
    const isFull = total.all >= maxFlows && flows.oldestUnproven === undefined;
    return isFull ? "limit_total" : undefined;
  }

  /**
   * Where a client's session is that goes on: by an ID in its datagram, or because its port was heard of not long ago
   * and begins nothing new.
   */
  #knownCourse(
    { origin }: Newcomer,
    datagram: Uint8Array,
    listener: UdpListener,
  ): Course | undefined {
    const { sessions, table } = listener;
    if (sessions === undefined) return undefined;
    const found = sessions.find(datagram, origin.clientKey);
    const session = found ?? sessions.recall(origin.socketKey);
    if (session === undefined) return undefined;
    if (found === undefined) {
      if (sessions.opens(datagram)) return undefined;
      // What is told by its first datagram goes where that says, unless it is more of the same.
      const decision = decideDatagrams(table, [datagram], true);
      const isSpecific = decision.kind !== "wait" && decision.facts !== undefined &&
        !UNSPECIFIC.includes(decision.facts.protocol);
      if (isSpecific && decision.route?.name !== session.target.route) return undefined;
    }
    const course = courseTo(session, origin.client, listener);
    if (course === undefined) {
      session.forget();
      return undefined;
    }
    const isUp = course.backend.downUntil <= this.#parts.clock.now();
    const isAllowed = mayUse(course.route, origin.client.address, listener.config);
    return isUp && isAllowed ? course : undefined;
  }

  /** Takes another datagram of a newcomer, which is the newcomer's own. */
  #goOn(newcomer: Newcomer, datagram: Uint8Array): void {
    const { drops, timeouts } = this.#parts;
    const listener = newcomer.entrance.serves!;
    if (newcomer.isDecided) {
      if (!this.#keep(newcomer, datagram)) drops.add("waiting_full", newcomer.origin.client);
      return;
    }
    const datagrams = [...newcomer.datagrams, datagram];
    const decision = decideDatagrams(listener.table, datagrams, false);
    if (decision.kind === "wait" && this.#keep(newcomer, datagram)) {
      newcomer.deadline ??= timeouts.start(listener.config.probeTimeout, () => {
        this.#settle(newcomer);
      });
      return;
    }
    const settled = decision.kind === "wait"
      ? decideDatagrams(listener.table, datagrams, true)
      : decision;
    this.#act(newcomer, datagrams, settled, listener);
  }

  /** Keeps a datagram; where all that may wait does, those go on who have waited for longest. */
  #keep(newcomer: Newcomer, datagram: Uint8Array): boolean {
    while (!this.#waiting.hasRoom(datagram.length)) {
      const { oldest } = this.#waiting;
      if (oldest === undefined || oldest === newcomer) break;
      this.#settle(oldest);
    }
    return this.#waiting.add(newcomer, datagram);
  }

  /** Goes on with what there is, because nothing more is waited for. */
  #settle(newcomer: Newcomer): void {
    const { datagrams, origin } = newcomer;
    const listener = newcomer.entrance.serves!;
    if (newcomer.isDecided) {
      this.#waiting.remove(newcomer);
      this.#parts.drops.add("waiting_full", origin.client, datagrams.length);
      return;
    }
    const decision = decideDatagrams(listener.table, datagrams, true);
    this.#act(newcomer, datagrams, decision, listener);
  }

  #act(
    newcomer: Newcomer,
    datagrams: readonly Uint8Array[],
    decision: DatagramDecision,
    listener: UdpListener,
  ): void {
    const { client } = newcomer.origin;
    const drop = (reason: DropReason) => {
      this.#waiting.remove(newcomer);
      // More may have come while its backend's name was looked up.
      const count = Math.max(datagrams.length, newcomer.datagrams.length);
      this.#parts.drops.add(reason, client, count);
    };
    // With nothing more waited for it is always decided.
    if (decision.kind === "wait") return drop("no_route");
    if (decision.kind === "reject") return drop(decision.reason);
    const { route, facts } = decision;
    const isEarly = listener.earlyAcl !== undefined;
    if (!isEarly && !mayUse(route, client.address, listener.config)) return drop("acl_denied");
    const pool = listener.pools.get(route);
    if (pool === undefined) throw new TypeError(`route ${route.name} has no pool`);
    const open = (candidates: readonly Candidate[], all: readonly Uint8Array[]) => {
      if (candidates.length === 0) return drop("no_backend");
      const balanced = { ...client, ...facts?.quicCid !== undefined && { quicCid: facts.quicCid } };
      const now = this.#parts.clock.now();
      if (candidates.every(({ backend }) => refuses(backend, now))) return drop("no_backend");
      const { backend } = choose(pool.balance, candidates, balanced, now);
      const course = { route, pool, backend, client: balanced, ...facts && { facts } };
      this.#begin(newcomer, all, course, listener);
    };
    const candidates = pool.candidates();
    if (!(candidates instanceof Promise)) return open(candidates, datagrams);
    newcomer.isDecided = true;
    newcomer.deadline?.cancel();
    const last = datagrams.at(-1)!;
    if (newcomer.datagrams.at(-1) !== last && !this.#keep(newcomer, last)) {
      return drop("waiting_full");
    }
    candidates.then((found) => {
      if (this.#waiting.has(newcomer)) open(found, newcomer.datagrams);
    }).catch((error) => {
      this.#parts.log.error("a client could not be taken", { what: String(error?.stack ?? error) });
      drop("internal_error");
    });
  }

  /** Makes the newcomer a flow, where there is room for one. */
  #begin(
    newcomer: Newcomer,
    datagrams: readonly Uint8Array[],
    course: Course,
    listener: UdpListener,
  ): void {
    this.#waiting.remove(newcomer);
    const { drops, flows, total, maxFlows } = this.#parts;
    // Others may have taken the last place while it waited.
    const obstacle = this.#obstacle(newcomer, listener);
    if (obstacle !== undefined) {
      return drops.add(obstacle, newcomer.origin.client, datagrams.length);
    }
    // One that may be made up gives way; those whose clients are known to be there do not.
    if (total.all >= maxFlows) flows.oldestUnproven?.end("evicted");
    new Flow(newcomer.origin, course, listener, this.#parts).start(datagrams);
  }
}

/** The way to where a session is, if the configuration still has it. */
function courseTo(
  session: Session<SessionTarget>,
  client: Client,
  { config, pools }: UdpListener,
): Course | undefined {
  const { target: { route: name, backend }, protocol } = session;
  const routes = config.defaultRoute ? [...config.routes, config.defaultRoute] : config.routes;
  const route = routes.find((each) => each.name === name);
  const pool = route && pools.get(route);
  if (route === undefined || !pool?.known.some((candidate) => candidate.backend === backend)) {
    return undefined;
  }
  const facts = protocol !== undefined && { facts: { protocol } };
  return { route, pool, backend, client, session, ...facts };
}

/** The most specific list decides. */
function mayUse(
  route: UdpRoute,
  address: string,
  { acl }: UdpListener["config"],
): boolean {
  const list = route.acl ?? acl;
  return list === undefined || permits(list, address);
}

/** A socket that takes all addresses of both families shows by the client which one it was. */
function isForClient(address: string, { local }: ReplySocket, { config }: UdpListener): boolean {
  const isMapped = local.address === "::" && !address.includes(":");
  return isFor(isMapped ? { ...local, address: "0.0.0.0" } : local, config);
}
