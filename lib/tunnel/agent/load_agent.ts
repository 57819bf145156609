/**
 * Where an agent's configuration comes from, and what it says now.
 *
 * @module
 */
import type { ConfigFile } from "../../config_watch.ts";
import type { Environment } from "../../runtime/process.ts";
import { loadAgentText, type LoadedTable } from "./agent_file.ts";
import type { AgentConfig } from "./config.ts";
import { resolveAgent } from "./resolve_agent.ts";

export type LoadedAgent =
  | { readonly ok: true; readonly config: AgentConfig }
  /** A line each. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads a file, and those that it names; never rejects. */
export async function loadAgentFile(file: ConfigFile, env: Environment): Promise<LoadedAgent> {
  try {
    const text = await file.read();
    return await loadAgent(await loadAgentText(text, file.path, env), env);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [`${file.path}: cannot be read: ${why}`] };
  }
}

/** Resolves what was found in order, files that it names included; never rejects. */
export async function loadAgent(loaded: LoadedTable, env: Environment): Promise<LoadedAgent> {
  if (!loaded.ok) return loaded;
  try {
    return { ok: true, config: await resolveAgent(loaded.table, env) };
  } catch (error) {
    return { ok: false, problems: [error instanceof Error ? error.message : String(error)] };
  }
}
