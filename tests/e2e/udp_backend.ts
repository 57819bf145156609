/**
 * A UDP backend as a process of its own, so that it can be killed: `deno run --unstable-net udp_backend.ts KIND NAME
 * PORT`. It says `listening` once it does.
 *
 * | kind | what it does |
 * |---|---|
 * | `echo` | sends back what it gets, behind its name and a space |
 * | `hear` | answers nothing, and says on standard output what it gets |
 * | `tftp` | serves one file, its name in a line, under any name, and from its own port |
 *
 * Most servers of TFTP answer from a new port (RFC 1350 §4), which no proxy of a single port can carry.
 *
 * @module
 */
type Answer = (datagram: Uint8Array, name: string) => Uint8Array | undefined;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const KINDS: Readonly<Record<string, Answer>> = { echo, hear, tftp };

if (import.meta.main) await serve(Deno.args);

async function serve([kind = "", name = "", port = ""]: readonly string[]): Promise<void> {
  const answer = KINDS[kind];
  if (answer === undefined) throw new Error(`no kind of backend: ${kind}`);
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: Number(port),
  });
  console.log("listening");
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const [datagram, from] = await socket.receive(buffer);
    const reply = answer(datagram, name);
    if (reply !== undefined) await socket.send(reply, from);
  }
}

function echo(datagram: Uint8Array, name: string): Uint8Array {
  return join(encoder.encode(`${name} `), datagram);
}

function hear(datagram: Uint8Array): undefined {
  console.log(decoder.decode(datagram));
}

/** RFC 1350 §5: a read request gets the first and only block, its acknowledgment nothing more. */
function tftp(datagram: Uint8Array, name: string): Uint8Array | undefined {
  const READ_REQUEST = 1;
  if (datagram[1] !== READ_REQUEST) return undefined;
  return join(Uint8Array.of(0, 3, 0, 1), encoder.encode(`${name}\n`));
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
