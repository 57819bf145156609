/**
 * A configuration file made to run: until a signal ends it, through every change of the file.
 *
 * @module
 */
import { formatAddress } from "./addr.ts";
import { AdminEndpoint, observed } from "./admin/endpoint.ts";
import { type ConfigSource, type Loaded, loadFile, loadText, report } from "./config_file.ts";
import type { Config } from "./config/config.ts";
import { ConfigWatch } from "./config_watch.ts";
import { type Log, type LogFormat, type LogLevel, type OpenLog, openLog } from "./log.ts";
import { Reload } from "./reload.ts";
import { type Lookup, Resolver } from "./resolver.ts";
import type { Process, Signal } from "./runtime/process.ts";
import type { Clock, Net } from "./runtime/runtime.ts";
import { Server } from "./server.ts";
import { tellServiceManager } from "./service_manager.ts";

/** What the entry points hand in: all that differs from runtime to runtime. */
export interface Platform {
  readonly process: Process;
  readonly net: Net;
  readonly clock: Clock;
  readonly lookup: Lookup;
}

export interface RunOptions {
  readonly config: ConfigSource;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logDir?: string;
  /** Whether stderr takes colours. */
  readonly colour: boolean;
}

/** How long lines and words that nobody reads may hold up the end, ms. */
const FLUSH_TIMEOUT = 1000;

/**
 * Runs until a signal ends it.
 * @returns The exit code: 0 after a drain; 1 if it could not start, or a second signal cut the drain short; 2 if the
 *   configuration is not good.
 */
export async function run(options: RunOptions, platform: Platform): Promise<number> {
  const { clock, process } = platform;
  const seen = await options.config.file.look();
  const loaded = await loadFile(options.config);
  if (!loaded.ok) {
    await process.stderr.write(report(loaded.problems));
    return 2;
  }
  const { stdout, stderr } = process;
  const { colour, logDir: directory, logFormat: format, logLevel: level } = options;
  let log: OpenLog;
  try {
    const where = directory === undefined ? {} : { directory };
    log = await openLog({ level, format, ...where, stdout, stderr, colour, clock });
  } catch (error) {
    await stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
  const code = await serve(loaded, seen, log, options, platform);
  await within(clock, FLUSH_TIMEOUT, log.close());
  return code;
}

/** Runs what was loaded, and whatever the file says later. */
async function serve(
  loaded: Loaded & { ok: true },
  seen: string,
  log: OpenLog,
  { config: source, logDir }: RunOptions,
  { process, net, clock, lookup }: Platform,
): Promise<number> {
  const resolver = new Resolver(lookup, clock, loaded.config.dns, log);
  const counted = observed(log, (record) => admin.count(record));
  const server = new Server({ net, clock, resolver, random: Math.random, log: counted });
  const apply = (config: Config) => admin.change(config.admin, () => server.apply(config));
  const reload = new Reload(loaded, {
    file: source.file,
    load: (text) => loadText(text, source),
    apply,
    log,
    clock,
  });
  let isReady = false;
  const admin: AdminEndpoint = new AdminEndpoint({
    net,
    clock,
    sources: { plane: server, config: reload },
    isReady: () => isReady,
    log,
  });
  try {
    await apply(loaded.config);
  } catch (error) {
    await process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    server.close();
    return 1;
  }
  const stop = stopSignals(process);
  const unhear = process.onSignal("SIGHUP", () => {
    log.reopen();
    void reload.reload(true);
  });
  const watch = new ConfigWatch(source.file, seen, clock, () => reload.reload(false));

  for (const warning of loaded.warnings) log.warning(warning);
  isReady = true;
  const ready = `ready: ${addresses(server, admin)} (${Math.ceil(clock.now())} ms)`;
  log.info(ready);
  if (logDir !== undefined) {
    // Whether somebody reads it is of no account.
    process.stderr.write(`${ready}; logs are in ${logDir}\n`).catch(() => {});
  }
  void tellServiceManager(process, "READY=1", log);

  const signal = await stop.first;
  isReady = false;
  const told = tellServiceManager(process, "STOPPING=1", log);
  watch.close();
  reload.close();
  const drained = await drain(server, signal, reload.config.drainTimeout, stop.second, log);
  await admin.close();
  await within(clock, FLUSH_TIMEOUT, told);
  unhear();
  stop.unhear();
  return drained ? 0 : 1;
}

/** @returns Whether connections had the time that they are given. */
async function drain(
  server: Server,
  signal: Signal,
  timeout: number,
  hurry: Promise<void>,
  log: Log,
): Promise<boolean> {
  const count = (number: number, noun: string) =>
    number === 0 ? [] : number === 1 ? [`1 ${noun}`] : [`${number} ${noun}s`];
  const open = [
    ...count(server.activeConnections, "connection"),
    ...count(server.activeFlows, "flow"),
  ].join(" and ");
  log.info(
    open === ""
      ? `${signal}: no connections are open`
      : `${signal}: draining ${open}, for ${timeout / 1000} s at most; a second signal ends it`,
  );
  const drained = await Promise.race([server.drain().then(() => true), hurry.then(() => false)]);
  server.close();
  log.info(drained ? "stopped" : "stopped before the drain was over");
  return drained;
}

/** What is listened on; that it is by UDP is said, and by TCP where both are. */
function addresses(server: Server, { address: admin }: AdminEndpoint): string {
  const transports = new Map<string, string[]>();
  for (const { listener, address, transport } of server.addresses) {
    const name = `${listener} ${formatAddress(address)}`;
    transports.set(name, [...transports.get(name) ?? [], transport]);
  }
  const listeners = Array.from(
    transports,
    ([name, by]) => by.includes("udp") ? `${name} (${by.join(", ")})` : name,
  );
  return [...listeners, ...admin ? [`admin ${formatAddress(admin)}`] : []].join(", ");
}

/** The first SIGTERM or SIGINT, and the second. */
function stopSignals(process: Process) {
  const first = Promise.withResolvers<Signal>();
  const second = Promise.withResolvers<void>();
  let asked = false;
  const unhear = (["SIGTERM", "SIGINT"] as const).map((signal) =>
    process.onSignal(signal, () => {
      if (asked) second.resolve();
      else first.resolve(signal);
      asked = true;
    })
  );
  return {
    first: first.promise,
    second: second.promise,
    unhear: () => unhear.forEach((each) => each()),
  };
}

/** Waits for `promise`, but not longer than `ms`. */
async function within(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = clock.setTimer(limit.resolve, ms);
  await Promise.race([promise, limit.promise]);
  timer.cancel();
}
