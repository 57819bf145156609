/**
 * Who could be measured: sluice on its two engines, its peers as the system's packages ship them, and references.
 *
 * @module
 */
import type { Way } from "./contenders.ts";
import {
  BARE,
  HAPROXY,
  HAPROXY_LARGE,
  LINUX,
  NGINX,
  PORTABLE,
  REFERENCE,
  SOCAT,
  SSLH,
} from "./results.ts";

/** What a command to start a proxy is made of. */
export interface Start {
  /** The path of its configuration, if it has one. */
  readonly config: string;
  readonly port: number;
  /** A backend that is right for whatever comes. */
  readonly backend: number;
  /** Where programs are compiled to. */
  readonly directory: string;
}

/** How a proxy is found, configured and started. */
export interface Proxy {
  readonly name: string;
  /** A command that prints its version, on either stream. Absent: it is of this directory. */
  readonly version?: readonly string[];
  readonly ways: readonly Way[];
  /** Of its configuration; absent: it has none. `values`: what to fill in beside ports. */
  readonly template?: string;
  readonly values?: Readonly<Record<string, string>>;
  command(start: Start): readonly string[];
  /** Absent: it is ready when its port answers. */
  readonly readyLine?: RegExp;
  readonly forks?: boolean;
}

/** How sluice is started: the words of the command, `CONFIG` for its configuration. */
export type SluiceCommand = readonly string[];

/** What sluice and the scripts beside this file are run with, as `deno task start` does it. */
export const DENO_RUN: readonly string[] = [
  Deno.execPath(),
  "run",
  "-A",
  "--v8-flags=--max-semi-space-size=2",
];

const DENO_VERSION = [Deno.execPath(), "--version"];

const haproxy: Omit<Proxy, "name"> = {
  version: ["haproxy", "-v"],
  ways: ["detecting", "plain"],
  template: "haproxy.cfg",
  command: ({ config }) => ["haproxy", "-db", "-f", config],
};

const nginx: Omit<Proxy, "name" | "ways"> = {
  version: ["nginx", "-v"],
  command: ({ config }) => ["nginx", "-c", config],
};

/** Of TCP, sluice first. */
export function tcpProxies(command: SluiceCommand): readonly Proxy[] {
  return [
    ...bothEngines(command, "sluice.toml", ["detecting", "plain"]),
    { ...haproxy, name: HAPROXY },
    { ...haproxy, name: HAPROXY_LARGE, values: { TUNE: "tune.bufsize 262144" } },
    { ...nginx, name: NGINX, ways: ["detecting", "plain"], template: "nginx.conf" },
    {
      name: SSLH,
      version: ["sslh", "-V"],
      ways: ["detecting"],
      template: "sslh.cfg",
      command: ({ config }) => ["sslh", `-F${config}`],
      forks: true,
    },
    {
      name: SOCAT,
      version: ["socat", "-V"],
      ways: ["plain"],
      command: ({ port, backend }) => [
        "socat",
        `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=1024`,
        `TCP:127.0.0.1:${backend},nodelay`,
      ],
      forks: true,
    },
    reference("reference_tcp"),
  ];
}

/** Of UDP, sluice first. */
export function udpProxies(command: SluiceCommand): readonly Proxy[] {
  const relay = new URL("relay.ts", import.meta.url).pathname;
  return [
    ...bothEngines(command, "sluice_udp.toml", ["detecting"]),
    { ...nginx, name: NGINX, ways: ["detecting"], template: "nginx_udp.conf" },
    reference("reference_udp"),
    {
      name: BARE,
      version: DENO_VERSION,
      ways: ["plain"],
      command: ({ port, backend }) => [...DENO_RUN, relay, `${port}`, `${backend}`],
    },
  ];
}

/** sluice with a configuration that takes QUIC alone. */
export function quicProxies(command: SluiceCommand): readonly Proxy[] {
  return bothEngines(command, "sluice_quic.toml", ["detecting"]);
}

function bothEngines(
  command: SluiceCommand,
  template: string,
  ways: readonly Way[],
): readonly Proxy[] {
  return [[LINUX, "linux"] as const, [PORTABLE, "portable"] as const].map(([name, engine]) => ({
    name,
    version: DENO_VERSION,
    ways,
    template,
    values: { ENGINE: engine },
    command: ({ config }) => command.map((word) => word === "CONFIG" ? config : word),
    readyLine: /\bready: /,
  }));
}

function reference(program: string): Proxy {
  return {
    name: REFERENCE,
    ways: ["plain"],
    command: ({ port, backend, directory }) => [
      `${directory}/${program}`,
      `${port}`,
      `${backend}`,
    ],
  };
}
