/**
 * wireguard-go in network namespaces: its sockets are in one that all share, and each tunnel leads into one of its own,
 * so that what comes out there came through WireGuard.
 *
 * @module
 */
import type { Scope } from "../support/children.ts";
import { Namespace, NAMESPACE_TOOLS, works } from "./udp_namespace.ts";

/** What tests with wireguard-go need; see {@linkcode NAMESPACE_TOOLS}. */
export const WIREGUARD_TOOLS: readonly string[] = [
  ...NAMESPACE_TOOLS,
  ...["wg", "wireguard-go"],
  ...await works("ip", "tuntap", "add", "dev", "try", "mode", "tun") ? [] : ["a tunnel device"],
];

export interface TunnelOptions {
  /** The name of its interface. */
  readonly name: string;
  /** Its address in the tunnel. */
  readonly address: string;
  readonly port: number;
  /** The file of its private key. */
  readonly key: string;
  /** The public key of its peer, and what more there is to say of it in the words of wg(8). */
  readonly peer: readonly string[];
}

/** Starts wireguard-go with its socket in `outside`; returns where the tunnel leads. */
export async function startTunnel(
  scope: Scope,
  outside: Namespace,
  { name, address, port, key, peer }: TunnelOptions,
): Promise<Namespace> {
  const inside = await Namespace.make(scope);
  const child = outside.start("env", "LOG_LEVEL=verbose", "wireguard-go", "--foreground", name);
  await child.stdout.next(/UAPI listener started/);
  const secret = ["listen-port", `${port}`, "private-key", key];
  await outside.run("wg", "set", name, ...secret, "peer", ...peer);
  await outside.run("ip", "link", "set", name, "netns", `${inside.pid}`);
  await inside.run("ip", "address", "add", `${address}/24`, "dev", name);
  await inside.run("ip", "link", "set", name, "up");
  return inside;
}

/** Makes a key pair: the private key in a file. */
export async function makeWireguardKey(scope: Scope) {
  const file = `${await scope.folder()}/key`;
  const { stdout } = await scope.run("wg", ["genkey"]);
  await Deno.writeTextFile(file, stdout, { mode: 0o600 });
  const publicKey = (await scope.run("wg", ["pubkey"], { input: stdout })).stdout.trim();
  return { file, publicKey };
}
