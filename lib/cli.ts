/**
 * The command line: arguments to an exit code.
 *
 * @module
 */
import { DEFAULTS, EXIT, VARIABLES } from "./cli_options.ts";
import { configFile } from "./config_watch.ts";
import type { Platform } from "./run.ts";
import { runProxy } from "./run_proxy.ts";
import type { Process } from "./runtime/process.ts";
import { systemReason } from "./system_error.ts";

/** What understands every command line. */
export interface Commands {
  /** Returns the exit code. */
  obeyCommand(platform: Platform): Promise<number>;
}

/**
 * Does what the arguments of `platform.process` say.
 * @param loadCommands Called when they say more than which file is to be run.
 * @returns The exit code.
 */
export async function main(
  platform: Platform,
  loadCommands: () => Promise<Commands>,
): Promise<number> {
  try {
    return await obey(platform, loadCommands);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!/^E[A-Z]+$/.test(code)) throw error;
    // The system's doing, of which there is no stack to tell. A broken pipe is none: who reads has seen enough.
    const told = code === "EPIPE" ? "" : `error: ${systemReason(error)}\n`;
    await platform.process.stderr.write(told).catch(() => {});
    return EXIT.failure;
  }
}

async function obey(
  platform: Platform,
  loadCommands: () => Promise<Commands>,
): Promise<number> {
  const { env, files } = platform.process;
  const path = fileToRun(platform.process);
  if (path !== undefined) {
    return await runProxy(
      { file: configFile(path, files), env, overrides: {} },
      DEFAULTS,
      platform,
    );
  }
  return await (await loadCommands()).obeyCommand(platform);
}

/**
 * The file, where the proxy is to run with it and nothing else is said, which is how services start it. To load what
 * understands all other command lines would take a third of the time until it is ready.
 */
function fileToRun({ args, env }: Process): string | undefined {
  const { config, ...others } = VARIABLES;
  if (Object.values(others).some((name) => env[name] !== undefined)) return undefined;
  const [option, path, ...rest] = args[0] === "run" ? args.slice(1) : args;
  if (option === undefined) return env[config];
  const isFile = path !== undefined && !path.startsWith("-") && rest.length === 0;
  return isFile && (option === "--config" || option === "-c") ? path : undefined;
}
