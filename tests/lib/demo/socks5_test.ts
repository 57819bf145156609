import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { type Destination, socks5Connect, socks5Server } from "../../../lib/demo/socks5.ts";

async function listening(server: Server): Promise<Destination> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

async function close(...servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => {
    server.close();
    return once(server, "close");
  }));
}

Deno.test("the SOCKS5 server of the demo connects to where it may", async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  const allowed = await listening(echo);
  const socks = socks5Server(allowed);
  const socket = connect(await listening(socks));
  await socks5Connect(socket, allowed);
  socket.end("through");
  assert.equal(String((await once(socket, "data"))[0]), "through");
  await once(socket, "close");
  await close(socks, echo);
});

Deno.test("the SOCKS5 server of the demo is no way to anywhere else", async () => {
  const socks = socks5Server({ host: "127.0.0.1", port: 1 });
  const socket = connect(await listening(socks));
  await assert.rejects(socks5Connect(socket, { host: "127.0.0.1", port: 2 }), /it answers 2/);
  socket.destroy();
  await close(socks);
});
