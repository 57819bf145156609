/**
 * Real servers, each with a configuration made for one test, on 127.0.0.1.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import type { Child } from "../support/child.ts";
import { freePort, listening, type Scope } from "../support/children.ts";

/** A server and where it listens. */
export interface Server {
  readonly child: Child;
  readonly port: number;
}

const isRoot = Deno.uid() === 0;

/** A backend of `backend.ts`. */
export async function startBackend(
  scope: Scope,
  kind: "echo" | "smtp" | "deaf",
  name: string,
  port = freePort(),
): Promise<Server> {
  const program = fileURLToPath(new URL("backend.ts", import.meta.url));
  const args = ["run", "--allow-net", program, kind, name, String(port)];
  const child = scope.start(Deno.execPath(), args, { env: { DENO_NO_UPDATE_CHECK: "1" } });
  await child.stdout.next(/^listening$/);
  return { child, port };
}

/** A key and a certificate for a name, signed by itself. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate in files of `folder`. */
export async function makeCertificate(
  scope: Scope,
  folder: string,
  name: string,
): Promise<Certificate> {
  const [key, cert] = [`${folder}/${name}.key`, `${folder}/${name}.pem`];
  const { code, stderr } = await scope.run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"],
    ...["-keyout", key, "-out", cert, "-days", "2", "-subj", `/CN=${name}`],
    ...["-addext", `subjectAltName=DNS:${name}`],
  ]);
  assert.equal(code, 0, stderr);
  return { key, cert };
}

/** A web site of nginx. */
export interface Site {
  /** Every answer of the site is this and a line's end; it may hold variables of nginx. */
  readonly says: string;
  /** In clear: HTTP/2 alone, instead of HTTP/1.1 alone. */
  readonly http2?: boolean;
  /** With it the port speaks TLS, and both HTTPs. */
  readonly certificate?: Certificate;
  /** Connections begin with a PROXY header, of any version. */
  readonly proxyProtocol?: boolean;
}

/** Starts nginx with a port for each site. */
export async function startNginx<Name extends string>(
  scope: Scope,
  sites: Readonly<Record<Name, Site>>,
): Promise<Readonly<Record<Name, number>>> {
  const folder = await scope.folder();
  const names = Object.keys(sites) as Name[];
  const ports = Object.fromEntries(names.map((name) => [name, freePort()])) as Record<Name, number>;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const conf = `
    daemon off; master_process off; pid ${folder}/pid; error_log stderr warn;
    events {}
    http {
      access_log off;
      ${temporary.map((what) => `${what}_temp_path ${folder}/${what};`).join(" ")}
      ${names.map((name) => nginxServer(sites[name], ports[name])).join("\n")}
    }`;
  await Deno.writeTextFile(`${folder}/conf`, conf);
  const child = scope.start("nginx", ["-p", folder, "-e", "stderr", "-c", `${folder}/conf`]);
  for (const name of names) await listening(ports[name], child);
  return ports;
}

function nginxServer({ says, http2, certificate, proxyProtocol }: Site, port: number): string {
  const options = [
    ...certificate ? ["ssl"] : [],
    ...certificate || http2 ? ["http2"] : [],
    ...proxyProtocol ? ["proxy_protocol"] : [],
  ];
  return `server {
    listen 127.0.0.1:${port} ${options.join(" ")};
    ${certificate ? `ssl_certificate ${certificate.cert};` : ""}
    ${certificate ? `ssl_certificate_key ${certificate.key};` : ""}
    location / { default_type text/plain; return 200 "${says}\n"; }
  }`;
}

/** Starts openssl as a server of one application protocol. */
export async function startTlsServer(
  scope: Scope,
  { key, cert }: Certificate,
  alpn: string,
): Promise<Server> {
  const port = freePort();
  const child = scope.start("openssl", [
    ...["s_server", "-accept", `127.0.0.1:${port}`, "-naccept", "1000"],
    ...["-key", key, "-cert", cert, "-alpn", alpn],
  ]);
  await child.stdout.next(/^ACCEPT/);
  return { child, port };
}

/** An OpenSSH server that lets in who has the key. */
export interface SshServer extends Server {
  readonly user: string;
  /** The file of the client's private key. */
  readonly identity: string;
  /** The public key by which clients know the server. */
  readonly hostKey: string;
}

/** Starts sshd for the user that runs the tests. */
export async function startSshd(scope: Scope): Promise<SshServer> {
  const folder = await scope.folder();
  const port = freePort();
  for (const name of ["host", "client"]) {
    const args = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", `${folder}/${name}`];
    assert.equal((await scope.run("ssh-keygen", args)).code, 0);
  }
  await Deno.writeTextFile(
    `${folder}/sshd_config`,
    `
    ListenAddress 127.0.0.1:${port}
    HostKey ${folder}/host
    PidFile none
    AuthorizedKeysFile ${folder}/client.pub
    # The folder for temporary files is not one that sshd trusts.
    StrictModes no
    UsePAM no
    PasswordAuthentication no
    PermitRootLogin yes
    `,
  );
  // sshd insists on this folder when root runs it; as a service, its start script would have made it.
  if (isRoot) await Deno.mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const child = scope.start("sshd", ["-D", "-e", "-f", `${folder}/sshd_config`]);
  await child.stderr.next(/Server listening/);
  return {
    child,
    port,
    user: (await scope.run("id", ["-un"])).stdout.trim(),
    identity: `${folder}/client`,
    hostKey: (await Deno.readTextFile(`${folder}/host.pub`)).trim(),
  };
}

/** Arguments that take ssh to the server, on a port that leads there; a proxy's, say. */
export async function sshArguments(
  scope: Scope,
  { user, identity, hostKey }: SshServer,
  port: number,
): Promise<readonly string[]> {
  const knownHosts = `${await scope.folder()}/known_hosts`;
  await Deno.writeTextFile(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
  const options = {
    BatchMode: "yes",
    IdentitiesOnly: "yes",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: knownHosts,
  };
  return [
    ...["-F", "none", "-i", identity, "-p", String(port)],
    ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    `${user}@127.0.0.1`,
  ];
}

/** PostgreSQL with a superuser `postgres` who needs no password, and TLS for who asks for it. */
export async function startPostgres(scope: Scope): Promise<Server> {
  const folder = await scope.folder();
  const port = freePort();
  const { key, cert } = await makeCertificate(scope, folder, "postgres.example");
  const data = `${folder}/data`;
  const owner = await postgresOwner(scope);
  if (owner !== undefined) {
    for (const path of [folder, key, cert]) await Deno.chown(path, owner.uid, owner.gid);
  }
  const args = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
  const { code, stderr } = await scope.run("initdb", args, owner);
  assert.equal(code, 0, stderr);
  const settings = {
    fsync: "off",
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    ssl: "on",
    ssl_cert_file: cert,
    ssl_key_file: key,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = scope.start("postgres", ["-D", data, "-p", String(port), ...options], {
    ...owner,
    endsWith: "SIGQUIT",
  });
  await child.stderr.next(/ready to accept connections/);
  return { child, port };
}

/** PostgreSQL refuses to be run by root: its own user takes over then. */
async function postgresOwner(scope: Scope): Promise<{ uid: number; gid: number } | undefined> {
  if (!isRoot) return undefined;
  const id = async (option: string) => Number((await scope.run("id", [option, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

/** Starts mosquitto for anybody; it says on stderr what it gets and sends. */
export async function startMosquitto(scope: Scope): Promise<Server> {
  const port = freePort();
  const conf = `${await scope.folder()}/mosquitto.conf`;
  await Deno.writeTextFile(conf, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  // It gives up root for a user that cannot read the file; that happens after reading it.
  const child = scope.start("mosquitto", ["-c", conf, "-v"]);
  await listening(port, child);
  return { child, port };
}

/** Starts Redis, which keeps nothing. */
export async function startRedis(scope: Scope): Promise<Server> {
  const port = freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = scope.start("redis-server", args);
  await child.stdout.next(/Ready to accept connections/);
  return { child, port };
}
