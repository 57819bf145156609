/**
 * Who is measured: sluice, its peers as the system's packages ship them, and the way without a proxy.
 *
 * @module
 */
import type { Readiness } from "./processes.ts";
import { BARE, DATAGRAM_REFERENCE, ONE_THREAD, ONE_WORKER, REFERENCE } from "./results.ts";

/** Ports of this run; `closed` is one that nobody listens on. */
export interface Ports {
  readonly echo: number;
  readonly source: number;
  readonly closed: number;
  /** The first of those that the contenders listen on. */
  readonly first: number;
}

/** What a connection is to reach. */
export type Backend = "echo" | "source";

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** The port of a client that wants to reach a backend. */
  port(backend: Backend): number;
  /** Absent for the direct way, which is no process. */
  readonly process?: {
    readonly command: readonly string[];
    readonly readiness: Readiness;
    /** One process for each connection: then its CPU time cannot be told from here. */
    readonly forks: boolean;
  };
}

/** How a proxy is found, configured and started. */
interface Proxy {
  readonly name: string;
  /** A command that prints its version, on either stream. */
  readonly version: readonly string[];
  /** Of its configuration; absent: it has none. */
  readonly template?: string;
  command(config: string, port: number): readonly string[];
  /** Absent: it is ready when its port answers. */
  readonly readyLine?: RegExp;
  readonly forks?: boolean;
  /** How its template says how many threads it has; absent: as many as there are cores. */
  readonly threads?: string;
}

const DENO_VERSION = [Deno.execPath(), "--version"];

const PEERS: readonly Proxy[] = [
  {
    name: REFERENCE,
    version: ["haproxy", "-v"],
    template: "haproxy.cfg",
    command: (config) => ["haproxy", "-db", "-f", config],
  },
  {
    name: ONE_THREAD,
    version: ["haproxy", "-v"],
    template: "haproxy.cfg",
    command: (config) => ["haproxy", "-db", "-f", config],
    threads: "nbthread 1",
  },
  {
    name: "nginx",
    version: ["nginx", "-v"],
    template: "nginx.conf",
    command: (config) => ["nginx", "-c", config],
  },
  {
    name: "sslh",
    version: ["sslh", "-V"],
    template: "sslh.cfg",
    command: (config) => ["sslh", `-F${config}`],
    forks: true,
  },
];

const nginxUdp = {
  version: ["nginx", "-v"],
  template: "nginx_udp.conf",
  command: (config: string) => ["nginx", "-c", config],
};

function datagramPeers({ echo }: Ports): readonly Proxy[] {
  const relay = new URL("relay.ts", import.meta.url).pathname;
  return [
    { name: DATAGRAM_REFERENCE, threads: "auto", ...nginxUdp },
    { name: ONE_WORKER, threads: "1", ...nginxUdp },
    {
      name: BARE,
      version: DENO_VERSION,
      command: (_, port) => [...DENO_RUN, relay, `${port}`, `${echo}`],
    },
  ];
}

/** What sluice and the scripts beside this file are run with, as `deno task start` does it. */
export const DENO_RUN: readonly string[] = [
  Deno.execPath(),
  "run",
  "-A",
  "--v8-flags=--max-semi-space-size=2",
];

/** Where Debian and its kin keep nginx's stream module, which is loaded where it is not built in. */
const NGINX_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** How sluice is started: the words of the command, `CONFIG` for its configuration. */
export type SluiceCommand = readonly string[];

/**
 * Those of TCP that can be measured here, sluice first.
 * @param directory Where the configurations are written.
 */
export function contenders(
  command: SluiceCommand,
  ports: Ports,
  directory: string,
): Promise<readonly Contender[]> {
  return installed([sluice(command, "sluice.toml"), ...PEERS], "tcp", ports, directory);
}

/** Those of UDP, as {@linkcode contenders}. */
export function datagramContenders(
  command: SluiceCommand,
  ports: Ports,
  directory: string,
): Promise<readonly Contender[]> {
  const proxies = [sluice(command, "sluice_udp.toml"), ...datagramPeers(ports)];
  return installed(proxies, "udp", ports, directory);
}

/** sluice with a configuration that takes QUIC alone. */
export async function quicContender(
  command: SluiceCommand,
  ports: Ports,
  directory: string,
): Promise<Contender> {
  const [found] = await installed([sluice(command, "sluice_quic.toml")], "udp", ports, directory);
  return found!;
}

function sluice(command: SluiceCommand, template: string): Proxy {
  return {
    name: "sluice",
    version: DENO_VERSION,
    template,
    command: (config) => command.map((word) => word === "CONFIG" ? config : word),
    readyLine: /\bready: /,
  };
}

async function installed(
  proxies: readonly Proxy[],
  transport: "tcp" | "udp",
  ports: Ports,
  directory: string,
): Promise<readonly Contender[]> {
  const found: Contender[] = [];
  for (const proxy of proxies) {
    const version = await versionOf(proxy);
    if (version === undefined) {
      console.error(`${proxy.name} is not installed here, and left out.`);
      continue;
    }
    const port = ports.first + found.length;
    const config = proxy.template === undefined
      ? ""
      : await writeConfig(proxy.template, proxy.threads, { ...ports, port, directory });
    const answering = transport === "tcp" ? { port } : { echoPort: port };
    const readiness = proxy.readyLine ? { line: proxy.readyLine } : answering;
    found.push({
      name: proxy.name,
      version,
      port: () => port,
      process: { command: proxy.command(config, port), readiness, forks: proxy.forks ?? false },
    });
  }
  const direct = { name: "direct", version: "", port: (backend: Backend) => ports[backend] };
  return [...found, direct];
}

async function versionOf({ version: [program = "", ...args] }: Proxy): Promise<string | undefined> {
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
  threads: string | undefined,
  { port, echo, source, closed, directory }: Ports & { port: number; directory: string },
): Promise<string> {
  const values: Readonly<Record<string, string | number>> = {
    PORT: port,
    ECHO_PORT: echo,
    SOURCE_PORT: source,
    CLOSED_PORT: closed,
    DIRECTORY: directory,
    THREADS: threads ?? "",
    NGINX_STREAM: await exists(NGINX_STREAM_MODULE) ? `load_module ${NGINX_STREAM_MODULE};` : "",
  };
  const text = await Deno.readTextFile(new URL(template, import.meta.url));
  const path = `${directory}/${port}-${template}`;
  await Deno.writeTextFile(
    path,
    text.replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => `${values[name]}`),
  );
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
