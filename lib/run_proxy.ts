/**
 * The proxy, run as the command line says.
 *
 * @module
 */
import type { GlobalOptions } from "./cli_options.ts";
import type { ConfigSource } from "./config_file.ts";
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
  const { run } = await import("./run.ts");
  return await run(
    { config, logLevel, logFormat, colour, ...logDir !== undefined && { logDir } },
    platform,
  );
}
