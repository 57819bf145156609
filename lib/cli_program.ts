/**
 * The commands of the command line, and their options. What a command needs is imported when it is chosen.
 *
 * @module
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import metadata from "../deno.json" with { type: "json" };
import {
  CHECK_HELP,
  DEMO_HELP,
  EDGE_HELP,
  EXPLAIN_HELP,
  HEALTH_HELP,
  PROGRAM_HELP,
  RUN_HELP,
} from "./cli_help.ts";
import { addExpose } from "./cli_expose.ts";
import {
  addTo,
  DEFAULTS,
  EXIT,
  type Finish,
  type GlobalOptions,
  helpStyle,
  VARIABLES,
} from "./cli_options.ts";
import type { InitOptions } from "./commands.ts";
import type { ConfigSource } from "./config_file.ts";
import { configFile } from "./config_watch.ts";
import type { ExplainOptions } from "./explain_command.ts";
import { LOG_LEVELS } from "./log.ts";
import { LOG_FORMATS } from "./log_text.ts";
import { runProxy } from "./run_proxy.ts";
import type { Platform } from "./run.ts";
import { takesColour } from "./runtime/process.ts";

/**
 * Does what the arguments of `platform.process` say.
 * @returns The exit code.
 */
export async function obeyCommand(platform: Platform): Promise<number> {
  const { args, env, stderr, stdout } = platform.process;
  const said: Array<() => Promise<void>> = [];
  const program = new Command("sluice").exitOverride().configureOutput({
    writeOut: (text) => said.push(() => stdout.write(text)),
    writeErr: (text) => said.push(() => stderr.write(text)),
    getOutHasColors: () => takesColour(stdout, env),
    getErrHasColors: () => takesColour(stderr, env),
  });
  let code: number = EXIT.ok;
  addGlobalOptions(program);
  addCommands(program, platform, (result) => code = result);
  try {
    const { operands: [word] } = program.parseOptions([...args]);
    if (word === undefined) {
      if (args.length === 0 && env[VARIABLES.config] === undefined) program.help({ error: true });
      program.action(async () => void (code = await runOrCheck(program, platform)));
    } else if (/[./]/.test(word)) {
      program.error(`error: unknown command '${word}'; a file is run with \`--config ${word}\``);
    }
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  for (const write of said) await write();
  return code;
}

const CONFIG_OPTIONS = ["--config", "--set"];
const LOG_OPTIONS = ["--log-level", "--log-format", "--log-dir"];

function addGlobalOptions(program: Command): void {
  program
    .usage("--config FILE\n       sluice COMMAND [options]")
    .description(
      "One port, every protocol: each connection to the backend that speaks its language.",
    )
    .addOption(new Option("-c, --config <FILE>", "the configuration").env(VARIABLES.config))
    .addOption(
      new Option("--set <KEY=VALUE>", "set a top-level key, over the file; repeatable")
        .argParser(addOverride),
    )
    .option("-t, --test", "only check the configuration, as `sluice check`")
    .addOption(
      new Option("--log-level <LEVEL>", `lowest level logged: ${LOG_LEVELS.join(", ")}`)
        .choices(LOG_LEVELS).default(DEFAULTS.logLevel).env(VARIABLES.logLevel),
    )
    .addOption(
      new Option("--log-format <FORMAT>", LOG_FORMATS.join(" or "))
        .choices(LOG_FORMATS).default(DEFAULTS.logFormat).env(VARIABLES.logFormat),
    )
    .addOption(
      new Option("--log-dir <DIR>", "log to files in this directory").env(VARIABLES.logDir),
    )
    .version(metadata.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [COMMAND]", "print the help of a command")
    .configureHelp(helpStyle([]))
    .showHelpAfterError("(`sluice --help` lists commands and options)")
    .addHelpText("after", PROGRAM_HELP);
}

function addOverride(text: string, before: Readonly<Record<string, string>> = {}) {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw new InvalidArgumentError("KEY=VALUE is expected, listen_port=8443 for example.");
  }
  return { ...before, [key.trim()]: value.trim() };
}

/** @param finish Told the exit code of the command that ran. */
function addCommands(program: Command, platform: Platform, finish: Finish): void {
  program.command("run")
    .description("run the proxy; the same as no command")
    .configureHelp(helpStyle([...CONFIG_OPTIONS, ...LOG_OPTIONS]))
    .addHelpText("after", RUN_HELP)
    .action(async () => finish(await runOrCheck(program, platform)));

  program.command("check")
    .description("print the configuration with every default, or all its problems")
    .configureHelp(helpStyle(CONFIG_OPTIONS))
    .addHelpText("after", CHECK_HELP)
    .action(async () => finish(await check(program, platform)));

  addExplain(program, platform, finish);

  program.command("demo")
    .description("see it at work on every protocol, with nothing to configure")
    .option("--keep", "leave it running until interrupted")
    .addHelpText("after", DEMO_HELP)
    .action(async ({ keep = false }: { keep?: boolean }) => {
      const { runDemo } = await import("./demo/mod.ts");
      finish(await runDemo({ keep }, platform));
    });

  program.command("health")
    .description("ask the sluice that runs with a configuration whether it is ready")
    .configureHelp(helpStyle(CONFIG_OPTIONS))
    .addHelpText("after", HEALTH_HELP)
    .action(async () => {
      const { health } = await import("./health.ts");
      finish(await health(configOf(program, platform), platform));
    });

  addEdge(program, platform, finish);
  addExpose(program, platform, finish);

  program.command("init")
    .description("write a configuration to start from, with every key explained")
    .argument("[FILE]", "where to; `-` is stdout (default: sluice.toml or sluice.service)")
    .option("--systemd", "write a unit of systemd in its place")
    .option("--force", "overwrite a file that exists")
    .action(async (file: string | undefined, options: Partial<InitOptions>) => {
      const { force = false, systemd = false } = options;
      const { init } = await import("./commands.ts");
      finish(await init(file, { force, systemd }, platform.process));
    });

  program.command("schema")
    .description("print the JSON Schema of the configuration, for editors")
    .action(async () => {
      const { schema } = await import("./commands.ts");
      finish(await schema(platform.process));
    });
}

function addEdge(program: Command, platform: Platform, finish: Finish): void {
  const edge = program.command("edge")
    .description("make what agents of the tunnel's edge need")
    .helpCommand(false)
    .addHelpText("after", EDGE_HELP);
  edge.command("token")
    .description("make an agent's token, and the lines for the edge's configuration")
    .argument("<ID>", "what the agent is called")
    .action(async (id: string) => {
      const { edgeToken } = await import("./edge_commands.ts");
      finish(await edgeToken(id, platform.process));
    });
  edge.command("pin")
    .description("print the pin of the edge's certificate")
    .action(async () => {
      const { edgePin } = await import("./edge_commands.ts");
      finish(await edgePin(configOf(program, platform), platform));
    });
}

function addExplain(program: Command, platform: Platform, finish: Finish): void {
  program.command("explain")
    .description("say what would become of a client, and why")
    .configureHelp(helpStyle(CONFIG_OPTIONS))
    .option("--listener <NAME>", "the listener it comes to; the first if not given")
    .option("--udp", "it comes over UDP, as all do to a listener of UDP alone")
    .addOption(
      new Option("--hex <BYTES>", "its first bytes in hexadecimal; repeatable: a datagram each")
        .argParser(addTo).conflicts(["file", "sni", "alpn", "host", "dnsName"]),
    )
    .addOption(
      new Option(
        "--file <FILE>",
        "its first bytes in a file, likewise, or a pcap(ng); `-` is stdin",
      )
        .argParser(addTo).conflicts(["sni", "alpn", "host", "dnsName"]),
    )
    .option("--sni <NAME>", "a ClientHello for this name; over UDP in QUIC")
    .option("--alpn <PROTOCOLS>", "a ClientHello offering these, separated by commas")
    .addOption(
      new Option("--host <NAME>", "an HTTP request for this host")
        .conflicts(["sni", "alpn", "udp", "dnsName"]),
    )
    .addOption(
      new Option("--dns-name <NAME>", "a DNS query for this name, over UDP").conflicts([
        "sni",
        "alpn",
      ]),
    )
    .option("--from <IP>", "the client's address, for access lists and balancing")
    .option("--json", "print JSON")
    .addHelpText("after", EXPLAIN_HELP)
    .action(async (options: ExplainOptions) => {
      const { explainCommand } = await import("./explain_command.ts");
      const colour = takesColour(platform.process.stdout, platform.process.env);
      finish(await explainCommand(configOf(program, platform), options, platform.process, colour));
    });
}

/** The configuration that is to be run, checked or explained. */
function configOf(program: Command, { process: { env, files } }: Platform): ConfigSource {
  const { config, set } = program.opts<GlobalOptions>();
  if (config !== undefined) return { file: configFile(config, files), env, overrides: set ?? {} };
  return program.error(
    "error: no configuration: name it with `--config FILE` or SLUICE_CONFIG; `sluice init` writes one to start from",
  );
}

async function runOrCheck(program: Command, platform: Platform): Promise<number> {
  const options = program.opts<GlobalOptions>();
  if (options.test) return await check(program, platform);
  return await runProxy(configOf(program, platform), options, platform);
}

async function check(program: Command, platform: Platform): Promise<number> {
  const { check } = await import("./commands.ts");
  return await check(configOf(program, platform), platform.process);
}
