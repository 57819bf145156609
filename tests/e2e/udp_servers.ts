/**
 * Real servers that speak UDP, each with a configuration made for one test, on 127.0.0.1.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Scope } from "../support/children.ts";
import { bound, freePortOfBoth } from "../support/udp_ports.ts";
import type { Identity } from "./quic_servers.ts";
import type { Certificate, Server } from "./servers.ts";

/** A backend of `udp_backend.ts`. */
export async function startUdpBackend(
  scope: Scope,
  kind: "echo" | "hear" | "tftp",
  name: string,
  port = freePortOfBoth(),
): Promise<Server> {
  const program = fileURLToPath(new URL("udp_backend.ts", import.meta.url));
  const args = ["run", "--allow-net", "--unstable-net", program, kind, name, String(port)];
  const child = scope.start(Deno.execPath(), args, { env: { DENO_NO_UPDATE_CHECK: "1" } });
  await child.stdout.next(/^listening$/);
  return { child, port };
}

/** Starts dnsmasq, which knows one address for every name. */
export async function startDns(scope: Scope, address: string): Promise<Server> {
  const port = freePortOfBoth();
  const child = scope.start("dnsmasq", [
    ...["--no-daemon", "--conf-file=/dev/null", "--pid-file", "--no-resolv", "--no-hosts"],
    ...["--listen-address=127.0.0.1", "--bind-interfaces", `--port=${port}`],
    `--address=/#/${address}`,
  ]);
  await bound(port, child);
  return { child, port };
}

/** Starts openssl as a server of DTLS 1.2, which says what it gets. */
export async function startDtls(scope: Scope, { key, cert }: Certificate): Promise<Server> {
  const port = freePortOfBoth();
  const child = scope.start("openssl", [
    ...["s_server", "-dtls1_2", "-accept", `127.0.0.1:${port}`],
    ...["-key", key, "-cert", cert],
  ]);
  await bound(port, child);
  return { child, port };
}

/** Starts coturn as a STUN server. */
export async function startStun(scope: Scope): Promise<Server> {
  const port = freePortOfBoth();
  const folder = await scope.folder();
  const child = scope.start("turnserver", [
    ...["-n", "--stun-only", "--listening-ip=127.0.0.1", `--listening-port=${port}`],
    ...["--no-tcp", "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", "--relay-threads=1"],
    ...[`--pidfile=${folder}/pid`, `--userdb=${folder}/db`],
  ]);
  await bound(port, child);
  return { child, port };
}

/** What both ends of OpenVPN are told: a tunnel that ends nowhere needs no rights. */
function openvpnArguments({ folder }: Identity): readonly string[] {
  const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
  return [
    ...["--dev", "null", "--ifconfig-noexec", "--proto", "udp", "--verb", "3"],
    ...["--ca", cert, "--cert", cert, "--key", key],
  ];
}

/** Starts OpenVPN, which lets in who has its own certificate. */
export async function startOpenvpn(scope: Scope, identity: Identity): Promise<Server> {
  const port = freePortOfBoth();
  const child = scope.start("openvpn", [
    ...["--local", "127.0.0.1", "--port", String(port), "--tls-server", "--dh", "none"],
    ...openvpnArguments(identity),
  ]);
  await bound(port, child);
  return { child, port };
}

/** Starts OpenVPN as the client of a server. */
export function startOpenvpnClient(scope: Scope, identity: Identity, port: number) {
  return scope.start("openvpn", [
    ...["--remote", "127.0.0.1", String(port), "--nobind", "--tls-client"],
    ...openvpnArguments(identity),
  ]);
}

/** chronyd as whoever runs the tests, with its files in `folder`. */
export function chronyArguments(folder: string): readonly string[] {
  const user = Deno.uid() === 0 ? ["-u", "root"] : ["-U"];
  const files = ["pidfile", "driftfile"].map((name) => `${name} ${folder}/${name}`);
  return [...user, "-f", "/dev/null", ...files, "cmdport 0", "bindcmdaddress /"];
}

/** Starts chronyd as an NTP server that trusts its own clock, and leaves it alone. */
export async function startNtp(scope: Scope): Promise<Server> {
  const port = freePortOfBoth();
  const serving = [`port ${port}`, "bindaddress 127.0.0.1", "local stratum 8", "allow 127.0.0.1"];
  const arguments_ = [...chronyArguments(await scope.folder()), ...serving];
  const child = scope.start("chronyd", ["-d", "-x", ...arguments_]);
  await bound(port, child);
  return { child, port };
}

/** Starts SIPp as the side that is called. */
export async function startSip(scope: Scope): Promise<Server> {
  const port = freePortOfBoth();
  const child = scope.start("sipp", [
    ...["-sn", "uas", "-i", "127.0.0.1", "-p", String(port), "-nostdin"],
  ]);
  await bound(port, child);
  return { child, port };
}
