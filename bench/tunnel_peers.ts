/**
 * Tunnels that could be measured: sluice's own, under both runtimes, and its peers.
 *
 * @module
 */
import { createToken, formatToken, storedOf } from "../lib/tunnel/auth.ts";
import { keptCertificate } from "../lib/tunnel/certificate.ts";
import { formatPin } from "../lib/tunnel/pin.ts";
import { DENO_RUN } from "./peers.ts";
import type { Readiness } from "./processes.ts";

export const SLUICE = "sluice";
export const SLUICE_BUN = "sluice (Bun)";
export const RATHOLE = "rathole";
export const FRP = "frp";
export const CHISEL = "chisel";
export const BORE = "bore";

/** What the two ends of a tunnel are configured with. */
export interface Ends {
  /** Where the agent finds the edge, an IP address. */
  readonly edge: string;
  /** Where agents come to. */
  readonly control: number;
  /** Where visitors come to. */
  readonly visitors: number;
  /** The backend, beside the agent. */
  readonly service: number;
  /** For files of this tunnel, which nobody else uses. */
  readonly directory: string;
}

/** How both ends are started: the agent when the edge is ready, as it says, or by its port for agents. */
export interface Commands {
  readonly edge: readonly string[];
  readonly edgeReady: Readiness;
  readonly agent: readonly string[];
}

/** A tunnel: how it is found, configured and started. */
export interface Tunnel {
  readonly name: string;
  /** Commands that say their versions; all of them have to be there. */
  readonly versions: readonly (readonly string[])[];
  prepare(ends: Ends): Promise<Commands>;
}

const MAIN = new URL("../main.ts", import.meta.url).pathname;
const MAIN_BUN = new URL("../main_bun.ts", import.meta.url).pathname;
const DOMAIN = "tunnel.example";

/** All of them, sluice first. */
export const TUNNELS: readonly Tunnel[] = [
  {
    name: SLUICE,
    versions: [[Deno.execPath(), "--version"]],
    prepare: (ends) => prepareSluice([...DENO_RUN, MAIN], ends),
  },
  {
    name: SLUICE_BUN,
    versions: [["bun", "--version"]],
    prepare: (ends) => prepareSluice(["bun", MAIN_BUN], ends),
  },
  { name: RATHOLE, versions: [["rathole", "--version"]], prepare: prepareRathole },
  { name: FRP, versions: [["frps", "--version"], ["frpc", "--version"]], prepare: prepareFrp },
  { name: CHISEL, versions: [["chisel", "--version"]], prepare: prepareChisel },
  { name: BORE, versions: [["bore", "--version"]], prepare: prepareBore },
];

async function prepareSluice(
  sluice: readonly string[],
  { edge, control, visitors, service, directory }: Ends,
): Promise<Commands> {
  const token = createToken("bench");
  const state = `${directory}/state`;
  const { pin } = await keptCertificate(state, DOMAIN, Date.now());
  const config = await write(
    directory,
    "edge.toml",
    `# The edge needs a listener, though none of it is measured.
listen_port = ${visitors + 1}
listen_address_v4 = "127.0.0.1"
tcp_max_connections = 10000
tcp_target = ["127.0.0.1:1"]
[edge]
domain = "${DOMAIN}"
listen_port = ${control}
listen_address_v4 = ["0.0.0.0"]
tcp_ports = "${visitors}"
state_dir = "${state}"
[edge.agents.bench]
token_sha256 = "${storedOf(token.secret).toHex()}"
ports = ["${visitors}"]
`,
  );
  const file = await write(directory, "token", formatToken(token));
  const known = ["--edge", `${edge}:${control}`, "--token-file", file, "--pin", formatPin(pin)];
  return {
    edge: [...sluice, "--config", config],
    edgeReady: { line: /ready:/ },
    agent: [
      ...[...sluice, "expose", "tcp", `127.0.0.1:${service}`, "--port", `${visitors}`],
      ...[...known, "--quiet", "--no-inspect"],
    ],
  };
}

/** TLS by a certificate of an authority of its own: it believes nothing else. */
async function prepareRathole(
  { edge, control, visitors, service, directory }: Ends,
): Promise<Commands> {
  await certify(directory);
  const server = await write(
    directory,
    "server.toml",
    `[server]
bind_addr = "0.0.0.0:${control}"
default_token = "bench"
[server.transport]
type = "tls"
[server.transport.tls]
pkcs12 = "${directory}/edge.pfx"
pkcs12_password = "bench"
[server.services.bench]
bind_addr = "127.0.0.1:${visitors}"
`,
  );
  const client = await write(
    directory,
    "client.toml",
    `[client]
remote_addr = "${edge}:${control}"
default_token = "bench"
[client.transport]
type = "tls"
[client.transport.tls]
trusted_root = "${directory}/ca.pem"
hostname = "${DOMAIN}"
[client.services.bench]
local_addr = "127.0.0.1:${service}"
`,
  );
  return {
    edge: ["rathole", "--server", server],
    edgeReady: { port: control },
    agent: ["rathole", "--client", client],
  };
}

/** As it is made: TLS, and one connection for all visitors. */
async function prepareFrp(
  { edge, control, visitors, service, directory }: Ends,
): Promise<Commands> {
  const server = await write(
    directory,
    "frps.toml",
    `bindPort = ${control}
auth.token = "bench"
transport.tls.force = true
log.level = "error"
`,
  );
  const client = await write(
    directory,
    "frpc.toml",
    `serverAddr = "${edge}"
serverPort = ${control}
auth.token = "bench"
log.level = "error"
[[proxies]]
name = "bench"
type = "tcp"
localIP = "127.0.0.1"
localPort = ${service}
remotePort = ${visitors}
`,
  );
  return {
    edge: ["frps", "-c", server],
    edgeReady: { port: control },
    agent: ["frpc", "-c", client],
  };
}

/** Encrypted by SSH, as always, so without TLS around that. */
function prepareChisel({ edge, control, visitors, service }: Ends): Promise<Commands> {
  const remote = `R:127.0.0.1:${visitors}:127.0.0.1:${service}`;
  return Promise.resolve({
    edge: ["chisel", "server", "--host", "0.0.0.0", "-p", `${control}`, "--reverse"],
    edgeReady: { port: control },
    agent: ["chisel", "client", `http://${edge}:${control}`, remote],
  });
}

/** It has no encryption, and its agents come to this port. */
const BORE_CONTROL = 7835;

function prepareBore({ edge, visitors, service }: Ends): Promise<Commands> {
  return Promise.resolve({
    edge: ["bore", "server"],
    edgeReady: { port: BORE_CONTROL },
    agent: ["bore", "local", `${service}`, "--to", edge, "--port", `${visitors}`],
  });
}

/** Makes `ca.pem`, and `edge.pfx` that it vouches for, by `openssl`. */
async function certify(directory: string): Promise<void> {
  await write(directory, "names", `subjectAltName=DNS:${DOMAIN}\n`);
  const script = `
    key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
    key ca.key && key edge.key &&
    openssl req -x509 -new -key ca.key -subj /CN=bench -days 30 -out ca.pem \
      -addext basicConstraints=critical,CA:TRUE &&
    openssl req -new -key edge.key -subj /CN=edge -out edge.csr &&
    openssl x509 -req -in edge.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
      -extfile names -out edge.pem &&
    openssl pkcs12 -export -inkey edge.key -in edge.pem -passout pass:bench -out edge.pfx`;
  const options = { args: ["-ec", script], cwd: directory };
  const { success, stderr } = await new Deno.Command("sh", options).output();
  if (!success) throw new Error(`openssl failed:\n${new TextDecoder().decode(stderr)}`);
}

async function write(directory: string, name: string, text: string): Promise<string> {
  const path = `${directory}/${name}`;
  await Deno.writeTextFile(path, text);
  return path;
}
