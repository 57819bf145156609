/**
 * The inside of a data thread: a server that does what the main thread asks, and tells it what happens.
 *
 * @module
 */
import { Resolver } from "../resolver.ts";
import type { Clock, Net } from "../runtime/runtime.ts";
import { Server } from "../server.ts";
import { Exchange } from "./exchange.ts";
import type {
  FromThread,
  NameQuestions,
  PlaneQuestions,
  ThreadStart,
  ToThread,
} from "./messages.ts";
import { decodeConfig } from "./plain_config.ts";
import { Reports } from "./reports.ts";
import { SharedTable } from "./shared_table.ts";

export interface DataThreadParts extends ThreadStart {
  readonly net: Net;
  readonly clock: Clock;
  /** Numbers in [0, 1), for balancing. */
  readonly random: () => number;
  /** Sends to the main thread. */
  readonly say: (message: FromThread) => void;
  /** What who runs sluice should know of its sockets, in words. */
  readonly notices: () => Iterable<string>;
  /** Lets the runtime do what `promise` waits for, such as load a module. */
  readonly attend: (promise: Promise<void>) => Promise<void>;
}

/** Serves until its thread ends. */
export class DataThread {
  readonly #exchange: Exchange<NameQuestions, PlaneQuestions>;
  readonly #server: Server;
  readonly #reports: Reports;

  constructor({ net, clock, random, shared, logFormat, say, notices, attend }: DataThreadParts) {
    let told = new Set<string>();
    const reports = new Reports({ clock, format: logFormat, send: say, taken: shared.taken });
    const exchange = new Exchange<NameQuestions, PlaneQuestions>(say, {
      async apply(config) {
        await attend(server.apply(decodeConfig(config)));
        for (const notice of new Set(notices()).difference(told)) reports.warning(notice);
        told = new Set(notices());
        return server.addresses;
      },
      gauges() {
        // Who is in a record that has been sent is not in these numbers, and the other way round.
        reports.flush();
        return server.gauges();
      },
      async drain() {
        await server.drain();
        reports.flush();
      },
      close: () => this.close(),
    });
    const lookup = async (name: string) => {
      const { addresses, ticket } = await exchange.ask("addresses", name);
      return { addresses, ttl: exchange.ask("ttl", ticket) };
    };
    // Its bounds come with each configuration.
    const resolver = new Resolver(lookup, clock, { minTtl: 0, maxTtl: 0 }, reports);
    const ids = new BigInt64Array(shared.ids);
    const nextId = () => Number(Atomics.add(ids, 0, 1n)) + 1;
    const elsewhere = shared.together && new SharedTable(shared.together);
    const parts = { net, clock, random, resolver, nextId, log: reports };
    const server = new Server({ ...parts, ...elsewhere && { elsewhere } });
    this.#exchange = exchange;
    this.#server = server;
    this.#reports = reports;
  }

  /** Takes what the main thread says. */
  hear(message: ToThread): void {
    this.#exchange.hear(message);
  }

  /** Closes everything, and reports it. */
  close(): void {
    this.#server.close();
    this.#reports.flush();
  }
}
