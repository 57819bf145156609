/**
 * The proxy of the demo: what `sluice --config FILE` runs, with a log of the demo's own.
 *
 * @module
 */
import { type ConfigSource, loadFile, loadText } from "../config_file.ts";
import { configFile, ConfigWatch } from "../config_watch.ts";
import type { Log } from "../log.ts";
import { Reload } from "../reload.ts";
import { Resolver } from "../resolver.ts";
import type { Platform } from "../run.ts";
import { type Net, NetError } from "../runtime/runtime.ts";
import { Server } from "../server.ts";
import { HOST } from "./host.ts";

export interface Proxy {
  /** Closes its sockets and no longer looks at its file. */
  close(): void;
}

/**
 * Runs the configuration file at `path`, and whatever it says later.
 * @throws {Error} If it is not good, or its address cannot be listened on.
 */
export async function startProxy(path: string, log: Log, platform: Platform): Promise<Proxy> {
  const { net, clock, lookup } = platform;
  // Settings of the environment are for the user's own configuration, not for this one.
  const source: ConfigSource = {
    file: configFile(path, platform.process.files),
    env: {},
    overrides: {},
  };
  const seen = await source.file.look();
  const loaded = await loadFile(source);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const resolver = new Resolver(lookup, clock, loaded.config.dns, log);
  const server = new Server({ net, clock, resolver, random: Math.random, log });
  await server.apply(loaded.config);
  const reload = new Reload(loaded, {
    file: source.file,
    load: (text) => loadText(text, source),
    apply: (config) => server.apply(config),
    log,
    clock,
  });
  const watch = new ConfigWatch(source.file, seen, clock, () => reload.reload(false));
  return {
    close() {
      watch.close();
      reload.close();
      server.close();
    },
  };
}

/** How often another port is tried when one is free on one transport only. */
const PORTS_TRIED = 16;

/** A port that is free on both transports now: `preferred` if it is, else one that the system chooses. */
export async function freePort(net: Net, preferred: number): Promise<number> {
  for (let tried = 1;; tried++) {
    try {
      return await freeOnBoth(net, tried === 1 ? preferred : 0);
    } catch (error) {
      if (!(error instanceof NetError) || tried === PORTS_TRIED) throw error;
    }
  }
}

/** @throws {NetError} If it is not free. */
async function freeOnBoth(net: Net, wanted: number): Promise<number> {
  const listener = net.listen({ address: HOST, port: wanted, backlog: 1 });
  try {
    const { port } = listener.address;
    await net.bind({ address: HOST, port }, { received: () => undefined }).close();
    return port;
  } finally {
    await listener.close();
  }
}
