/**
 * Connections of the Linux plane, two by two, and what tests do with them that the seam does not have.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { KernelPipes } from "../../lib/runtime/linux/kernel_pipes.ts";
import type { RelayParts } from "../../lib/runtime/linux/relay.ts";
import type { LinuxConn } from "../../lib/runtime/linux/streams.ts";
import type { Conn, Listener, Net, PipeEnd, PipeOptions } from "../../lib/runtime/runtime.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { ManualClock } from "./clock.ts";
import { type LinuxModules, linuxTest, linuxTurning } from "./linux_net.ts";

/** A client, a server, and a pipe between them, whose connections are closed behind it. */
export interface Piped {
  readonly client: Conn;
  readonly server: Conn;
  readonly downstream: Conn;
  readonly upstream: Conn;
  readonly counts: { up: number; down: number };
  readonly end: Promise<PipeEnd>;
}

const NOTHING = new Uint8Array(0);

/** A Net of the plane that is turned, and what was opened with it. */
export class StreamRig {
  readonly net: Net;
  readonly listener: Listener;
  /** Those that {@linkcode pipe} takes. */
  readonly pipes: KernelPipes;
  readonly #modules: LinuxModules;
  readonly #turning;
  readonly #parts: RelayParts;
  readonly #opened: Conn[] = [];

  constructor(modules: LinuxModules) {
    this.#modules = modules;
    const clock = new ManualClock();
    this.#turning = linuxTurning(modules, clock);
    this.net = this.#turning.net;
    this.pipes = new modules.KernelPipes();
    this.#parts = {
      poller: this.#turning.poller,
      timeouts: new Timeouts(clock),
      pipes: this.pipes,
      buffer: modules.relayBuffer(),
    };
    this.listener = this.net.listen({ address: "127.0.0.1", port: 0, backlog: 128 });
  }

  /** Closes it in the end. */
  own(conn: Conn): Conn {
    this.#opened.push(conn);
    return conn;
  }

  /** A connection to the listener. */
  async connect(): Promise<Conn> {
    return this.own(await this.net.connect(this.listener.address, { timeout: 1000 }));
  }

  /** The two ends of a connection, the one that connected first. */
  async pair(): Promise<[Conn, Conn]> {
    const accepting = this.listener.accept();
    return [await this.connect(), this.own(await accepting)];
  }

  pipe(downstream: Conn, upstream: Conn, options: Partial<PipeOptions> = {}): Promise<PipeEnd> {
    const defaults = { first: NOTHING, idleTimeout: 0, counts: { up: 0, down: 0 } };
    return new Promise((onPipeEnd) =>
      this.#modules.relay(
        downstream as LinuxConn,
        upstream as LinuxConn,
        { ...defaults, ...options },
        this.#parts,
        { onPipeEnd },
      )
    );
  }

  async piped(first: Uint8Array = NOTHING): Promise<Piped> {
    const [client, downstream] = await this.pair();
    const [upstream, server] = await this.pair();
    const counts = { up: 0, down: 0 };
    const end = this.pipe(downstream, upstream, { first, counts }).finally(() => {
      downstream.close();
      upstream.close();
    });
    return { client, server, downstream, upstream, counts, end };
  }

  /** Writes until nothing more is taken, which it goes on to wait for. */
  async flood(conn: Conn): Promise<void> {
    conn.write(new Uint8Array(64 << 20)).catch(() => {});
    for (let i = 0; i < 50; i++) await setImmediate();
  }

  /** Ends a connection as a crash does. */
  reset(conn: Conn): void {
    (conn as LinuxConn).resetOnClose();
    conn.close();
  }

  /** What the kernel has for an option of a connection over IPv4. */
  option(conn: Conn, level: number, name: number): number {
    return this.#modules.libc.getOption(descriptorOf(conn), level, name);
  }

  close(): void {
    for (const each of this.#opened) each.close();
    void this.listener.close();
    this.pipes.close();
    this.#turning.close();
  }
}

/** Registers a test with a rig of its own. */
export function streamTest(
  sentence: string,
  body: (rig: StreamRig) => void | Promise<void>,
): void {
  linuxTest(`Linux: ${sentence}`, async (modules) => {
    const rig = new StreamRig(modules);
    try {
      await body(rig);
    } finally {
      rig.close();
    }
  });
}

/** The descriptor of a connection over IPv4, by its ports. */
function descriptorOf({ local, remote }: Conn): number {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const row = new RegExp(`^ *\\d+: \\w+:${hex(local.port)} \\w+:${hex(remote.port)} (.*)$`, "m");
  const inode = readFileSync("/proc/net/tcp", "utf8").match(row)?.[1]?.split(/ +/)[6];
  const fd = readdirSync("/proc/self/fd").find((fd) => {
    return linkOf(`/proc/self/fd/${fd}`) === `socket:[${inode}]`;
  });
  assert.ok(fd !== undefined, "no such connection");
  return Number(fd);
}

/** The directory was read through a descriptor that is listed in it and closed by now. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** How many descriptors this process has. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** What comes until the end of the stream. */
export async function readBytes(conn: Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  for (let length; (length = await conn.read(buffer)) != null;) {
    chunks.push(buffer.slice(0, length));
  }
  return Buffer.concat(chunks);
}

export async function assertReads(conn: Conn, text: string): Promise<void> {
  const into = new Uint8Array(text.length);
  for (let at = 0; at < into.length;) {
    const length = await conn.read(into.subarray(at));
    assert.ok(length != null, `the stream ended after ${at} bytes`);
    at += length;
  }
  assert.equal(new TextDecoder().decode(into), text);
}
