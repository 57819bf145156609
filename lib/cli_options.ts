/**
 * What the commands of the command line have in common.
 *
 * @module
 */
import type { HelpConfiguration } from "commander";
import type { LogLevel } from "./log.ts";
import type { LogFormat } from "./log_text.ts";

/** What a process ends with: it did what it was asked to, it could not, or it was asked what makes no sense. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** Variables of the environment that stand for options. */
export const VARIABLES = {
  config: "SLUICE_CONFIG",
  logLevel: "SLUICE_LOG_LEVEL",
  logFormat: "SLUICE_LOG_FORMAT",
  logDir: "SLUICE_LOG_DIR",
} as const;

/** Options that nobody gave. */
export const DEFAULTS = { logLevel: "info", logFormat: "text" } as const;

/** The options that may stand before or after any command. */
export interface GlobalOptions {
  readonly config?: string;
  readonly test?: boolean;
  readonly set?: Readonly<Record<string, string>>;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logDir?: string;
}

/** Told the exit code of the command that ran. */
export type Finish = (code: number) => void;

/** Collects an option that may be given several times. */
export function addTo(text: string, before: readonly string[] = []) {
  return [...before, text];
}

/** How the help of a command looks. @param shared The options of the program that matter to it. */
export function helpStyle(shared: readonly string[]): HelpConfiguration {
  return {
    showGlobalOptions: true,
    visibleGlobalOptions: ({ parent }) =>
      (parent?.options ?? []).filter(({ long }) => long !== undefined && shared.includes(long)),
    optionDescription: ({ description, defaultValue, envVar }) =>
      [
        description,
        ...defaultValue === undefined ? [] : [`(default: ${defaultValue})`],
        ...envVar === undefined ? [] : [`[${envVar}]`],
      ].join(" "),
    subcommandTerm: (command) =>
      [command.name(), ...command.registeredArguments.map((each) => `[${each.name()}]`)].join(" "),
    styleTitle: (title) => `\x1b[1m${title}\x1b[22m`,
  };
}
