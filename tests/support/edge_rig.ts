import assert from "node:assert/strict";
import type { ConnectionRecord } from "../../lib/access_log.ts";
import type { SocketAddress } from "../../lib/addr.ts";
import { loadConfig } from "../../lib/config/mod.ts";
import { EdgeSlot } from "../../lib/edge_slot.ts";
import type { Log } from "../../lib/log.ts";
import { Resolver } from "../../lib/resolver.ts";
import type { Conn } from "../../lib/runtime/runtime.ts";
import { Server } from "../../lib/server.ts";
import { createToken, storedOf, type Token } from "../../lib/tunnel/auth.ts";
import { Channel } from "../../lib/tunnel/channel.ts";
import { ManualClock } from "./clock.ts";
import { type MemoryConn, MemoryNet } from "./memory_net.ts";
import { memoryPin, MemoryTls } from "./memory_tls.ts";
import { bytesOf, CLIENT, settled } from "./rig.ts";
import { ScriptedAgent } from "./scripted_agent.ts";

/** Where agents come to, and visitors. */
export const EDGE = { address: "127.0.0.1", port: 7835 } as const;
export const LISTENER = { address: "127.0.0.1", port: 80 } as const;

export const ALICE: Token = createToken("alice");
export const BOB: Token = createToken("bob");

export const hashOf = ({ secret }: Token) => storedOf(secret).toHex();

const CERTIFICATE = { certificate: "c", privateKey: "k", pin: memoryPin("c") };

/** An edge for alice and bob. `agents` is what stands behind their tables, `top` what stands above them. */
export function edgeFile(
  { alice = 'names = ["blog", "dev-*"]\nports = "20000-20002"', bob = 'names = ["*"]', edge = "" } =
    {},
): string {
  return `
listen_port = ${LISTENER.port}
listen_address_v4 = "127.0.0.1"
drain_timeout = "10s"
[edge]
domain = "t.example"
listen_port = ${EDGE.port}
tcp_ports = "20000-20005"
certificate = "edge.crt"
private_key = "edge.key"
${edge}
[edge.agents.alice]
token_sha256 = "${hashOf(ALICE)}"
${alice}
[edge.agents.bob]
token_sha256 = "${hashOf(BOB)}"
${bob}
`;
}

/** A proxy and its edge on a Net, a Tls and a clock in memory. */
export class EdgeRig {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly tls = new MemoryTls(this.net, this.clock);
  readonly lines: string[] = [];
  readonly slot: EdgeSlot;
  readonly #server: Server;
  readonly #records: ConnectionRecord[] = [];
  #recorded: (() => void) | undefined;

  constructor() {
    const line = (message: string) => void this.lines.push(message);
    const log: Log = {
      access: (record) => {
        if (record.hop !== undefined) return;
        this.#records.push(record);
        this.#recorded?.();
      },
      debug: () => {},
      info: line,
      warning: line,
      error: (message, properties) => line(`fault: ${message} ${properties?.["what"]}`),
    };
    const { clock, net } = this;
    const resolver = new Resolver(
      () => Promise.reject(new Error("no names here")),
      clock,
      { minTtl: 0, maxTtl: 0 },
      log,
    );
    this.#server = new Server({ net, clock, resolver, random: () => 0, log });
    this.slot = new EdgeSlot({
      net,
      tls: () => Promise.resolve(this.tls),
      clock,
      certificate: () => Promise.resolve(CERTIFICATE),
      log,
    });
  }

  /** Runs a configuration. */
  async apply(text: string): Promise<void> {
    const loaded = await loadConfig(text, { file: "config.toml" });
    assert.ok(loaded.ok, loaded.ok ? "" : JSON.stringify(loaded.problems));
    await this.slot.change(loaded.config, (config) => this.#server.apply(config));
  }

  /** An agent that has logged in. */
  async agent(token = ALICE, instance?: Uint8Array): Promise<ScriptedAgent> {
    const agent = await ScriptedAgent.logIn(this.tls, EDGE, token, instance);
    await settled();
    return agent;
  }

  /** A connection of a visitor. */
  visitor(to: SocketAddress = LISTENER, from: SocketAddress = CLIENT): Promise<MemoryConn> {
    return this.net.connectFrom(from, to);
  }

  /** A visitor who has asked for the page of `host`. */
  async ask(host: string, more = ""): Promise<MemoryConn> {
    const conn = await this.visitor();
    await conn.write(bytesOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`));
    return conn;
  }

  /** The record of the next visit to end, in the order of their ends. */
  async record(): Promise<ConnectionRecord> {
    while (this.#records.length === 0) {
      await new Promise<void>((resolve) => this.#recorded = resolve);
    }
    return this.#records.shift()!;
  }

  /** Moves time on by `ms`, once everything that is under way has come to a stand. */
  async pass(ms: number): Promise<void> {
    await settled();
    this.clock.advance(ms);
    await settled();
  }

  /** Ends everything, and checks that every socket was closed by its owner. */
  async close(...conns: ReadonlyArray<Conn | ScriptedAgent | Channel>): Promise<void> {
    this.slot.close();
    this.#server.close();
    for (const conn of conns) conn.close();
    await this.pass(5_000);
    this.net.close();
    assert.deepEqual(this.lines.filter((line) => line.startsWith("fault")), []);
    assert.equal(this.net.open, 0, "connections were left open");
  }
}
