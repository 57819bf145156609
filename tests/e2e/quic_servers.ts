/**
 * QUIC servers, each with a certificate made for one test, on 127.0.0.1; and a client of HTTP/3.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { certificateFor } from "../../lib/demo/certificates.ts";
import type { Finished, Scope } from "../support/children.ts";
import { bound, freePortOfBoth } from "../support/udp_ports.ts";
import type { Server } from "./servers.ts";

/** The client asks for the host that it connects to, whatever its options say, so that host must have an address. */
const NAMES = "libnss_wrapper.so";

/** What a client of HTTP/3 needs; the library is no program, so where it is named the test is skipped. */
export const HTTP3_TOOLS: readonly string[] = [
  ...["gtlsclient", "gtlsserver"],
  ...await canPreload(NAMES) ? [] : [NAMES],
];

async function canPreload(library: string): Promise<boolean> {
  const { stderr } = await new Deno.Command("env", { env: { LD_PRELOAD: library } }).output();
  return stderr.length === 0;
}

/** Who a server is. */
export interface Identity {
  /** Its certificate, PEM. */
  readonly cert: string;
  /** Where `key.pem` and `cert.pem` are. */
  readonly folder: string;
}

/** Makes a certificate for `names`. */
export async function identity(scope: Scope, ...names: readonly string[]): Promise<Identity> {
  const folder = await scope.folder();
  const { key, cert } = await certificateFor(...names);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  return { cert, folder };
}

/** Starts `quic_backend.ts`: Deno's own QUIC, which echoes. */
export async function startQuicEcho(
  scope: Scope,
  name: string,
  { folder }: Identity,
  ...alpns: readonly string[]
): Promise<Server> {
  const program = fileURLToPath(new URL("quic_backend.ts", import.meta.url));
  const port = freePortOfBoth();
  const child = scope.start(Deno.execPath(), [
    ...["run", "--allow-net", "--allow-read", "--unstable-net"],
    ...[program, name, String(port), folder, ...alpns],
  ], { env: { DENO_NO_UPDATE_CHECK: "1" } });
  await child.stdout.next(/^listening$/);
  return { child, port };
}

/**
 * Starts the HTTP/3 server of ngtcp2.
 * @param files What it serves: a folder.
 */
export async function startHttp3(
  scope: Scope,
  { folder }: Pick<Identity, "folder">,
  files: string,
  ...options: readonly string[]
): Promise<Server> {
  const port = freePortOfBoth();
  const child = scope.start("gtlsserver", [
    ...["--quiet", "--htdocs", files, ...options],
    ...["127.0.0.1", String(port), `${folder}/key.pem`, `${folder}/cert.pem`],
  ]);
  await bound(port, child);
  return { child, port };
}

/** What a client of HTTP/3 got: the body, if there was one to the end. */
export interface Http3Answer extends Finished {
  readonly body?: Uint8Array;
}

/** Gets `https://NAME/FILE` from 127.0.0.1 by ngtcp2's client, which gives up after 2 s of silence. */
export async function getByHttp3(
  scope: Scope,
  port: number,
  name: string,
  file: string,
  ...options: readonly string[]
): Promise<Http3Answer> {
  const folder = await scope.folder();
  await Deno.writeTextFile(`${folder}/hosts`, `127.0.0.1 ${name}\n`);
  const finished = await scope.run("gtlsclient", [
    ...["--quiet", "--timeout=2s", "--handshake-timeout=2s", "--exit-on-all-streams-close"],
    ...[`--download=${folder}`, ...options, name, String(port), `https://${name}/${file}`],
  ], { env: { LD_PRELOAD: NAMES, NSS_WRAPPER_HOSTS: `${folder}/hosts` } });
  try {
    return { ...finished, body: await Deno.readFile(`${folder}/${file}`) };
  } catch {
    return finished;
  }
}
