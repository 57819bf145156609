/**
 * The commands that look at a configuration, or write one, and run nothing.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import example from "../config.example.toml" with { type: "text" };
import { resolvedText } from "./config/resolved_text.ts";
import { report } from "./config/problem.ts";
import { type ConfigSource, loadFile } from "./config_file.ts";
import type { Process } from "./runtime/process.ts";
import { systemReason } from "./system_error.ts";
import unit from "./sluice.service" with { type: "text" };

/** Prints the configuration with every default filled in to stdout, or what is wrong with it to stderr. */
export async function check(source: ConfigSource, { stdout, stderr }: Process): Promise<number> {
  const loaded = await loadFile(source);
  if (!loaded.ok) {
    await stderr.write(report(loaded.problems));
    return 2;
  }
  for (const warning of loaded.warnings) await stderr.write(`${warning}\n`);
  await stdout.write(resolvedText(loaded.config));
  await stderr.write(`${source.file.path} is good\n`);
  return 0;
}

export interface InitOptions {
  /** Whether a file that is there is overwritten. */
  readonly force: boolean;
  /** Whether to write a unit of systemd in place of a configuration. */
  readonly systemd: boolean;
}

/** Writes the example configuration, which says of every key what it means, or the unit. */
export async function init(
  file: string | undefined,
  { force, systemd }: InitOptions,
  { stdout, stderr }: Process,
): Promise<number> {
  const text = systemd ? unit : example;
  const path = file ?? (systemd ? "sluice.service" : "sluice.toml");
  if (path === "-") {
    await stdout.write(text);
    return 0;
  }
  try {
    await writeFile(path, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    await stderr.write(
      exists
        ? `error: ${path} exists already; --force overwrites it\n`
        : `error: cannot write ${path}: ${systemReason(error)}\n`,
    );
    return 1;
  }
  const next = systemd ? "its first lines say what it wants" : `next: sluice check -c ${path}`;
  await stderr.write(`wrote ${path}; ${next}\n`);
  return 0;
}

/** Prints the JSON Schema of the configuration. */
export async function schema({ stdout }: Process): Promise<number> {
  const { configJsonSchema } = await import("./config/json_schema.ts");
  await stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return 0;
}
