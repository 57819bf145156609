import assert from "node:assert/strict";
import type { Resolved } from "../../lib/resolver.ts";
import { Resolver } from "../../lib/resolver.ts";
import type { Conn } from "../../lib/runtime/runtime.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { Agent, type AgentEnd } from "../../lib/tunnel/agent/agent.ts";
import type { AgentConfig, EndpointConfig } from "../../lib/tunnel/agent/config.ts";
import type { Journal, Served, VisitRecord } from "../../lib/tunnel/agent/journal.ts";
import { createToken } from "../../lib/tunnel/auth.ts";
import type { Tap } from "../../lib/tunnel/tap.ts";
import { ManualClock } from "./clock.ts";
import { MemoryNet } from "./memory_net.ts";
import { memoryPin, MemoryTls } from "./memory_tls.ts";
import { settled } from "./rig.ts";
import { ScriptedEdge } from "./scripted_edge.ts";

export const TOKEN = createToken("alice");

/** An endpoint of tcp for the service on port 3000, or what else is said. */
export function endpoint(changes: Partial<EndpointConfig> = {}): EndpointConfig {
  return {
    label: "shell",
    kind: "tcp",
    service: { host: "127.0.0.1", port: 3000 },
    allow: [],
    ...changes,
  };
}

/** Remembers what was told, a line each. */
export class MemoryJournal implements Journal {
  readonly lines: string[] = [];
  readonly visits: VisitRecord[] = [];

  serving(endpoints: readonly Served[]): void {
    this.lines.push(`serving ${endpoints.map(({ address }) => address).join(" ")}`);
  }
  back(): void {
    this.lines.push("back");
  }
  away(why: string, pause: number): void {
    this.lines.push(`away ${pause}: ${why}`);
  }
  rejected(label: string, code: string, message: string): void {
    this.lines.push(`rejected ${label} ${code}: ${message}`);
  }
  serviceFailed(label: string, why: string): void {
    this.lines.push(`failed ${label}: ${why}`);
  }
  serviceAnswers(label: string): void {
    this.lines.push(`answers ${label}`);
  }
  visited(visit: VisitRecord): void {
    this.visits.push(visit);
    const { label, kind, visitor, up, down, reason } = visit;
    this.lines.push(`visited ${label} ${kind} ${visitor} ${up}/${down} ${reason}`);
  }
  answered(): void {}
  note(text: string): void {
    this.lines.push(text);
  }
  warn(text: string): void {
    this.lines.push(text);
  }

  /** The lines since the last call. */
  take(): readonly string[] {
    return this.lines.splice(0);
  }
}

/** Passes everything on. */
export const TAP: Tap = {
  up: (bytes) => bytes,
  down: (bytes) => bytes,
  upEnded: () => {},
  downEnded: () => {},
  closed: () => {},
  answer: undefined,
};

/** An agent on a Net, a Tls and a clock in memory, and an edge of which the test says every word. */
export class AgentRig {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly tls = new MemoryTls(this.net, this.clock);
  readonly edge = new ScriptedEdge(this.net, this.tls);
  readonly journal = new MemoryJournal();
  readonly config: AgentConfig;
  readonly agent: Agent;
  readonly ended: Promise<AgentEnd>;
  readonly #timeouts = new Timeouts(this.clock);

  /** @param addresses Of the names that there are. */
  constructor(
    changes: Partial<AgentConfig> = {},
    { addresses = {}, isEdgeThere = true }: {
      readonly addresses?: Readonly<Record<string, Resolved["addresses"]>>;
      readonly isEdgeThere?: boolean;
    } = {},
  ) {
    if (!isEdgeThere) void this.edge.close();
    this.config = {
      edge: { host: "127.0.0.1", port: 7835 },
      token: TOKEN,
      trust: { kind: "pin", sha256: memoryPin("c") },
      endpoints: [endpoint()],
      inspector: "none",
      ...changes,
    };
    const { clock, net, tls, journal } = this;
    const lookup = (name: string) =>
      name in addresses
        ? Promise.resolve({ addresses: addresses[name]!, ttl: Promise.resolve(0) })
        : Promise.reject(new Error("no such name"));
    const silent = { info: () => {}, warning: () => {} };
    this.agent = new Agent(this.config, {
      net,
      tls,
      clock,
      timeouts: this.#timeouts,
      resolver: new Resolver(lookup, clock, { minTtl: 0, maxTtl: 0 }, silent),
      random: () => 1,
      journal,
      software: "sluice under test",
      tapOf: () => TAP,
    });
    this.ended = this.agent.run();
  }

  /** A service on a port of loopback. */
  service(port: number, serve: (conn: Conn) => Promise<void>, address = "127.0.0.1"): void {
    const listener = this.net.listen({ address, port, backlog: 16 });
    (async () => {
      for (;;) {
        const conn = await listener.accept();
        void serve(conn).catch(() => {}).finally(() => conn.close());
      }
    })().catch(() => {});
  }

  /** Moves time on by `ms`, once everything that is under way has come to a stand. */
  async pass(ms: number): Promise<void> {
    await settled();
    this.clock.advance(ms);
    await settled();
  }

  /** Ends everything, and checks that every socket was closed by its owner. */
  async close(): Promise<void> {
    this.agent.close();
    await this.edge.close();
    // An attempt that is under way comes to its end.
    await this.pass(20_000);
    await this.ended;
    this.net.close();
    this.#timeouts.close();
    assert.deepEqual(this.journal.lines.filter((line) => line.includes("fault")), []);
    assert.equal(this.net.open, 0, "connections were left open");
  }
}
