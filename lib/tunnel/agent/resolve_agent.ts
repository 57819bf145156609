/**
 * From what an agent's file says to what holds: the files that it names are read here.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import type { Environment } from "../../runtime/process.ts";
import type { Trust } from "../../runtime/runtime.ts";
import { systemReason } from "../../system_error.ts";
import { parseToken, type Token } from "../auth.ts";
import { type AgentTable, type EndpointTable, parseCredentials } from "./agent_schema.ts";
import type { AgentConfig, EndpointConfig } from "./config.ts";

/** What a token may come in, beside a file: other users of the machine do not see it, as they do the command line. */
export const TOKEN_VARIABLE = "SLUICE_TOKEN";

/**
 * Resolves a table.
 * @throws {Error} If a file cannot be read, or does not have in it what it should; the message names it.
 */
export async function resolveAgent(table: AgentTable, env: Environment): Promise<AgentConfig> {
  const { edge, inspect = "auto" } = table;
  const trust = await readTrust(table);
  return {
    edge,
    token: await readToken(table.token_file, env),
    ...trust && { trust },
    inspector: inspect === false ? "none" : inspect,
    endpoints: await Promise.all(
      Object.entries(table.endpoints).map(([label, endpoint]) => resolveEndpoint(label, endpoint)),
    ),
  };
}

async function readTrust({ pin, ca, insecure }: AgentTable): Promise<Trust | undefined> {
  if (insecure) return undefined;
  if (pin !== undefined) return { kind: "pin", sha256: pin };
  if (ca === undefined) return { kind: "system" };
  const pem = await read(ca);
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Error(`${ca}: there is no certificate in PEM in it`);
  }
  return { kind: "authorities", pem };
}

async function readToken(file: string | undefined, env: Environment): Promise<Token> {
  const given = file === undefined ? env[TOKEN_VARIABLE] : await read(file);
  if (!given) {
    throw new Error(
      `there is no token: name its file with --token-file (token_file), or set ${TOKEN_VARIABLE}`,
    );
  }
  // What `sluice edge token` prints has it on its first line that is no comment.
  const [first = ""] = linesOf(given);
  const token = parseToken(first);
  if (token === undefined) {
    const where = file ?? TOKEN_VARIABLE;
    throw new Error(`${where}: there is no token in it, which \`sluice edge token\` makes`);
  }
  return token;
}

async function resolveEndpoint(label: string, endpoint: EndpointTable): Promise<EndpointConfig> {
  const { kind, service, name, port, allow = [], forwarded = false } = endpoint;
  const { host_header: hostHeader, proxy_protocol: proxyProtocol = "none" } = endpoint;
  const { basic_auth: inline = [], basic_auth_file: file } = endpoint;
  const credentials = [...inline, ...file === undefined ? [] : await readCredentials(file)];
  return {
    label,
    kind,
    service,
    ...name !== undefined && { name },
    ...port !== undefined && { port },
    allow,
    ...credentials.length > 0 && { credentials },
    ...forwarded !== false && { forwarded: forwarded === true ? "replace" : forwarded },
    ...hostHeader !== undefined && { hostHeader },
    ...proxyProtocol !== "none" && { proxyProtocol },
  };
}

async function readCredentials(file: string): Promise<readonly string[]> {
  const lines = linesOf(await read(file));
  try {
    if (lines.length === 0) throw new SyntaxError("there is nobody in it who may ask");
    return lines.map(parseCredentials);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`${file}: ${error.message}`, { cause: error });
  }
}

/** The lines that say something. */
function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => !/^(#|$)/.test(line));
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}
