/**
 * A configuration file made to run: until a signal ends it, through every change of the file.
 *
 * @module
 */
import { formatAddress } from "./addr.ts";
import { AdminEndpoint } from "./admin/endpoint.ts";
import { report } from "./config/problem.ts";
import { type ConfigSource, type Loaded, loadFile, loadText } from "./config_file.ts";
import type { Config } from "./config/config.ts";
import { ConfigWatch } from "./config_watch.ts";
import type { ThreadAhead } from "./data_thread/messages.ts";
import { edgeCertificate, EdgeSlot } from "./edge_slot.ts";
import { choosePlane, type Chosen } from "./engine.ts";
import { counted, type Log, type LogLevel, type OpenLog, openLog } from "./log.ts";
import type { LogFormat } from "./log_text.ts";
import type { Plane } from "./plane.ts";
import { Reload } from "./reload.ts";
import type { Lookup } from "./resolver.ts";
import type { Process, Signal } from "./runtime/process.ts";
import type { Clock, Net, Tls } from "./runtime/runtime.ts";
import { tellServiceManager } from "./service_manager.ts";
import { stopSignals } from "./stop_signals.ts";
import { Tally } from "./tally.ts";
import { within } from "./within.ts";

/** What the entry points hand in: all that differs from runtime to runtime. */
export interface Platform extends Partial<ThreadAhead> {
  readonly process: Process;
  readonly net: Net;
  readonly clock: Clock;
  readonly lookup: Lookup;
  /** Loads what makes secured connections, which few need. */
  readonly tls: () => Promise<Tls>;
  /** Begins to start a thread that serves with the system's own sockets; absent where the runtime cannot. */
  readonly beginThread?: () => Promise<ThreadAhead>;
}

export interface RunOptions {
  readonly config: ConfigSource;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logDir?: string;
  /** Whether stderr takes colours. */
  readonly colour: boolean;
}

/** How long the last words may hold up the end, where nobody reads them or another thread does not answer, ms. */
const LAST_WORDS_TIMEOUT = 1000;

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
  await within(clock, LAST_WORDS_TIMEOUT, log.close());
  return code;
}

/** Runs what was loaded, and whatever the file says later. */
async function serve(
  loaded: Loaded & { ok: true },
  seen: string,
  log: OpenLog,
  { config: source, logDir }: RunOptions,
  platform: Platform,
): Promise<number> {
  const { process, net, clock } = platform;
  const fail = async (error: unknown) => {
    await process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  };
  const tally = new Tally();
  const countedLog = counted(log, tally);
  let chosen: Chosen;
  try {
    chosen = await choosePlane(loaded.config, { ...platform, log: countedLog });
  } catch (error) {
    return await fail(error);
  }
  const { plane, engine } = chosen;
  const edge: EdgeSlot = new EdgeSlot({
    net,
    tls: platform.tls,
    clock,
    certificate: (config) => edgeCertificate(config, process.env, clock),
    log: countedLog,
  });
  const apply = (config: Config) =>
    admin.change(config.admin, () => edge.change(config, (config) => plane.apply(config)));
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
    sources: { plane, ended: tally, config: reload, edge },
    isReady: () => isReady,
    log,
  });
  try {
    await apply(loaded.config);
  } catch (error) {
    edge.close();
    await close(plane, clock);
    return await fail(error);
  }
  const stop = stopSignals(process);
  const unhear = process.onSignal("SIGHUP", () => {
    log.reopen();
    void reload.reload(true);
  });
  const watch = new ConfigWatch(source.file, seen, clock, () => reload.reload(false));

  for (const warning of loaded.warnings) log.warning(warning);
  log.info(`engine: ${engine}`);
  isReady = true;
  const ready = `ready: ${addresses(plane, admin, edge)} (${Math.ceil(clock.now())} ms)`;
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
  const drained = await drain(plane, edge, signal, reload.config.drainTimeout, stop.second, log);
  edge.close();
  await close(plane, clock);
  log.info(drained ? "stopped" : "stopped before the drain was over");
  await admin.close();
  await within(clock, LAST_WORDS_TIMEOUT, told);
  unhear();
  stop.unhear();
  return drained ? 0 : 1;
}

/** @returns Whether connections had the time that they are given. */
async function drain(
  plane: Plane,
  edge: EdgeSlot,
  signal: Signal,
  timeout: number,
  hurry: Promise<void>,
  log: Log,
): Promise<boolean> {
  const count = (number: number, noun: string) =>
    number === 0 ? [] : number === 1 ? [`1 ${noun}`] : [`${number} ${noun}s`];
  const { activeConnections, activeFlows } = await plane.gauges();
  const { activeConnections: ownConnections = 0, activeFlows: ownFlows = 0 } = edge.gauges ?? {};
  const open = [
    ...count(activeConnections + ownConnections, "connection"),
    ...count(activeFlows + ownFlows, "flow"),
  ].join(" and ");
  log.info(
    open === ""
      ? `${signal}: no connections are open`
      : `${signal}: draining ${open}, for ${timeout / 1000} s at most; a second signal ends it`,
  );
  const over = Promise.all([plane.drain(), edge.drain(timeout)]).then(() => true);
  return await Promise.race([over, hurry.then(() => false)]);
}

async function close(plane: Plane, clock: Clock): Promise<void> {
  await within(clock, LAST_WORDS_TIMEOUT, Promise.resolve(plane.close()));
}

/** What is listened on; that it is by UDP is said, and by TCP where both are. */
function addresses(plane: Plane, { address: admin }: AdminEndpoint, edge: EdgeSlot): string {
  const transports = new Map<string, string[]>();
  for (const { listener, address, transport } of plane.addresses) {
    const name = `${listener} ${formatAddress(address)}`;
    transports.set(name, [...transports.get(name) ?? [], transport]);
  }
  const listeners = Array.from(
    transports,
    ([name, by]) => by.includes("udp") ? `${name} (${by.join(", ")})` : name,
  );
  return [
    ...listeners,
    ...edge.addresses.map((address) => `edge ${formatAddress(address)}`),
    ...admin ? [`admin ${formatAddress(admin)}`] : [],
  ].join(", ");
}
