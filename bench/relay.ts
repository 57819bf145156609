/**
 * The least that carries datagrams between Deno's own sockets: no probe, no limit, no lifetime, no log, no error. What
 * sluice's portable path costs beyond this is its own; what this costs is Deno's.
 *
 *     deno run -A relay.ts PORT TO_PORT
 *
 * @module
 */
import { setImmediate } from "node:timers";

const LOCALHOST = "127.0.0.1";
const BUFFER = 65_536;
/** A slab is so large that of each buffer only what is written to takes memory. */
const BUFFERS = 512;
/** Datagrams between two turns for everybody else. */
const SHARE = 1024;

const [port = 0, to = 0] = Deno.args.map(Number);
const backend = { transport: "udp", hostname: LOCALHOST, port: to } as const;
const listener = listen(port);
const flows = new Map<number, Deno.DatagramConn>();
let slab = new ArrayBuffer(0);
let used = BUFFERS;
let count = 0;

relay(listener, (datagram, from) => flowOf(from).send(datagram, backend));
console.error("ready");

/** Receives again and again, and waits until what came has been sent on. */
function relay(
  socket: Deno.DatagramConn,
  forward: (datagram: Uint8Array, from: Deno.NetAddr) => Promise<number>,
): void {
  const buffer = takeBuffer();
  const receive = () => void socket.receive(buffer).then(onReceived);
  const onReceived = ([datagram, from]: [Uint8Array, Deno.Addr]) =>
    void forward(datagram, from as Deno.NetAddr).then(goOn);
  const goOn = () => ++count % SHARE === 0 ? setImmediate(receive) : receive();
  receive();
}

function flowOf(client: Deno.NetAddr): Deno.DatagramConn {
  let flow = flows.get(client.port);
  if (flow === undefined) {
    flows.set(client.port, flow = listen(0));
    const { hostname, port } = client;
    const peer = { transport: "udp", hostname, port } as const;
    relay(flow, (datagram) => listener.send(datagram, peer));
  }
  return flow;
}

function listen(port: number): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname: LOCALHOST, port });
}

function takeBuffer(): Uint8Array<ArrayBuffer> {
  if (used === BUFFERS) {
    slab = new ArrayBuffer(BUFFERS * BUFFER);
    used = 0;
  }
  return new Uint8Array(slab, used++ * BUFFER, BUFFER);
}
