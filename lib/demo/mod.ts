/**
 * The demo: small backends, a proxy in front of all of them on one port, real traffic of every protocol through it,
 * and a reload. What is told was looked at twice, by each client and in the proxy's own access log.
 *
 * @module
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddress } from "../addr.ts";
import { LineWriter } from "../line_writer.ts";
import type { Platform } from "../run.ts";
import { takesColour } from "../runtime/process.ts";
import type { Process } from "../runtime/process.ts";
import { Backends, HOST } from "./backends.ts";
import { certificateFor } from "./certificates.ts";
import { demoConfig } from "./config.ts";
import { moveClient, showDatagrams } from "./datagrams.ts";
import { play, rehearse, type Stage } from "./exchange.ts";
import { Journal } from "./journal.ts";
import { moveRoute } from "./move.ts";
import { liveCommands, nextCommands } from "./next.ts";
import { freePort, startProxy } from "./proxy.ts";
import { type Row, rows } from "./rows.ts";
import { connectionLine, headLine, mark, type Screen, styleFor } from "./table.ts";

export interface DemoOptions {
  /** Whether it is left running, for clients of the user's own, until a signal ends it. */
  readonly keep: boolean;
}

/** Where it listens, if it can, when it is left running. */
const USUAL_PORT = 8443;

/**
 * Runs the demo.
 * @returns The exit code: 0 if all of it was right, else 1.
 */
export async function runDemo({ keep }: DemoOptions, platform: Platform): Promise<number> {
  const { clock, net, process } = platform;
  const start = clock.now();
  const { env, stdout } = process;
  // Whoever stops reading has seen enough: lines that cannot be written are no fault.
  const lines = new LineWriter({ clock, write: stdout.write, batched: false, onDropped() {} });
  const colour = takesColour(stdout, env);
  const screen: Screen = { style: styleFor(colour), print: (text) => lines.write(text) };
  const a = await certificateFor("a.demo");
  const b = await certificateFor("b.demo", "*.b.demo");
  const backends = await Backends.start({ a, b });
  const journal = new Journal((text) => screen.print(`   ${screen.style.faint(text)}\n`));
  try {
    const port = await freePort(net, keep ? USUAL_PORT : 0);
    const path = join(await mkdtemp(join(tmpdir(), "sluice-demo-")), "demo.toml");
    await writeFile(path, demoConfig(port, backends, "blue"));
    const proxy = await startProxy(path, journal, platform);
    try {
      const stage: Stage = { backends, journal, clock, port, path };
      const right = await show(rows(backends, { a, b }), stage, screen, start);
      await (keep ? stay(stage, screen, process) : leave(stage, screen));
      return right ? 0 : 1;
    } finally {
      proxy.close();
    }
  } catch (error) {
    await process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    await lines.flush();
    await backends.close();
  }
}

/**
 * Shows every protocol, a client that moves, and the reload.
 * @param start When the demo began (`Clock.now()`, ms).
 * @returns Whether everything was right.
 */
async function show(
  all: readonly Row[],
  stage: Stage,
  screen: Screen,
  start: number,
): Promise<boolean> {
  const { print, style } = screen;
  const at = style.strong(formatAddress({ address: HOST, port: stage.port }));
  print(`\n${style.strong("One port, every protocol")}\n\n`);
  print(`sluice listens on ${at} in front of ${stage.backends.count} backends.\n`);
  print(`Its configuration is ${stage.path}\n\n`);
  const wrong = await showTable(all, stage, screen);

  print(`\n${style.strong("The same port, by UDP")}\n\n`);
  const datagrams = await showDatagrams(stage, screen);

  print(`\n${style.strong("A client moves, its session stays")}\n\n`);
  const followed = await moveClient(stage, screen).catch((error) => {
    print(` ${mark(false, style)} ${error}\n`);
    return false;
  });

  print(`\n${style.strong("A route moves, an open connection stays")}\n\n`);
  const moved = await moveRoute(stage, screen).catch((error) => {
    print(` ${mark(false, style)} ${error}\n`);
    return false;
  });

  const seconds = ((stage.clock.now() - start) / 1000).toFixed(1);
  const wrongs = [
    ...wrong > 0 ? [`${wrong} of ${all.length} connections`] : [],
    ...datagrams.wrong > 0 ? [`${datagrams.wrong} of ${datagrams.rows} flows`] : [],
    ...followed ? [] : ["the session that moves"],
    ...moved ? [] : ["the reload"],
  ];
  const right = wrongs.length === 0;
  const parts = `${all.length} connections, ${datagrams.rows} flows, the session and the reload`;
  const verdict = right
    ? `All ${parts} went right, in ${seconds} s.`
    : `Not right: ${wrongs.join(", ")}.`;
  print(`\n${right ? style.good(verdict) : style.bad(verdict)}\n\n`);
  return right;
}

/** @returns How many rows are wrong. */
async function showTable(
  all: readonly Row[],
  stage: Stage,
  { print, style }: Screen,
): Promise<number> {
  await rehearse(all, stage);
  print(headLine("sent", style));
  let wrong = 0;
  for (const row of all) {
    const { record, mistakes } = await play(row, stage);
    if (mistakes.length > 0) wrong++;
    const line = record ? connectionLine(row.sent, record, stage.backends) : `${row.sent}\n`;
    print(` ${mark(mistakes.length === 0, style)} ${line}`);
    for (const mistake of mistakes) print(`     ${style.bad(mistake)}\n`);
  }
  const notes = [
    "The columns are the proxy's access log. Each client has checked its answer to the byte,",
    "and those of TLS the certificate of their backend.",
  ];
  print(`\n${notes.map((note) => `   ${style.faint(note)}\n`).join("")}`);
  return wrong;
}

function leave({ path }: Stage, { print, style }: Screen): void {
  print(`${style.strong("Next")}\n\n${nextCommands(path, style)}\n`);
}

/** Goes on until a signal, and shows every connection that comes. */
async function stay(stage: Stage, { print, style }: Screen, process: Process): Promise<void> {
  print(`${style.strong("It goes on: try these in another terminal")}\n\n`);
  print(
    `${liveCommands(stage, style)}\nConnections are shown as they end. Ctrl-C ends the demo.\n\n`,
  );
  print(headLine("client", style));
  stage.journal.follow((record) =>
    print(`   ${connectionLine(formatAddress(record.client), record, stage.backends)}`)
  );
  const { promise: signal, resolve } = Promise.withResolvers<void>();
  const unhear = (["SIGINT", "SIGTERM"] as const).map((name) => process.onSignal(name, resolve));
  await signal;
  for (const each of unhear) each();
}
