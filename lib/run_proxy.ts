/**
 * The proxy, run as the command line says.
 *
 * @module
 */
import type { GlobalOptions } from "./cli_options.ts";
import type { ConfigSource } from "./config_file.ts";
import type { ThreadAhead } from "./data_thread/messages.ts";
import type { Platform } from "./run.ts";
import { takesColour } from "./runtime/process.ts";

/**
 * Runs until a signal ends it.
 * @returns The exit code.
 */
export async function runProxy(
  config: ConfigSource,
  { logLevel, logFormat, logDir }: Pick<GlobalOptions, "logLevel" | "logFormat" | "logDir">,
  platform: Platform,
): Promise<number> {
  const colour = takesColour(platform.process.stderr, platform.process.env);
  const ahead = await threadAhead(config, platform);
  const { run } = await import("./run.ts");
  return await run(
    { config, logLevel, logFormat, colour, ...logDir !== undefined && { logDir } },
    { ...platform, ...ahead },
  );
}

/**
 * Begins to start the data thread that most configurations want, so that it is ready on another core when the
 * configuration has been understood here. That one is not wanted can be overlooked, and costs some time.
 */
async function threadAhead(
  { file, env, overrides }: ConfigSource,
  { beginThread }: Platform,
): Promise<ThreadAhead | undefined> {
  if (beginThread === undefined) return undefined;
  const engine = overrides["engine"] ?? env["SLUICE_ENGINE"];
  const isPortable = engine === undefined
    ? /^\s*engine\s*=\s*["']portable/m.test(await file.read().catch(() => ""))
    : engine === "portable";
  return isPortable ? undefined : await beginThread();
}
