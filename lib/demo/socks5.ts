/**
 * SOCKS5 without authentication, both sides (RFC 1928):
 *
 * ```
 * client   u8 5 | u8 n | n methods                                                            §3
 * server   u8 5 | u8 0 no authentication
 * client   u8 5 | u8 1 connect | u8 0 | u8 1 IPv4 | 4 address | u16 port                      §4
 * server   u8 5 | u8 reply     | u8 0 | u8 1 IPv4 | 4 address | u16 port                      §6
 * ```
 *
 * @module
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
const IPV4 = 1;
const REQUEST_LENGTH = 10;
const SUCCEEDED = 0;
const NOT_ALLOWED = 2;

/** An IPv4 address and a port. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** A server that connects to `allowed` and nowhere else: the demo opens no way into other machines. */
export function socks5Server(allowed: Destination): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    serve(socket, allowed).catch(() => socket.destroy());
  });
}

async function serve(socket: Socket, allowed: Destination): Promise<void> {
  const [, count = 0] = await take(socket, 2);
  await take(socket, count);
  socket.write(Uint8Array.of(VERSION, NO_AUTHENTICATION));
  const asked = await take(socket, REQUEST_LENGTH);
  if (!request(allowed).every((byte, i) => byte === asked[i])) {
    socket.end(reply(NOT_ALLOWED));
    return;
  }
  const upstream = connect({ ...allowed, allowHalfOpen: true });
  upstream.on("error", () => socket.destroy());
  socket.on("close", () => upstream.destroy());
  await once(upstream, "connect");
  socket.write(reply(SUCCEEDED));
  socket.pipe(upstream).pipe(socket);
}

/**
 * Asks the server behind `socket` to connect it to `to`.
 * @throws {Error} If it does not.
 */
export async function socks5Connect(socket: Socket, to: Destination): Promise<void> {
  socket.write(Uint8Array.of(VERSION, 1, NO_AUTHENTICATION));
  const [, method] = await take(socket, 2);
  if (method !== NO_AUTHENTICATION) throw new Error(`it wants the method ${method}`);
  socket.write(request(to));
  const [, code] = await take(socket, REQUEST_LENGTH);
  if (code !== SUCCEEDED) throw new Error(`it answers ${code}`);
}

function request({ host, port }: Destination): Uint8Array {
  const address = host.split(".").map(Number);
  return Uint8Array.of(VERSION, CONNECT, 0, IPV4, ...address, port >> 8, port & 0xff);
}

function reply(code: number): Uint8Array {
  return Uint8Array.of(VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0);
}

/**
 * Reads exactly `length` bytes.
 * @throws {Error} If the stream ends or breaks before.
 */
async function take(socket: Socket, length: number): Promise<Uint8Array> {
  for (;;) {
    const bytes: Uint8Array | null = socket.read(length);
    if (bytes?.length === length) return bytes;
    if (bytes !== null || socket.readableEnded || socket.destroyed) {
      throw new Error("it ended early");
    }
    await once(socket, "readable");
  }
}
