/**
 * Those who are measured, as they are found on this machine: configured, and with a way to start them.
 *
 * @module
 */
import type { Proxy } from "./peers.ts";
import type { Readiness } from "./processes.ts";
import { DIRECT } from "./results.ts";

/** Ports of this run; `closed` is one that nobody listens on, and `either` that of a backend which is both others. */
export interface Ports {
  readonly echo: number;
  readonly source: number;
  readonly either: number;
  readonly closed: number;
  /** The first of those that the contenders listen on, each on two. */
  readonly first: number;
}

/** With protocol detection or without. */
export type Way = "detecting" | "plain";

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Where clients connect to. Not every proxy has both. */
  readonly ports: Partial<Readonly<Record<Way, number>>>;
  /** Absent for the direct way, which is no process. */
  readonly process?: {
    readonly command: readonly string[];
    readonly readiness: Readiness;
    /** One process for each connection: then its CPU time cannot be told from here. */
    readonly forks: boolean;
  };
}

/** Where it detects protocols, if it does. */
export function mainPort({ name, ports }: Contender): number {
  const port = ports.detecting ?? ports.plain;
  if (port === undefined) throw new Error(`${name} has no port`);
  return port;
}

/** Where Debian and its kin keep nginx's stream module, which is loaded where it is not built in. */
const NGINX_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/**
 * Those of `proxies` that are installed, and the direct way.
 * @param directory Where the configurations are written.
 */
export async function contenders(
  proxies: readonly Proxy[],
  transport: "tcp" | "udp",
  ports: Ports,
  directory: string,
): Promise<readonly Contender[]> {
  const found: Contender[] = [];
  for (const proxy of proxies) {
    const version = proxy.version === undefined ? "" : await versionOf(proxy.version);
    if (version === undefined) {
      console.error(`${proxy.name} is not installed here, and left out.`);
      continue;
    }
    found.push(await contender(proxy, version, transport, found.length, ports, directory));
  }
  const { echo, either } = ports;
  const backend = transport === "tcp" ? either : echo;
  return [...found, { name: DIRECT, version: "", ports: { detecting: backend, plain: backend } }];
}

async function contender(
  { name, ways, template, values = {}, command, readyLine, forks = false }: Proxy,
  version: string,
  transport: "tcp" | "udp",
  place: number,
  ports: Ports,
  directory: string,
): Promise<Contender> {
  const detecting = ports.first + 2 * place;
  const plain = detecting + 1;
  const config = template === undefined
    ? ""
    : await writeConfig(template, `${directory}/${detecting}-${template}`, {
      ...values,
      PORT: detecting,
      PLAIN_PORT: plain,
      ECHO_PORT: ports.echo,
      SOURCE_PORT: ports.source,
      EITHER_PORT: ports.either,
      CLOSED_PORT: ports.closed,
      DIRECTORY: directory,
      NGINX_STREAM: await exists(NGINX_STREAM_MODULE) ? `load_module ${NGINX_STREAM_MODULE};` : "",
    });
  const own = {
    ...ways.includes("detecting") && { detecting },
    ...ways.includes("plain") && { plain },
  };
  const port = own.detecting ?? plain;
  const answering = transport === "tcp" ? { port } : { echoPort: port };
  const backend = transport === "tcp" ? ports.either : ports.echo;
  return {
    name,
    version,
    ports: own,
    process: {
      command: command({ config, port, backend, directory }),
      readiness: readyLine ? { line: readyLine } : answering,
      forks,
    },
  };
}

/** What `command` says it is; `undefined` if there is no such program. */
async function versionOf([program = "", ...args]: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await new Deno.Command(program, { args }).output();
    const text = new TextDecoder();
    return (text.decode(stdout) + text.decode(stderr)).match(/\d+(\.\d+)+/)?.[0] ?? "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Fills a template's `${NAME}` in and gives the path of the result. */
async function writeConfig(
  template: string,
  path: string,
  values: Readonly<Record<string, string | number>>,
): Promise<string> {
  const text = await Deno.readTextFile(new URL(template, import.meta.url));
  const filled = text.replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => `${values[name] ?? ""}`);
  await Deno.writeTextFile(path, filled);
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
