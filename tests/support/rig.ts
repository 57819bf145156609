import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { ConnectionRecord } from "../../lib/access_log.ts";
import type { SocketAddress } from "../../lib/addr.ts";
import type { Config, TcpListenerConfig, UdpListenerConfig } from "../../lib/config/config.ts";
import type { Log } from "../../lib/log.ts";
import { type Lookup, Resolver } from "../../lib/resolver.ts";
import type { Conn } from "../../lib/runtime/runtime.ts";
import { Server } from "../../lib/server.ts";
import { ManualClock } from "./clock.ts";
import type { MemoryPeer } from "./memory_datagrams.ts";
import { type MemoryConn, MemoryNet } from "./memory_net.ts";

export const CLIENT: SocketAddress = { address: "192.0.2.1", port: 50_000 };

const TTLS = { minTtl: 30_000, maxTtl: 3_600_000 };

/** One byte a character. */
export const bytesOf = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A server on a Net and a clock in memory, with backends and clients around it. */
export class Rig {
  readonly clock = new ManualClock();
  readonly net: MemoryNet;
  readonly lines: string[] = [];
  readonly server: Server;
  readonly #records: ConnectionRecord[] = [];
  #recorded: (() => void) | undefined;

  /** @param lookup Answers for names; without it there are none. */
  constructor(
    net = (clock: ManualClock) => new MemoryNet(clock),
    lookup: Lookup = () => Promise.reject(new Error("no names here")),
  ) {
    this.net = net(this.clock);
    const log: Log = {
      access: (record) => {
        this.#records.push(record);
        this.#recorded?.();
      },
      debug: () => {},
      info: (message) => this.lines.push(message),
      warning: (message) => this.lines.push(message),
      error: (message, properties) => this.lines.push(`${message} ${properties?.["what"]}`),
    };
    this.server = new Server({
      net: this.net,
      clock: this.clock,
      resolver: new Resolver(lookup, this.clock, TTLS, log),
      random: () => 0,
      log,
    });
  }

  /** Runs listeners with these settings. */
  apply(listeners: readonly TcpListenerConfig[], changes: Partial<Config> = {}): Promise<void> {
    return this.server.apply({
      tcp: listeners,
      udp: [],
      maxConnections: 1024,
      maxFlows: 2048,
      drainTimeout: 30_000,
      engine: "portable",
      threads: 1,
      dns: TTLS,
      ...changes,
    });
  }

  /** A backend on `port` that does `serve` with every connection, and gives its name to who asks by connecting. */
  backend(port: number, serve: (conn: Conn) => Promise<void> = echo): void {
    const listener = this.net.listen({ address: "127.0.0.1", port, backlog: 16 });
    (async () => {
      for (;;) serve(await listener.accept()).catch(() => {});
    })().catch(() => {});
  }

  /** Runs listeners of datagrams alone. */
  applyUdp(listeners: readonly UdpListenerConfig[], changes: Partial<Config> = {}): Promise<void> {
    return this.apply([], { udp: listeners, ...changes });
  }

  /** A backend of datagrams on `port` that answers each with its name and what it got; without a name, with nothing. */
  responder(port: number, name?: string): MemoryPeer {
    const peer = this.net.peer({ address: "127.0.0.1", port });
    peer.onDatagram = (datagram, from) => {
      if (name !== undefined) peer.send(Uint8Array.of(...bytesOf(`${name}:`), ...datagram), from);
    };
    return peer;
  }

  /** A connection of a client to the first listener. */
  async client(from: SocketAddress = CLIENT): Promise<MemoryConn> {
    const to = this.server.addresses[0]?.address;
    assert.ok(to, "nothing is listened on");
    return await this.net.connectFrom(from, to);
  }

  /** The record of the next connection to end, in the order of their ends. */
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
  async close(...clients: readonly MemoryConn[]): Promise<void> {
    this.server.close();
    for (const client of clients) client.close();
    await settled();
    this.net.close();
    assert.deepEqual(this.lines.filter((line) => line.includes("fault")), []);
  }
}

/** Everything that promises can still do in memory is done after a turn of the event loop. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sends back what it gets. */
export async function echo(conn: Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  for (let length; (length = await conn.read(buffer)) != null;) {
    await conn.write(buffer.subarray(0, length));
  }
  await conn.closeWrite();
  conn.close();
}

/** Answers with `name` and what it got, once the client has ended. */
export function named(name: string): (conn: Conn) => Promise<void> {
  return async (conn) => {
    const got = await readAll(conn);
    await conn.write(bytesOf(`${name}:${got}`));
    await conn.closeWrite();
    conn.close();
  };
}

/** Says `greeting` before it hears anything. */
export function greeting(text: string): (conn: Conn) => Promise<void> {
  return async (conn) => {
    await conn.write(bytesOf(text));
    await echo(conn);
  };
}

/** Everything up to the end of the stream, one character a byte. */
export async function readAll(conn: Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(1024);
  for (let length; (length = await conn.read(buffer)) != null;) {
    text += new TextDecoder("latin1").decode(buffer.subarray(0, length));
  }
  return text;
}

/** Sends `text`, ends its side and gives the answer. */
export async function ask(conn: Conn, text: string): Promise<string> {
  await conn.write(bytesOf(text));
  await conn.closeWrite();
  return await readAll(conn);
}
