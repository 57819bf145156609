/**
 * The options of `sluice expose`.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { EXPOSE_HELP } from "./cli_help.ts";
import { addTo, type Finish, type GlobalOptions, helpStyle } from "./cli_options.ts";
import type { ExposeOptions } from "./expose_command.ts";
import type { Platform } from "./run.ts";

/** Adds the command. */
export function addExpose(program: Command, platform: Platform, finish: Finish): void {
  const command = program.command("expose")
    .description("give services of this machine public addresses, by the edge of a tunnel")
    .usage("http|tls|tcp|udp [HOST:]PORT --edge HOST [options]\n       sluice expose -c FILE")
    .argument("[KIND]", "http, tls, tcp or udp")
    .argument("[SERVICE]", "where the service is: a port of this machine, or host:port")
    .configureHelp(helpStyle(["--test", "--log-format"]))
    .option("--name <NAME>", "its name under the edge's domain, for http and tls")
    .option("--port <PORT>", "its port of the edge, for tcp and udp")
    .addOption(new Option("--edge <HOST[:PORT]>", "where the edge is").env("SLUICE_EDGE"))
    .option("--token-file <FILE>", "file with the token; or it is in SLUICE_TOKEN")
    .addOption(new Option("--token <TOKEN>").hideHelp())
    .option("--pin <HEX>", "the SHA-256 of the edge's certificate")
    .option("--ca <FILE>", "authorities that are believed, in PEM, in place of the system's")
    .option("--insecure", "without TLS, where the edge is so too")
    .addOption(
      new Option("--allow <CIDR>", "who may visit; repeatable (default: everybody)")
        .argParser(addTo),
    )
    .addOption(
      new Option("--basic-auth <USER:PASSWORD>", "who may ask, for http; repeatable")
        .argParser(addTo).env("SLUICE_BASIC_AUTH"),
    )
    .option("--basic-auth-file <FILE>", "the same, in a file with a line for each")
    .option("--forwarded", "tell the service who asked: X-Forwarded-For and its like, for http")
    .option("--host-header <NAME>", "the Host that the service is asked for, for http")
    .option("--proxy-protocol <VERSION>", "tell the service who came by a PROXY header: v1 or v2")
    .option("--inspect <ADDR>", "where the page that shows requests is (default: 127.0.0.1:4040)")
    .option("--no-inspect", "no such page")
    .option("-q, --quiet", "no line for each request and each visitor")
    .addHelpText("after", EXPOSE_HELP);
  command.action(
    async (kind: string | undefined, service: string | undefined, options: ExposeOptions) => {
      const { config, logFormat, test = false } = program.opts<GlobalOptions>();
      const { exposeCommand } = await import("./expose_command.ts");
      const file = isWritten(program, "config") ? config : undefined;
      const written = writtenOf(command).concat(
        writtenOf(program).filter((option) => !SHARED.includes(option)),
      );
      const given = { kind, service, file, options, written, logFormat, test };
      finish(await exposeCommand(given, platform));
    },
  );
}

/** Options of the program that it takes. */
const SHARED = ["--config", "--test", "--log-format"];

/** The options of a command that are on the command line. */
function writtenOf(command: Command): string[] {
  return command.options.filter((option) => isWritten(command, option.attributeName()))
    .map(({ long }) => long ?? "");
}

function isWritten(command: Command, attribute: string): boolean {
  return command.getOptionValueSource(attribute) === "cli";
}
