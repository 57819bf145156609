/**
 * `sluice explain`: from what the command line says about clients to what would become of them.
 *
 * @module
 */
import type { Config } from "./config/config.ts";
import { report } from "./config/problem.ts";
import { type ConfigSource, loadFile } from "./config_file.ts";
import { explain, type Explanation } from "./explain.ts";
import { type DatagramExplanation, explainDatagrams } from "./explain/datagrams.ts";
import { formatExplanation } from "./explain/format.ts";
import { formatDatagrams } from "./explain/format_datagrams.ts";
import type { Input } from "./explain/input.ts";
import { type ExplainOptions, inputsOf, UsageError } from "./explain_inputs.ts";
import type { Process } from "./runtime/process.ts";

export type { ExplainOptions };

/**
 * Explains one client, or each of a capture.
 * @param colour Whether stdout takes colours.
 * @returns The exit code.
 */
export async function explainCommand(
  source: ConfigSource,
  options: ExplainOptions,
  { stdout, stderr }: Process,
  colour: boolean,
): Promise<number> {
  const loaded = await loadFile(source);
  if (!loaded.ok) {
    await stderr.write(report(loaded.problems));
    return 2;
  }
  try {
    const { inputs, notes } = await inputsOf(options, await withRoutesToEdge(loaded.config));
    for (const note of notes) await stderr.write(`note: ${note}\n`);
    await stdout.write(options.json ? answerAsJson(inputs) : answerAsText(inputs, colour));
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await stderr.write(`error: ${error.message}\n`);
    return 2;
  }
}

/** What the proxy runs beside an edge. What becomes of a visitor behind the door depends on who is logged in there. */
async function withRoutesToEdge(config: Config): Promise<Config> {
  if (config.edge === undefined) return config;
  const { withEdge } = await import("./tunnel/edge/routes.ts");
  const door = { address: "edge", port: 0 };
  const agents = config.edge.insecure ? {} : { agents: door };
  return withEdge(config, { visitors: door, ...agents, key: new Uint8Array(0) });
}

/** A capture makes a list, however short. */
function answerAsJson(inputs: readonly Input[]): string {
  const answers = inputs.map((input) => ({
    ...input.name !== undefined && { connection: input.name },
    ...explained(input),
  }));
  const isCapture = inputs.some(({ name }) => name !== undefined);
  return `${JSON.stringify(isCapture ? answers : answers[0], null, 2)}\n`;
}

function answerAsText(inputs: readonly Input[], colour: boolean): string {
  return inputs.map((input) => {
    const explanation = explained(input);
    const text = explanation.transport === "tcp"
      ? formatExplanation(explanation, { colour })
      : formatDatagrams(explanation, { colour });
    return input.name === undefined ? text : `${input.transport} ${input.name}: ${text}`;
  }).join("\n");
}

function explained(input: Input): Explanation | DatagramExplanation {
  return input.transport === "tcp"
    ? explain(input.listener, input.asked)
    : explainDatagrams(input.listener, input.asked);
}
