/**
 * The clients of the demo. Each speaks its protocol over a connection to the proxy, and says what it heard.
 *
 * @module
 */
import { once } from "node:events";
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Destination, socks5Connect } from "./socks5.ts";

/**
 * Uses `wire` to its end.
 * @returns What the backend answered, one character a byte.
 * @throws {Error} If it did not.
 */
export type Client = (wire: Socket) => Promise<string>;

/** HTTP/1.1. */
export function http1(host: string): Client {
  return async (wire) => {
    const headers = { host, connection: "close" };
    const asked = request({ createConnection: () => wire, headers });
    asked.end();
    const [response] = await once(asked, "response");
    return await readAll(response);
  };
}

/** HTTP/2, whose beginning both sides know beforehand or have agreed on by ALPN. */
export const http2: Client = async (wire) => {
  // Under TLS nobody but the backend sees the name, which answers whatever it is called.
  const session = connectHttp2("http://h2.demo", { createConnection: () => wire });
  session.on("error", ignore);
  const answer = await readAll(session.request({ ":path": "/" }));
  session.close();
  await once(session, "close");
  if (!wire.closed) await once(wire, "close");
  return answer;
};

/** `client` over TLS to `name`, whose certificate must be `trusted` (PEM). */
export function overTls(
  name: string,
  alpns: readonly string[],
  trusted: string,
  client: Client,
): Client {
  return async (wire) => {
    const secured = connectTls({
      socket: wire,
      servername: name,
      ALPNProtocols: [...alpns],
      ca: trusted,
    });
    await once(secured, "secureConnect");
    secured.on("error", ignore);
    return await client(secured);
  };
}

/** `client` through the SOCKS5 server that answers. */
export function throughSocks5(to: Destination, client: Client): Client {
  return async (wire) => {
    await socks5Connect(wire, to);
    return await client(wire);
  };
}

/** Says `opening`, waits for an answer, and ends. */
export function asks(opening: string): Client {
  return (wire) => {
    wire.write(opening, "latin1");
    return listens("")(wire);
  };
}

/** Says nothing before the server has spoken, then `farewell`, and ends. */
export function listens(farewell: string): Client {
  return async (wire) => {
    let heard = "";
    for await (const chunk of wire.setEncoding("latin1")) {
      if (heard === "") wire.end(farewell);
      heard += chunk;
    }
    return heard;
  };
}

/** Says all of it and ends: there will be no answer. */
export function tells(message: string): Client {
  return (wire) => {
    wire.end(message, "latin1");
    return readAll(wire);
  };
}

/** For errors that reach whoever reads by another way too. */
function ignore(): void {}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  stream.setEncoding("latin1");
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}
