/**
 * The backends of the demo: small servers, each on a port of its own.
 *
 * @module
 */
import type { Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createSecureServer as createHttp2Secure, createServer as createHttp2 } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Certificate } from "./certificates.ts";
import { OPENINGS } from "./openings.ts";
import { socks5Server } from "./socks5.ts";
import { ANSWERS, startUdpBackend } from "./udp_backends.ts";

export const HOST = "127.0.0.1";

/** What the backends of TLS show. */
export interface Certificates {
  readonly a: Certificate;
  readonly b: Certificate;
}

/** Servers by name. Owns them and their connections. */
export class Backends {
  readonly #servers = new Map<string, Server>();
  readonly #sockets = new Set<Socket>();
  /** Those of UDP, by name. */
  readonly #datagrams = new Map<string, DatagramSocket>();

  /** Starts all of them. */
  static async start({ a, b }: Certificates): Promise<Backends> {
    const all = new Backends();
    await all.#listen("web", createHttp((_, response) => response.end(greeting("web"))));
    await all.#listen("api", createHttp((_, response) => response.end(greeting("api"))));
    await all.#listen("h2c", createHttp2((_, response) => response.end(greeting("h2c"))));
    await all.#listen("site-a", createHttps(a, (_, response) => response.end(greeting("site-a"))));
    await all.#listen("site-b", createHttps(b, (_, response) => response.end(greeting("site-b"))));
    await all.#listen(
      "site-b-h2",
      createHttp2Secure(b, (_, response) => response.end(greeting("site-b-h2"))),
    );
    await all.#listen("blue", sshServer("blue"));
    await all.#listen("green", sshServer("green"));
    await all.#listen("mail", mailServer());
    await all.#listen("echo", createServer(HALF_OPEN, (socket) => socket.pipe(socket)));
    await all.#listen("socks5", socks5Server({ host: HOST, port: all.port("web") }));
    for (const { protocol, answer } of OPENINGS) await all.#listen(protocol, openingServer(answer));
    for (const name of Object.keys(ANSWERS)) {
      all.#datagrams.set(name, await startUdpBackend(name, HOST));
    }
    return all;
  }

  /** @throws {RangeError} If there is no backend of this name. */
  port(name: string): number {
    const server = this.#servers.get(name) ?? this.#datagrams.get(name);
    if (server === undefined) throw new RangeError(`there is no backend ${name}`);
    return (server.address() as AddressInfo).port;
  }

  /** The name of the backend that listens on `port`. */
  nameAt(port: number, transport: "tcp" | "udp"): string | undefined {
    const servers = transport === "tcp" ? this.#servers : this.#datagrams;
    return [...servers.keys()].find((name) => this.port(name) === port);
  }

  get count(): number {
    return this.#servers.size + this.#datagrams.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const socket of this.#datagrams.values()) socket.close();
    await Promise.all(Array.from(this.#servers.values(), (server) => {
      server.close();
      return once(server, "close");
    }));
  }

  async #listen(name: string, server: Server): Promise<void> {
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      // A client that breaks off is no fault of the demo: what became of it is in the table.
      socket.on("error", () => {});
    });
    server.listen(0, HOST);
    await once(server, "listening");
    this.#servers.set(name, server);
  }
}

/** A client that has said all may still be answered. */
const HALF_OPEN = { allowHalfOpen: true };

/** What the HTTP backend `name` answers. */
export function greeting(name: string): string {
  return `hello from ${name}\n`;
}

/** As far as a client sees without keys: a banner, and then an answer to whatever is not the client's. */
function sshServer(name: string): Server {
  return talker(`SSH-2.0-${name}\r\n`, (said) => said.startsWith("SSH-") ? "" : `${name}: ${said}`);
}

/** As far as a client that delivers no mail sees of one. */
function mailServer(): Server {
  return talker("220 mail.demo ESMTP\r\n", (said) => {
    if (/^(EHLO|HELO) /.test(said)) return "250 mail.demo\r\n";
    return /^QUIT\b/.test(said) ? "221 bye\r\n" : "502 not in this demo\r\n";
  });
}

/** A server that speaks first and then answers what it hears. */
function talker(greeting: string, answer: (said: string) => string): Server {
  return createServer(HALF_OPEN, async (socket) => {
    socket.setEncoding("utf8").write(greeting);
    try {
      for await (const said of socket) {
        if (!socket.write(answer(said))) await once(socket, "drain");
      }
      socket.end();
    } catch {
      // The client broke off.
    }
  });
}

/** Answers whatever it hears first, and nothing else. */
function openingServer(answer: string | undefined): Server {
  return createServer(HALF_OPEN, (socket) => {
    socket.once("data", () => answer !== undefined && socket.write(answer, "latin1"));
    socket.on("end", () => socket.end());
    socket.resume();
  });
}
