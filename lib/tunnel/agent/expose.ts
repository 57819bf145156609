/**
 * An agent made to run: until a signal ends it, through every change of its file.
 *
 * @module
 */
import metadata from "../../../deno.json" with { type: "json" };
import { formatHostPort } from "../../addr.ts";
import { type ConfigFile, ConfigWatch } from "../../config_watch.ts";
import { LineWriter } from "../../line_writer.ts";
import type { LogFormat } from "../../log_text.ts";
import { Resolver } from "../../resolver.ts";
import type { Platform } from "../../run.ts";
import { takesColour } from "../../runtime/process.ts";
import { NetError } from "../../runtime/runtime.ts";
import { stopSignals } from "../../stop_signals.ts";
import { Timeouts } from "../../timeouts.ts";
import { within } from "../../within.ts";
import { HttpTap } from "../http/tap.ts";
import { Agent } from "./agent.ts";
import type { AgentConfig } from "./config.ts";
import { type Inspection, openInspector } from "./inspection.ts";
import type { Journal } from "./journal.ts";
import { JsonJournal } from "./json_journal.ts";
import { loadAgentFile } from "./load_agent.ts";
import { TextJournal } from "./text_journal.ts";

export interface ExposeHow {
  readonly logFormat: LogFormat;
  /** Whether visitors and requests are passed over. */
  readonly quiet: boolean;
  /** The file that the configuration came from, and how it looked before it was read. */
  readonly watched: { readonly file: ConfigFile; readonly seen: string } | undefined;
}

/** How long the last words may hold up the end, ms. */
const LAST_WORDS_TIMEOUT = 1000;
/** How long addresses of the edge and of services are kept, ms. */
const TTL_BOUNDS = { minTtl: 5_000, maxTtl: 60_000 };
/** What cannot be resolved is told by who wanted to go there. */
const SILENT = { info: () => {}, warning: () => {} };

/**
 * Runs an agent.
 * @returns The exit code: 0 after a signal; 1 if the edge does not want it, or a second signal cut its end short.
 */
export async function expose(
  config: AgentConfig,
  how: ExposeHow,
  platform: Platform,
): Promise<number> {
  const { clock, net, process, lookup } = platform;
  const out = lineWriter(platform, process.stdout.write);
  const err = lineWriter(platform, process.stderr.write);
  const journal = openJournal(how, platform, out, err, {
    edge: () => formatHostPort(agent.config.edge),
    inspector: () => inspection?.url,
  });
  let inspection: Inspection | undefined;
  const resolver = new Resolver(lookup, clock, TTL_BOUNDS, SILENT);
  const agent: Agent = new Agent(config, {
    net,
    tls: await platform.tls(),
    resolver,
    clock,
    timeouts: new Timeouts(clock),
    random: Math.random,
    journal,
    software: `sluice ${metadata.version}`,
    tapOf: ({ config, place }, visitor, domain) =>
      new HttpTap({
        clock,
        endpoint: config.label,
        visitor,
        name: `${place}.${domain}`,
        ...config.credentials && { credentials: config.credentials },
        ...config.forwarded && { forwarded: config.forwarded },
        ...config.hostHeader !== undefined && { host: config.hostHeader },
        keeps: inspection?.keeps ?? 0,
        onExchange: (exchange, event) => {
          if (event === "answered") journal.answered(exchange);
          inspection?.observe(exchange, event);
        },
      }),
  });
  let code: number;
  try {
    inspection = await openInspector(config.inspector, agent, { net, resolver, clock, journal });
    code = await runUntilSignal(agent, how, journal, platform);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    journal.warn(`error: ${error.message}`);
    code = 1;
  }
  const written = out.flush().then(() => err.flush()).then(() => inspection?.close());
  await within(clock, LAST_WORDS_TIMEOUT, written);
  return code;
}

async function runUntilSignal(
  agent: Agent,
  { watched }: ExposeHow,
  journal: Journal,
  { clock, process }: Platform,
): Promise<number> {
  const stop = stopSignals(process);
  const load = async () => {
    if (watched === undefined) return;
    const loaded = await loadAgentFile(watched.file, process.env);
    if (!loaded.ok) return loaded.problems.forEach((problem) => journal.warn(problem));
    agent.change(loaded.config);
    journal.note(`${watched.file.path}: taken up`);
  };
  // One after the other, so that the last one says what holds.
  let last = Promise.resolve();
  const reload = () => last = last.then(load);
  const watch = watched && new ConfigWatch(watched.file, watched.seen, clock, reload);
  // Without a file it ends the process, as it should when the user's terminal is closed.
  const unhear = watched && process.onSignal("SIGHUP", () => void reload());
  const outcome = await Promise.race([agent.run(), stop.first]);
  watch?.close();
  unhear?.();
  try {
    if (typeof outcome === "object") {
      if (outcome.kind === "left") return 0;
      journal.warn(`error: ${outcome.why}`);
      return 1;
    }
    const { size } = agent.visits;
    if (size > 0) {
      const visitors = size === 1 ? "1 visitor is" : `${size} visitors are`;
      journal.note(`${outcome}: ${visitors} here, for 10 s at most; a second signal ends it`);
    }
    const hasLeft = agent.leave().then(() => true);
    const isGood = await Promise.race([hasLeft, stop.second.then(() => false)]);
    agent.close();
    return isGood ? 0 : 1;
  } finally {
    stop.unhear();
  }
}

function lineWriter({ clock }: Platform, write: (lines: string) => Promise<void>): LineWriter {
  // Who does not read does not miss it.
  return new LineWriter({ clock, write, batched: false, onDropped: () => {} });
}

function openJournal(
  { logFormat, quiet }: ExposeHow,
  { clock, process: { env, stdout } }: Platform,
  out: LineWriter,
  err: LineWriter,
  shown: { readonly edge: () => string; readonly inspector: () => string | undefined },
): Journal {
  const common = {
    ...shown,
    quiet,
    writeOut: (line: string) => out.write(line),
    writeError: (line: string) => err.write(line),
  };
  return logFormat === "json"
    ? new JsonJournal({ ...common, date: () => clock.date() })
    : new TextJournal({
      ...common,
      hasColour: takesColour(stdout, env),
      columns: () => stdout.columns,
    });
}
