/**
 * The demo: small backends, a proxy in front of all of them on one port, real traffic of every protocol through it,
 * clients that move, and a reload. What is told was looked at twice, by each client and in the proxy's own access log.
 *
 * @module
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionRecord } from "../access_log.ts";
import { formatAddress } from "../addr.ts";
import { LineWriter } from "../line_writer.ts";
import type { Platform } from "../run.ts";
import { takesColour } from "../runtime/process.ts";
import type { Process } from "../runtime/process.ts";
import { Backends } from "./backends.ts";
import { certificateFor } from "./certificates.ts";
import { demoConfig } from "./config.ts";
import type { Stage } from "./exchange.ts";
import { Journal } from "./journal.ts";
import { liveCommands, nextCommands } from "./next.ts";
import { freePort, startProxy } from "./proxy.ts";
import { show } from "./show.ts";
import { connectionLine, headLine, type Screen, styleFor } from "./table.ts";

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
      const right = await show({ a, b }, stage, screen, start);
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
    print(`   ${connectionLine(clientOf(record), record, stage.backends)}`)
  );
  const { promise: signal, resolve } = Promise.withResolvers<void>();
  const unhear = (["SIGINT", "SIGTERM"] as const).map((name) => process.onSignal(name, resolve));
  await signal;
  for (const each of unhear) each();
}

function clientOf({ client, transport }: ConnectionRecord): string {
  return `${transport}  ${formatAddress(client)}`;
}
