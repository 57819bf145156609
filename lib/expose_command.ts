/**
 * `sluice expose`: from arguments, or a file, to an agent that runs.
 *
 * @module
 */
import type { RawTable } from "./config/document.ts";
import { report } from "./config/problem.ts";
import { configFile } from "./config_watch.ts";
import type { LogFormat } from "./log_text.ts";
import type { Platform } from "./run.ts";
import { loadAgentOptions } from "./tunnel/agent/agent_file.ts";
import { expose } from "./tunnel/agent/expose.ts";
import { loadAgent, loadAgentFile } from "./tunnel/agent/load_agent.ts";

/** What the command line says, as it was written. */
export interface ExposeOptions {
  readonly name?: string;
  readonly port?: string;
  readonly edge?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly pin?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly allow?: readonly string[];
  readonly basicAuth?: readonly string[];
  readonly basicAuthFile?: string;
  readonly forwarded?: boolean;
  readonly hostHeader?: string;
  readonly proxyProtocol?: string;
  /** `false`: nowhere. */
  readonly inspect?: string | false;
  readonly quiet?: boolean;
}

export interface ExposeCommand {
  readonly kind?: string | undefined;
  readonly service?: string | undefined;
  /** The file that says what is exposed in their place. */
  readonly file?: string | undefined;
  readonly options: ExposeOptions;
  /** What of the options the user wrote on the command line, in his words. */
  readonly written: readonly string[];
  readonly logFormat: LogFormat;
  /** Whether the configuration is only looked at. */
  readonly test: boolean;
}

/** Options that go with a file too, and those of the proxy alone. */
const WITH_FILE = ["--quiet"];
const OF_PROXY = ["--set", "--log-level", "--log-dir"];

/** Runs an agent until a signal ends it, or the edge does not want it; returns the exit code. */
export async function exposeCommand(command: ExposeCommand, platform: Platform): Promise<number> {
  const { process } = platform;
  const fault = usageFault(command);
  if (fault !== undefined) {
    await process.stderr.write(`error: ${fault}\n(\`sluice expose --help\` says how)\n`);
    return 2;
  }
  const { file: path, options: { quiet = false }, logFormat, test } = command;
  const file = path === undefined ? undefined : configFile(path, process.files);
  const seen = await file?.look();
  const loaded = file === undefined
    ? await loadAgent(loadAgentOptions(tableOf(command), optionOf), process.env)
    : await loadAgentFile(file, process.env);
  if (!loaded.ok) {
    await process.stderr.write(report(loaded.problems));
    return 2;
  }
  if (test) {
    await process.stderr.write(`${path ?? "it"} is good\n`);
    return 0;
  }
  const watched = file && seen !== undefined ? { file, seen } : undefined;
  return await expose(loaded.config, { quiet, logFormat, watched }, platform);
}

/** What makes no sense, whatever the values are. */
function usageFault({ kind, service, file, options, written }: ExposeCommand): string | undefined {
  if (options.token !== undefined) {
    return "a token on the command line can be read by every user of this machine: " +
      "write it into a file for --token-file, or into the variable SLUICE_TOKEN";
  }
  const ofProxy = written.filter((option) => OF_PROXY.includes(option));
  if (ofProxy.length > 0) return `${ofProxy.join(", ")} is for the proxy, and has no effect here`;
  if (file === undefined) {
    if (kind === undefined || service === undefined) {
      return "what is to be exposed? `sluice expose http 3000`, or a file: `sluice expose -c agent.toml`";
    }
    return options.edge === undefined
      ? "where is the edge? name it with --edge HOST, or in the variable SLUICE_EDGE"
      : undefined;
  }
  if (kind !== undefined) return `${kind} has no effect beside ${file}, which says what is exposed`;
  const idle = written.filter((option) => !WITH_FILE.includes(option));
  return idle.length === 0
    ? undefined
    : `${idle.join(", ")} has no effect beside ${file}: write it there`;
}

/** The same as a file would say. */
function tableOf({ kind = "", service = "", options }: ExposeCommand): RawTable {
  const { edge, tokenFile, pin, ca, insecure, inspect, name, port, allow, forwarded } = options;
  const { basicAuth, basicAuthFile, hostHeader, proxyProtocol } = options;
  return present({
    edge,
    token_file: tokenFile,
    pin,
    ca,
    insecure,
    inspect,
    endpoints: {
      [`${kind} ${service}`]: present({
        kind,
        service,
        name,
        port,
        allow,
        basic_auth: basicAuth,
        basic_auth_file: basicAuthFile,
        forwarded,
        host_header: hostHeader,
        proxy_protocol: proxyProtocol,
      }),
    },
  });
}

function present(table: RawTable): RawTable {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined));
}

/** What the user writes for a key. */
function optionOf(key: string): string {
  if (key === "kind") return "KIND";
  return key === "service" ? "SERVICE" : `--${key.replaceAll("_", "-")}`;
}
