/**
 * `sluice edge token` and `sluice edge pin`: what an operator hands to agents.
 *
 * @module
 */
import { formatKey, report } from "./config/problem.ts";
import { type ConfigSource, loadFile } from "./config_file.ts";
import { edgeCertificate } from "./edge_slot.ts";
import type { Platform } from "./run.ts";
import type { Process } from "./runtime/process.ts";
import { createToken, formatToken, isAgentId, storedOf } from "./tunnel/auth.ts";
import { formatPin } from "./tunnel/pin.ts";

/** Makes a token and prints it, and what the edge's configuration says of it. Nothing else has it afterwards. */
export async function edgeToken(id: string, { stdout, stderr }: Process): Promise<number> {
  if (!isAgentId(id)) {
    await stderr.write(
      `error: "${id}" cannot be an agent's id: expected a letter or a digit, ` +
        'then at most 62 more, ".", "_" or "-"\n',
    );
    return 2;
  }
  const token = createToken(id);
  await stdout.write(`# The token, for the agent alone: it is shown this once.
${formatToken(token)}

# For the configuration of the edge:
[edge.agents.${formatKey(id)}]
token_sha256 = "${storedOf(token.secret).toHex()}"
`);
  return 0;
}

/** Prints the pin of the certificate that the edge of a configuration shows; makes one where there is none yet. */
export async function edgePin(
  source: ConfigSource,
  { process: { env, stdout, stderr }, clock }: Pick<Platform, "process" | "clock">,
): Promise<number> {
  const loaded = await loadFile(source);
  if (!loaded.ok) {
    await stderr.write(report(loaded.problems));
    return 2;
  }
  const { edge } = loaded.config;
  if (edge === undefined || edge.insecure) {
    const why = edge === undefined
      ? "there is no [edge]"
      : "edge.insecure is true, so there is no certificate";
    await stderr.write(`error: ${source.file.path}: ${why}\n`);
    return 2;
  }
  try {
    const { pin } = await edgeCertificate(edge, env, clock);
    await stdout.write(`${formatPin(pin)}\n`);
    return 0;
  } catch (error) {
    await stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}
