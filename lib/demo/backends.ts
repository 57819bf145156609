/**
 * The backends of the demo: small servers, each on a port of its own.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket as createUdp, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createSecureServer as createHttp2Secure, createServer as createHttp2 } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { ConnectionRecord } from "../access_log.ts";
import type { Certificate } from "./certificates.ts";
import { greeting, HOST } from "./host.ts";
import { OPENINGS } from "./openings.ts";
import { socks5Server } from "./socks5.ts";
import { udpBackends } from "./udp_backends.ts";
import type { Answer } from "./udp_openings.ts";

/** What the backends of TLS show. */
export interface Certificates {
  readonly a: Certificate;
  readonly b: Certificate;
}

type Transport = ConnectionRecord["transport"];

/** How often another port is tried where one is free on one transport only. */
const PORTS_TRIED = 32;

/** Servers by name. Owns them and their connections. */
export class Backends {
  readonly #servers = new Map<string, Server>();
  readonly #sockets = new Set<Socket>();
  /** Those of UDP. Who has the name of one of TCP has the same port. */
  readonly #udp = new Map<string, UdpSocket>();
  readonly #answers = udpBackends();

  /** Starts all of them. */
  static async start(certificates: Certificates): Promise<Backends> {
    const all = new Backends();
    try {
      await all.#start(certificates);
      return all;
    } catch (error) {
      await all.close();
      throw error;
    }
  }

  async #start({ a, b }: Certificates): Promise<void> {
    await this.#listen("web", createHttp((_, response) => response.end(greeting("web"))));
    await this.#listen("api", createHttp((_, response) => response.end(greeting("api"))));
    await this.#listen("h2c", createHttp2((_, response) => response.end(greeting("h2c"))));
    await this.#listen("site-a", createHttps(a, (_, response) => response.end(greeting("site-a"))));
    await this.#listen("site-b", createHttps(b, (_, response) => response.end(greeting("site-b"))));
    await this.#listen(
      "site-b-h2",
      createHttp2Secure(b, (_, response) => response.end(greeting("site-b-h2"))),
    );
    await this.#listen("blue", sshServer("blue"));
    await this.#listen("green", sshServer("green"));
    await this.#listen("mail", mailServer());
    await this.#listen("echo", createServer(HALF_OPEN, (socket) => socket.pipe(socket)));
    await this.#listen("socks5", socks5Server({ host: HOST, port: this.port("web") }));
    for (const { protocol, answer } of OPENINGS) {
      await this.#listen(protocol, openingServer(answer));
    }
    for (const [name, answer] of this.#answers) {
      if (!this.#udp.has(name)) await this.#bind(name, answer, 0);
    }
  }

  /** @throws {RangeError} If there is no backend of this name. */
  port(name: string): number {
    const server = this.#servers.get(name) ?? this.#udp.get(name);
    if (server === undefined) throw new RangeError(`there is no backend ${name}`);
    return (server.address() as AddressInfo).port;
  }

  /** The name of the backend that listens on `port`. */
  nameAt(port: number, transport: Transport): string | undefined {
    const servers = transport === "tcp" ? this.#servers : this.#udp;
    return [...servers.keys()].find((name) => this.port(name) === port);
  }

  /** How many there are; one that serves both transports counts twice. */
  get count(): number {
    return this.#servers.size + this.#udp.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const socket of this.#udp.values()) socket.close();
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
    const answer = this.#answers.get(name);
    for (let tried = 1;; tried++) {
      server.listen(0, HOST);
      await once(server, "listening");
      this.#servers.set(name, server);
      if (answer === undefined) return;
      try {
        return await this.#bind(name, answer, this.port(name));
      } catch (error) {
        if (tried === PORTS_TRIED) throw error;
        server.close();
        await once(server, "close");
      }
    }
  }

  /** @throws {Error} If the port is taken. */
  async #bind(name: string, answer: Answer, port: number): Promise<void> {
    const socket = createUdp("udp4");
    // An answer that cannot be sent is lost, as others are on their way.
    socket.on("error", () => {});
    socket.on("message", (datagram, from) => {
      const answered = answer(datagram.toString("latin1"), from.port);
      if (answered === undefined) return;
      socket.send(Buffer.from(answered, "latin1"), from.port, from.address);
    });
    try {
      socket.bind(port, HOST);
      await once(socket, "listening");
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#udp.set(name, socket);
  }
}

/** A client that has said all may still be answered. */
const HALF_OPEN = { allowHalfOpen: true };

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
