/**
 * How long the event loop stands still while many flows expire at once:
 *
 *     deno run -A expiry.ts FLOWS stub|real
 *
 * A server like any other, but for its Net: clients are made up, and sockets towards the backend are Deno's (`real`) or do
 * nothing (`stub`), of which there can be more than descriptors. The access log is written, to nowhere.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { loadConfig } from "../lib/config/mod.ts";
import { openLog } from "../lib/log.ts";
import { Resolver } from "../lib/resolver.ts";
import { systemClock } from "../lib/runtime/clock.ts";
import { DenoNet } from "../lib/runtime/deno.ts";
import { systemLookup } from "../lib/runtime/dns.ts";
import type { DatagramReceiver, Net, ReplySocket } from "../lib/runtime/runtime.ts";
import { Server } from "../lib/server.ts";

export type Sockets = "stub" | "real";

/** What this prints. */
export interface Expiry {
  readonly flows: number;
  readonly sockets: Sockets;
  /** The longest time between two turns of the event loop, ms. */
  readonly longestPause: number;
  /** From the first flow's end to the last one's, ms. */
  readonly duration: number;
}

const CONFIG = `
listen_port = 9999
udp_target = ["127.0.0.1:9"]
udp_max_connections = 1000000
udp_idle_lifetime = 1
`;

const AT: ReplySocket = {
  local: { address: "127.0.0.1", port: 9999 },
  isFull: false,
  send: () => undefined,
};

/** A Net whose clients are whoever is handed to the receiver that it was given. */
class MadeUpNet extends DenoNet {
  receiver: DatagramReceiver | undefined;
  readonly #sockets: Sockets;

  constructor(sockets: Sockets) {
    super(systemClock);
    this.#sockets = sockets;
  }

  override bind(...[at, receiver]: Parameters<Net["bind"]>): ReturnType<Net["bind"]> {
    this.receiver = receiver;
    return { address: at, close: () => Promise.resolve() };
  }

  override associate(...parts: Parameters<Net["associate"]>): ReturnType<Net["associate"]> {
    return this.#sockets === "real"
      ? super.associate(...parts)
      : { isFull: false, send: () => undefined, close: () => {} };
  }
}

async function expiry(count: number, sockets: Sockets): Promise<Expiry> {
  const nowhere = { isTerminal: false, write: () => Promise.resolve() };
  const log = await openLog({
    level: "warning",
    format: "text",
    stdout: nowhere,
    stderr: nowhere,
    colour: false,
    clock: systemClock,
  });
  const loaded = await loadConfig(CONFIG, { file: "expiry.toml" });
  if (!loaded.ok) throw new Error("the configuration is not good");
  const net = new MadeUpNet(sockets);
  const resolver = new Resolver(systemLookup(), systemClock, loaded.config.dns, log);
  const server = new Server({ net, clock: systemClock, resolver, random: Math.random, log });
  await server.apply(loaded.config);

  // In one go, so that all of them were heard last at the same moment.
  const datagram = new Uint8Array(64);
  for (let i = 0; i < count; i++) {
    const from = {
      hostname: `10.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}`,
      port: 1024 + i % 60_000,
    };
    net.receiver?.received(datagram, from, AT);
  }
  if (server.activeFlows !== count) throw new Error(`only ${server.activeFlows} flows began`);
  const watched = await watch(() => server.activeFlows, count);
  return { flows: count, sockets, ...watched };
}

/** Counts turns of the event loop until no flow is left. */
async function watch(
  left: () => number,
  count: number,
): Promise<Pick<Expiry, "longestPause" | "duration">> {
  let longestPause = 0;
  let began = Infinity;
  // The first turn ends what the flows have begun with, and is not of interest here.
  await turn();
  let before = performance.now();
  while (left() > 0) {
    await turn();
    const now = performance.now();
    if (left() < count) began = Math.min(began, before);
    longestPause = Math.max(longestPause, now - before);
    before = now;
  }
  return { longestPause, duration: before - began };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

if (import.meta.main) {
  const [count, sockets] = Deno.args;
  console.log(JSON.stringify(await expiry(Number(count), sockets === "real" ? "real" : "stub")));
  Deno.exit(0);
}
