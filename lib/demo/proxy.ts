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
import { type Listener, type Net, NetError } from "../runtime/runtime.ts";
import { Server } from "../server.ts";
import { HOST } from "./backends.ts";

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
  const source: ConfigSource = { file: configFile(path), env: {}, overrides: {} };
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

/** A port that is free now: `preferred` if it is, else one that the system chooses. */
export function freePort(net: Net, preferred: number): number {
  const listen = (port: number) => net.listen({ address: HOST, port, backlog: 1 });
  let listener: Listener;
  try {
    listener = listen(preferred);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    listener = listen(0);
  }
  listener.close();
  return listener.address.port;
}
