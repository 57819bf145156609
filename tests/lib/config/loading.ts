import assert from "node:assert/strict";
import type { Config, TcpListenerConfig, UdpListenerConfig } from "../../../lib/config/config.ts";
import { formatProblem, loadConfig, type LoadOptions } from "../../../lib/config/mod.ts";

type Options = Partial<LoadOptions>;

/** The configuration that a text says; fails if there is anything wrong with it, or anything to warn of. */
export async function configOf(text: string, options: Options = {}): Promise<Config> {
  const loaded = await loadConfig(text, { file: "config.toml", ...options });
  assert.deepEqual((loaded.ok ? loaded.warnings : loaded.problems).map(formatProblem), []);
  assert.ok(loaded.ok);
  return loaded.config;
}

/** As {@linkcode configOf}, for a text with one listener. */
export async function listenerOf(text: string, options: Options = {}): Promise<TcpListenerConfig> {
  const { tcp: [listener, ...others] } = await configOf(text, options);
  assert.ok(listener !== undefined && others.length === 0);
  return listener;
}

/** As {@linkcode listenerOf}, of what is served on UDP. */
export async function udpListenerOf(text: string): Promise<UdpListenerConfig> {
  const { udp: [listener, ...others] } = await configOf(text);
  assert.ok(listener !== undefined && others.length === 0);
  return listener;
}

/** What is wrong with a text, a line each. */
export async function problemsOf(text: string, options: Options = {}): Promise<string[]> {
  const loaded = await loadConfig(text, { file: "config.toml", ...options });
  assert.ok(!loaded.ok, "nothing was found to be wrong");
  return loaded.problems.map(formatProblem);
}

/** What a text is warned of, a line each. */
export async function warningsOf(text: string, options: Options = {}): Promise<string[]> {
  const loaded = await loadConfig(text, { file: "config.toml", ...options });
  assert.deepEqual(loaded.ok ? [] : loaded.problems.map(formatProblem), []);
  assert.ok(loaded.ok);
  return loaded.warnings.map(formatProblem);
}
