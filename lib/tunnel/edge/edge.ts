/**
 * The tunnel's public side: agents log in, and what they expose gets visitors.
 *
 * ```
 * agent   → own port, or listener → door → Gate: TLS, login → Control: endpoints, heartbeats, tickets
 *                                               or ticket → ChannelPool: ready for a visitor
 * visitor → listener → Door: name → endpoint ┐
 *           port of an endpoint ─────────────┴→ visit: allowed? which process? → data channel → relay → a line
 * ```
 *
 * @module
 */
import { acceptAll } from "../../accept_loop.ts";
import { formatAddress, type SocketAddress } from "../../addr.ts";
import type { Config, EdgeConfig } from "../../config/config.ts";
import type { Change } from "../../ports.ts";
import type { Listener } from "../../runtime/runtime.ts";
import type { Timeout } from "../../timeouts.ts";
import { unguessable } from "../auth.ts";
import type { EdgeCertificate } from "../certificate.ts";
import { formatPin } from "../pin.ts";
import { addressOf } from "./addresses.ts";
import { AgentPorts } from "./agent_ports.ts";
import type { Control } from "./control.ts";
import { Door } from "./door.ts";
import { type Endpoint, Endpoints } from "./endpoints.ts";
import { Gate } from "./gate.ts";
import { type EdgeGauges, gaugesOf } from "./gauges.ts";
import { Account, type EdgeParts, type LiveVisit, LiveVisits, type Server } from "./parts.ts";
import { openPort } from "./ports.ts";
import { type Doors, withEdge } from "./routes.ts";
import { Tickets } from "./tickets.ts";

const LOOPBACK = { address: "127.0.0.1", port: 0, backlog: 1024 };
/** Numbers of visits begin here, so that none is the number of a connection too. */
const FIRST_ID = 2 ** 40;
/** How often tickets that have expired are taken away, ms. */
const TICK = 5_000;

interface DoorListeners {
  readonly visitors: Listener;
  readonly agents: Listener;
}

/** Runs one configuration at a time. Owns its listeners, every channel and every visit. */
export class Edge {
  readonly #parts: EdgeParts;
  readonly #key = unguessable();
  readonly #live = new LiveVisits();
  readonly #accounts = new Map<string, Account>();
  readonly #tickets: Tickets<Control>;
  readonly #endpoints: Endpoints<Server>;
  readonly #gate: Gate;
  readonly #door: Door;
  readonly #agentPorts: AgentPorts;
  readonly #doors: DoorListeners;
  #config: Config;
  #edge: EdgeConfig;
  #pin: string | undefined;
  #lastId = FIRST_ID;
  #tick: Timeout;

  /**
   * Opens the doors, and nothing else: {@linkcode change} makes a configuration run.
   * @throws {NetError} If loopback cannot be listened on.
   */
  static async start(config: Config, edge: EdgeConfig, parts: EdgeParts): Promise<Edge> {
    const visitors = parts.net.listen(LOOPBACK);
    const agents = await parts.tls.listen(LOOPBACK);
    return new Edge(config, edge, { visitors, agents }, parts);
  }

  private constructor(config: Config, edge: EdgeConfig, doors: DoorListeners, parts: EdgeParts) {
    const { clock, timeouts, random, log } = parts;
    this.#config = config;
    this.#edge = edge;
    this.#doors = doors;
    this.#parts = parts;
    this.#tickets = new Tickets(clock);
    const visits = {
      clock,
      timeouts,
      log,
      live: this.#live,
      nextId: () => ++this.#lastId,
      rejoin: (...channel: Parameters<Gate["rejoin"]>) => void this.#gate.rejoin(...channel),
    };
    const ports = {
      ...parts,
      ...visits,
      addresses: () => this.#edge.addresses,
      hasRoom: (transport: LiveVisit["transport"]) => this.#hasRoom(transport),
    };
    this.#endpoints = new Endpoints(edge, {
      timeouts,
      random,
      openPort: (endpoint) => openPort(endpoint, ports),
    });
    const controls = {
      endpoints: this.#endpoints,
      tickets: this.#tickets,
      addressOf: (endpoint: Endpoint<Server>) => addressOf(endpoint, this.#edge, this.#config),
    };
    this.#gate = new Gate(edge, undefined, {
      ...parts,
      ...controls,
      key: this.#key,
      accountOf: (id) => this.#accounts.get(id),
    });
    this.#door = new Door({
      ...visits,
      endpoints: this.#endpoints,
      domain: () => this.#edge.domain,
      key: this.#key,
    });
    this.#agentPorts = new AgentPorts({
      ...parts,
      take: (conn) => void this.#gate.take(conn, "direct"),
    });
    void acceptAll(doors.visitors, parts, (conn) => void this.#door.take(conn));
    void acceptAll(doors.agents, parts, (conn) => void this.#gate.take(conn, "door"));
    this.#tick = timeouts.start(TICK, this.#expireTickets);
  }

  /** Where agents come to, besides the listeners. */
  get addresses(): readonly SocketAddress[] {
    return this.#agentPorts.addresses;
  }

  get gauges(): EdgeGauges {
    return gaugesOf(this.#live.all, this.#gate.controls, this.#endpoints.all);
  }

  /**
   * Binds what is not bound yet; what it returns makes the change, or calls it off.
   * @param certificate Absent where agents come without TLS.
   * @throws {NetError} When an address cannot be listened on, naming it; then everything is as it was.
   */
  async change(
    config: Config,
    edge: EdgeConfig,
    certificate: EdgeCertificate | undefined,
  ): Promise<Change> {
    const { commit, rollback } = await this.#agentPorts.change(edge);
    return {
      rollback,
      commit: () => {
        commit();
        this.#configure(config, edge, certificate);
      },
    };
  }

  /** What the proxy is to run beside it. */
  configOf(config: Config, edge: EdgeConfig): Config {
    const { visitors, agents } = this.#doors;
    const doors: Doors = {
      visitors: visitors.address,
      ...edge.insecure ? {} : { agents: agents.address },
      key: this.#key,
    };
    return withEdge(config, doors);
  }

  /** Takes nobody new, and sends agents away; resolves when the last visitor has left. */
  async drain(): Promise<void> {
    this.#stopListening();
    for (const control of [...this.#gate.controls]) {
      control.end("draining", "the edge is ending: come back");
    }
    this.#endpoints.close();
    await Promise.all(Array.from(this.#live.all, ({ over }) => over));
  }

  /** Closes everything now. */
  close(reason: "drained" | "revoked" = "drained"): void {
    this.#stopListening();
    const code = reason === "revoked" ? "revoked" : "draining";
    for (const control of [...this.#gate.controls]) control.end(code, "the edge has ended");
    this.#endpoints.close();
    for (const visit of [...this.#live.all]) visit.close(reason);
    this.#tick.cancel();
  }

  #stopListening(): void {
    void this.#agentPorts.close();
    void this.#doors.visitors.close();
    void this.#doors.agents.close();
    this.#gate.close();
    this.#door.close();
  }

  #configure(config: Config, edge: EdgeConfig, certificate: EdgeCertificate | undefined): void {
    const before = this.#edge;
    this.#config = config;
    this.#edge = edge;
    const known = new Set(edge.agents.map(({ id }) => id));
    for (const agent of edge.agents) {
      const account = this.#accounts.get(agent.id);
      if (account !== undefined) account.configure(agent);
      else this.#accounts.set(agent.id, new Account(agent, this.#parts.clock));
    }
    this.#gate.configure(edge, certificate);
    this.#endpoints.configure(edge);
    const isRevoked = ({ identity: { account: { config }, tokenHash } }: Control) =>
      !known.has(config.id) || !config.tokenHashes.includes(tokenHash);
    for (const control of this.#gate.outlived) if (isRevoked(control)) control.endVisits("revoked");
    for (const control of [...this.#gate.controls]) {
      if (isRevoked(control)) {
        control.end("revoked", "the agent's token is no longer good");
      } else if (isElsewhere(before, edge) || !control.endpoints.every(this.#isPermitted, this)) {
        control.end("draining", "the configuration of the edge has changed: come back");
      }
    }
    for (const id of this.#accounts.keys()) if (!known.has(id)) this.#accounts.delete(id);
    if (isElsewhere(before, edge)) this.#endpoints.giveUpPorts();
    this.#tellWhere(certificate);
  }

  #tellWhere(certificate: EdgeCertificate | undefined): void {
    const pin = certificate === undefined ? "none" : formatPin(certificate.pin);
    if (pin === this.#pin) return;
    this.#pin = pin;
    const { log } = this.#parts;
    const { listeners } = this.#edge;
    const own = this.addresses.map(formatAddress);
    const shared = this.#edge.insecure ? [] : listeners.map((name) => `listener ${name}`);
    log.info(`edge: agents come to ${[...own, ...shared].join(", ")}`);
    if (certificate === undefined) log.warning("edge: insecure = true, agents come without TLS");
    else log.info(`edge: its certificate has the pin ${pin}`);
  }

  #isPermitted(endpoint: Endpoint<Server>): boolean {
    return this.#endpoints.permits(endpoint);
  }

  /** Whether visitors of the edge's own ports are fewer than connections, or flows, may be over all listeners. */
  #hasRoom(transport: LiveVisit["transport"]): boolean {
    const { maxConnections, maxFlows } = this.#config;
    return this.#live.own[transport] < (transport === "tcp" ? maxConnections : maxFlows);
  }

  readonly #expireTickets = (): void => {
    for (const control of this.#tickets.expire()) control.pool.ticketExpired();
    this.#tick = this.#parts.timeouts.start(TICK, this.#expireTickets);
  };
}

/** Whether what agents were told of where they are found holds no longer. */
function isElsewhere(before: EdgeConfig, after: EdgeConfig): boolean {
  return before.domain !== after.domain || before.addresses.join() !== after.addresses.join();
}
