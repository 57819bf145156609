/**
 * A tunnel as its users run it: an edge with a proxy around it, and agents, each a process of its own.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Child } from "../support/child.ts";
import { freePort, type Scope } from "../support/children.ts";
import { createToken, formatToken, storedOf, type Token } from "../../lib/tunnel/auth.ts";
import { sluiceCommand } from "./command.ts";
import { type Sluice, startSluice } from "./sluice.ts";

export const DOMAIN = "t.example";
export const ALICE = createToken("alice");
export const BOB = createToken("bob");

/** What may be said of an edge beside what every test needs. */
export interface EdgeOptions {
  /** Of alice, and of bob. */
  readonly alice?: string;
  readonly bob?: string;
  /** Of the edge, and of the proxy. */
  readonly edge?: string;
  readonly top?: string;
  /** Whether agents come to the port of the visitors. */
  readonly sharesPort?: boolean;
  readonly tokens?: readonly Token[];
}

/** An edge on free ports. */
export class Edge {
  /** Where visitors of names come to. */
  readonly port = freePort();
  /** Where agents come to. */
  readonly agentPort: number;
  /** For endpoints of tcp and udp: the first two are alice's. */
  readonly ports = [freePort(), freePort(), freePort()].sort((a, b) => a - b);
  pin = "";
  sluice!: Sluice;
  readonly #scope: Scope;
  readonly #options: EdgeOptions;
  readonly #state: string;

  private constructor(scope: Scope, options: EdgeOptions, state: string) {
    this.#scope = scope;
    this.#options = options;
    this.#state = state;
    this.agentPort = options.sharesPort ? this.port : freePort();
  }

  static async start(scope: Scope, options: EdgeOptions = {}): Promise<Edge> {
    const edge = new Edge(scope, options, await scope.folder());
    await edge.run();
    return edge;
  }

  /** Starts it, or starts it again. */
  async run(): Promise<void> {
    this.sluice = await startSluice(this.#scope, this.file());
    const line = this.sluice.child.stderr.all.find((line) => line.includes("has the pin"));
    this.pin = /pin ([0-9a-f]{64})/.exec(line ?? "")?.[1] ?? "";
  }

  /** Its configuration. */
  file(tokens: readonly Token[] = this.#options.tokens ?? [ALICE, BOB]): string {
    const { alice = 'names = ["*"]', bob = 'names = ["*"]' } = this.#options;
    const { edge = "", top = "", sharesPort } = this.#options;
    const own = { alice: `${alice}\nports = [${this.ports.slice(0, 2)}]`, bob };
    return `
      listen_address_v4 = "127.0.0.1"
      listen_port = ${this.port}
      drain_timeout = "1s"
      ${top}
      [edge]
      domain = "${DOMAIN}"
      state_dir = "${this.#state}"
      ${sharesPort ? "" : `listen_port = ${this.agentPort}`}
      tcp_ports = [${this.ports}]
      ${edge}
      ${
      tokens.map(({ id, secret }) => `
      [edge.agents.${id}]
      token_sha256 = "${storedOf(secret).toHex()}"
      ${own[id as keyof typeof own]}`).join("\n")
    }`;
  }

  /** Takes another configuration up. */
  async reload(file: string): Promise<void> {
    await Deno.writeTextFile(this.sluice.file, file);
    await this.sluice.says(/reloaded/);
  }
}

/** A running `sluice expose`. */
export class Agent {
  constructor(readonly child: Child, readonly file: string) {}

  /** The next event of that kind on stdout, which matches. */
  async event(event: string, pattern = /./): Promise<Readonly<Record<string, string>>> {
    return await this.#next(this.child.stdout, event, pattern);
  }

  /** The same on stderr. */
  async trouble(event: string, pattern = /./): Promise<Readonly<Record<string, string>>> {
    return await this.#next(this.child.stderr, event, pattern);
  }

  /** Resolves when all its endpoints are served: so many. */
  async serving(count = 1): Promise<readonly string[]> {
    const addresses: string[] = [];
    while (addresses.length < count) addresses.push((await this.event("serving")).address!);
    return addresses;
  }

  /** Descriptors that it has open. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.child.pid}/fd`)].length;
  }

  async #next(
    lines: Child["stdout"],
    event: string,
    pattern: RegExp,
  ): Promise<Readonly<Record<string, string>>> {
    const line = await lines.next(new RegExp(`^(?=.*"event":"${event}").*${pattern.source}`));
    return JSON.parse(line);
  }
}

/** What an agent is told beside its endpoints. */
export interface AgentOptions {
  readonly token?: Token;
  /** Where it finds the edge, if it is not told. */
  readonly at?: number;
  readonly pin?: string;
  /** Where its inspector is, if it has one. */
  readonly inspect?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The file of an agent of an edge. */
export function agentFile(
  edge: Edge,
  endpoints: string,
  { at = edge.agentPort, pin = edge.pin, inspect }: AgentOptions = {},
): string {
  return `edge = "127.0.0.1:${at}"\npin = "${pin}"\ninspect = ${inspect ?? false}\n${endpoints}`;
}

/** Starts an agent, which need not be let in. */
export async function runAgent(
  scope: Scope,
  edge: Edge,
  endpoints: string,
  options: AgentOptions = {},
): Promise<Agent> {
  const file = `${await scope.folder()}/agent.toml`;
  await Deno.writeTextFile(file, agentFile(edge, endpoints, options));
  return expose(scope, ["-c", file], { file, ...options });
}

/** Starts `sluice expose`. */
export function expose(
  scope: Scope,
  args: readonly string[],
  { token = ALICE, file = "", env = {} }: AgentOptions & { readonly file?: string } = {},
): Agent {
  const [program, ...all] = sluiceCommand(["expose", ...args, "--log-format", "json"]);
  const variables = { DENO_NO_UPDATE_CHECK: "1", SLUICE_TOKEN: formatToken(token), ...env };
  return new Agent(scope.start(program, all, { env: variables }), file);
}

/** Starts an agent whose endpoints are all served. */
export async function startAgent(
  scope: Scope,
  edge: Edge,
  endpoints: string,
  options?: AgentOptions,
): Promise<Agent> {
  const agent = await runAgent(scope, edge, endpoints, options);
  await agent.serving(endpoints.match(/^\s*\[endpoints\./gm)?.length);
  return agent;
}

/** The table of an endpoint. */
export function endpoint(
  kind: "http" | "tls" | "tcp" | "udp",
  service: number,
  place: string | number,
  more = "",
): string {
  const key = typeof place === "string" ? `name = "${place}"` : `port = ${place}`;
  return `[endpoints."${kind}-${place}"]\nkind = "${kind}"\nservice = "127.0.0.1:${service}"\n${key}\n${more}\n`;
}

/** Arguments of curl that ask for a name of the edge. */
export function curlTo(edge: Edge, name: string, path = "/", ...more: readonly string[]) {
  const host = `${name}.${DOMAIN}`;
  const to = ["--resolve", `${host}:${edge.port}:127.0.0.1`];
  return [
    "-sS",
    "--max-time",
    "20",
    "--noproxy",
    "*",
    ...to,
    ...more,
    `http://${host}:${edge.port}${path}`,
  ];
}

/** What curl gets from a name of the edge: the body, and the status in a line behind it. */
export async function get(scope: Scope, edge: Edge, name: string, ...more: readonly string[]) {
  const args = curlTo(edge, name, "/", "-w", "\n%{http_code}", ...more);
  const { stdout, stderr } = await scope.run("curl", args);
  const [, body = "", status = ""] = /^([^]*)\n(\d+)$/.exec(stdout) ?? [];
  assert.notEqual(status, "", stderr);
  return { body, status: Number(status) };
}
