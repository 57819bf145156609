/**
 * The commands that look at a configuration and run nothing.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import example from "../config.example.toml" with { type: "text" };
import { resolvedText } from "./config/resolved_text.ts";
import { type ConfigSource, loadFile, report } from "./config_file.ts";
import type { Process } from "./runtime/process.ts";
import { systemReason } from "./system_error.ts";

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

/** Writes the example configuration, which says of every key what it means. */
export async function init(
  path: string,
  force: boolean,
  { stdout, stderr }: Process,
): Promise<number> {
  if (path === "-") {
    await stdout.write(example);
    return 0;
  }
  try {
    await writeFile(path, example, { flag: force ? "w" : "wx" });
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    await stderr.write(
      exists
        ? `error: ${path} exists already; --force overwrites it\n`
        : `error: cannot write ${path}: ${systemReason(error)}\n`,
    );
    return 1;
  }
  await stderr.write(`wrote ${path}; next: sluice check -c ${path}\n`);
  return 0;
}

/** Prints the JSON Schema of the configuration. */
export async function schema({ stdout }: Process): Promise<number> {
  const { configJsonSchema } = await import("./config/json_schema.ts");
  await stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return 0;
}
