/**
 * Who serves which name and which port, and who may.
 *
 * @module
 */
import type { AgentConfig, EdgeConfig, PortRange } from "../../config/config.ts";
import {
  countPorts,
  formatPorts,
  hasPort,
  nthPort,
  withoutPorts,
} from "../../config/port_ranges.ts";
import { NetError } from "../../runtime/runtime.ts";
import type { Timeout, Timeouts } from "../../timeouts.ts";
import type { EndpointKind, MessageOf, Rejection } from "../messages.ts";
import { freeName, isFreeName, isName, mayClaim } from "./names.ts";

/** What visitors reach: a name or a port that belongs to an agent. */
export interface Endpoint<Server> {
  readonly kind: EndpointKind;
  /** Its name, or its port. */
  readonly place: string | number;
  /** The id of the agent. */
  readonly agent: string;
  /** Processes of the agent that serve it; none while the agent is away. */
  readonly servers: Set<Server>;
}

interface Held<Server> extends Endpoint<Server> {
  /** Of a port: closes it. */
  readonly close: () => void;
  /** Until an endpoint without servers is given up. */
  grace?: Timeout;
}

export type Claim<Server> =
  | { readonly ok: true; readonly endpoint: Endpoint<Server> }
  | { readonly ok: false; readonly code: Rejection; readonly message: string };

export interface EndpointParts<Server> {
  readonly timeouts: Timeouts;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /**
   * Opens the port of a new endpoint of tcp or udp; returns what closes it.
   * @throws {NetError} If it cannot be had.
   */
  readonly openPort: (endpoint: Endpoint<Server>) => () => void;
}

/** Ports that the system refuses are passed over, so many times. */
const MOST_REFUSED = 10;

/** The endpoints of an edge. */
export class Endpoints<Server> {
  readonly #parts: EndpointParts<Server>;
  /** By kind and place. */
  readonly #held = new Map<string, Held<Server>>();
  #config: EdgeConfig;

  constructor(config: EdgeConfig, parts: EndpointParts<Server>) {
    this.#config = config;
    this.#parts = parts;
  }

  /** Those that some agent has, here or away. */
  get all(): Iterable<Endpoint<Server>> {
    return this.#held.values();
  }

  get(kind: EndpointKind, place: string | number): Endpoint<Server> | undefined {
    return this.#held.get(`${kind} ${place}`);
  }

  /** Takes a configuration over. Endpoints without servers that it does not permit are given up. */
  configure(config: EdgeConfig): void {
    this.#config = config;
    for (const endpoint of this.#held.values()) {
      if (endpoint.servers.size === 0 && !this.permits(endpoint)) this.#giveUp(endpoint);
    }
  }

  /** Whether the configuration permits an endpoint to who has it. */
  permits({ kind, place, agent: id }: Endpoint<Server>): boolean {
    const agent = this.#config.agents.find((agent) => agent.id === id);
    if (agent === undefined || !this.#isServed(kind)) return false;
    return typeof place === "string"
      ? mayClaim(agent.names, place) || isFreeName(place)
      : hasPort(this.#portsOf(agent), place);
  }

  /** Gives an agent what it wants, or says why it cannot be had. Whoever gets an endpoint joins it at once. */
  claim(agent: AgentConfig, wanted: MessageOf<"open">): Claim<Server> {
    const { kind } = wanted;
    if (!this.#isServed(kind)) {
      return rejected(
        "not_served",
        kind === "http" || kind === "tls"
          ? "this edge has no listener for names"
          : "this edge has no ports for tcp and udp (tcp_ports)",
      );
    }
    return kind === "http" || kind === "tls"
      ? this.#claimName(agent, kind, wanted)
      : this.#claimPort(agent, kind, wanted);
  }

  /** Adds who serves it. */
  join(endpoint: Endpoint<Server>, server: Server): void {
    const held = this.#heldOf(endpoint);
    held?.grace?.cancel();
    held?.servers.add(server);
  }

  /** Takes away who served it; the last one's place is kept for a while, unless it is given up. */
  leave(endpoint: Endpoint<Server>, server: Server, isGivenUp: boolean): void {
    const held = this.#heldOf(endpoint);
    if (held === undefined || !held.servers.delete(server) || held.servers.size > 0) return;
    const { gracePeriod } = this.#config;
    if (isGivenUp || gracePeriod === 0 || !this.permits(held)) return this.#giveUp(held);
    held.grace = this.#parts.timeouts.start(gracePeriod, () => this.#giveUp(held));
  }

  /** Closes the ports that nobody serves: where they are listened on has changed. */
  giveUpPorts(): void {
    for (const endpoint of this.#held.values()) {
      if (typeof endpoint.place === "number" && endpoint.servers.size === 0) this.#giveUp(endpoint);
    }
  }

  /** Gives all up. */
  close(): void {
    for (const endpoint of this.#held.values()) this.#giveUp(endpoint);
  }

  #claimName(
    agent: AgentConfig,
    kind: EndpointKind,
    { name, generated = false }: MessageOf<"open">,
  ): Claim<Server> {
    if (name !== undefined && !generated) {
      if (!isName(name)) {
        const message =
          `"${name}" cannot be a name: expected letters, digits and "-", 63 at most, such as "blog"`;
        return rejected("name_invalid", message);
      }
      if (!mayClaim(agent.names, name)) {
        const may = agent.names.length === 0
          ? "its names are chosen by the edge"
          : `its names are ${agent.names.join(", ")}`;
        return rejected("name_not_allowed", `agent ${agent.id} may not have "${name}": ${may}`);
      }
      return this.#hold(agent, kind, name) ??
        rejected("name_taken", `the name "${name}" is taken by another agent`);
    }
    if (name !== undefined && isFreeName(name)) {
      const again = this.#hold(agent, kind, name);
      if (again !== undefined) return again;
    }
    const reserved = (name: string) =>
      this.#config.agents.some(({ names }) => names.includes(name));
    const free = freeName(
      (name) => this.#ownerOf(name) === undefined && !reserved(name),
      this.#parts.random,
    );
    return free !== undefined && this.#hold(agent, kind, free) ||
      rejected("no_free_name", "no free name was found");
  }

  #claimPort(
    agent: AgentConfig,
    kind: EndpointKind,
    { port, generated = false }: MessageOf<"open">,
  ): Claim<Server> {
    const ports = this.#portsOf(agent);
    if (port !== undefined && !generated) {
      // What the edge may choose for an agent, it may not choose itself.
      if (agent.ports === undefined || !hasPort(ports, port)) {
        const may = agent.ports === undefined ? "chosen by the edge" : formatPorts(ports);
        const message = `agent ${agent.id} may not have port ${port}: its ports are ${may}`;
        return rejected("port_not_allowed", message);
      }
      return this.#hold(agent, kind, port) ??
        rejected("port_taken", `port ${port} is taken by another agent`);
    }
    if (port !== undefined && hasPort(ports, port)) {
      const again = this.#hold(agent, kind, port);
      if (again?.ok) return again;
    }
    return this.#freePort(agent, kind, ports);
  }

  /** A port that nobody has; where to begin is left to chance, so that visitors of the last agent find another one late. */
  #freePort(agent: AgentConfig, kind: EndpointKind, ports: readonly PortRange[]): Claim<Server> {
    const all = countPorts(ports);
    const start = Math.floor(this.#parts.random() * all);
    let refused = 0;
    for (let i = 0; i < all && refused < MOST_REFUSED; i++) {
      const port = nthPort(ports, (start + i) % all);
      if (this.#ownerOf(port) !== undefined) continue;
      const claim = this.#hold(agent, kind, port);
      if (claim?.ok || claim?.code === "limit") return claim;
      refused++;
    }
    return rejected("no_free_port", `no port is free of ${formatPorts(ports)}`);
  }

  /** Makes a place the agent's, unless another agent has it. */
  #hold(agent: AgentConfig, kind: EndpointKind, place: string | number): Claim<Server> | undefined {
    const owner = this.#ownerOf(place);
    if (owner !== undefined && owner !== agent.id) return undefined;
    const known = this.get(kind, place);
    if (known !== undefined) return { ok: true, endpoint: known };
    const mine = [...this.#held.values()].filter((endpoint) => endpoint.agent === agent.id);
    if (mine.length >= agent.maxNames) {
      const message = `agent ${agent.id} has ${mine.length} names and ports, and may not have more`;
      return rejected("limit", message);
    }
    const endpoint = { kind, place, agent: agent.id, servers: new Set<Server>() };
    try {
      const close = typeof place === "number" ? this.#parts.openPort(endpoint) : () => {};
      const held: Held<Server> = { ...endpoint, close };
      this.#held.set(`${kind} ${place}`, held);
      return { ok: true, endpoint: held };
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      return rejected("port_taken", `port ${place} cannot be had: ${error.message}`);
    }
  }

  /** Who has a place, of whatever kind. */
  #ownerOf(place: string | number): string | undefined {
    const kinds = typeof place === "string" ? ["http", "tls"] as const : ["tcp", "udp"] as const;
    return kinds.map((kind) => this.get(kind, place)?.agent).find((agent) => agent !== undefined);
  }

  /** The ports that an agent may have: its own, or those that are no other's own. */
  #portsOf({ id, ports }: AgentConfig): readonly PortRange[] {
    if (ports !== undefined) return ports;
    const others = this.#config.agents.flatMap((agent) => agent.id === id ? [] : agent.ports ?? []);
    return withoutPorts(this.#config.ports, others);
  }

  #isServed(kind: EndpointKind): boolean {
    const { listeners, ports } = this.#config;
    return (kind === "http" || kind === "tls" ? listeners : ports).length > 0;
  }

  #heldOf({ kind, place }: Endpoint<Server>): Held<Server> | undefined {
    return this.#held.get(`${kind} ${place}`);
  }

  #giveUp(endpoint: Held<Server>): void {
    endpoint.grace?.cancel();
    endpoint.close();
    this.#held.delete(`${endpoint.kind} ${endpoint.place}`);
  }
}

function rejected(code: Rejection, message: string) {
  return { ok: false, code, message } as const;
}
