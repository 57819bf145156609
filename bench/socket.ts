/**
 * What a socket of Deno takes that is only there to receive datagrams: `deno run -A socket.ts COUNT` prints bytes for each.
 * No flow of the portable path can take less.
 *
 * @module
 */
import { ownMemory } from "./processes.ts";

/** Buffers are of no account here: this much of each is never touched. */
const BUFFER = 65_536;

async function perSocket(count: number): Promise<number> {
  const buffers = new ArrayBuffer(count * BUFFER);
  const sockets: Deno.DatagramConn[] = [];
  open();
  await settled();
  const before = ownMemory(Deno.pid);
  while (sockets.length <= count) open();
  await settled();
  return (ownMemory(Deno.pid) - before) / count;

  function open(): void {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const at = Math.max(0, sockets.push(socket) - 2) * BUFFER;
    void socket.receive(new Uint8Array(buffers, at, BUFFER));
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500));
}

if (import.meta.main) {
  console.log(await perSocket(Number(Deno.args[0])));
  Deno.exit(0);
}
