/**
 * Sends datagrams as fast as it can, from many ports, until it is killed: `deno run --unstable-net udp_flood.ts PORT`.
 * It says `sent` each time that it has sent 10,000. A third is noise, a third looks like QUIC and opens with no key,
 * and a third are Initials that open and begin a ClientHello that never ends.
 *
 * @module
 */
import { concat } from "../support/bytes.ts";
import { cryptoFrame, datagram, packet } from "../support/quic.ts";

const PORTS = 300;
/** Of each kind; they are sent again and again, from other ports. */
const DIFFERENT = 100;

if (import.meta.main) await flood(Number(Deno.args[0]));

async function flood(port: number): Promise<never> {
  const sockets = Array.from(
    { length: PORTS },
    () => Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
  );
  const datagrams = Array.from({ length: DIFFERENT }, () => [noise(), closed(), unfinished()]);
  const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
  for (let i = 1;; i++) {
    const kinds = datagrams[i % DIFFERENT]!;
    // A full buffer of the system's loses it; that is as good as on the way.
    await sockets[i % PORTS]!.send(kinds[i % 3]!, to).catch(() => {});
    if (i % 10_000 === 0) console.log("sent");
  }
}

/** RFC 9000 §17.2.2, with a connection ID of 8 bytes, and random where what is encrypted would be. */
function closed(): Uint8Array {
  const bytes = random(1200);
  bytes.set(concat(0xc3, 0, 0, 0, 1, 8));
  bytes.set(concat(0, 0, 0x44, 0x9e), 14);
  return bytes;
}

function unfinished(): Uint8Array {
  const hello = concat(1, 0, 2, 0, random(200));
  return datagram(packet({ dcid: random(8), frames: cryptoFrame(hello) }));
}

function noise(): Uint8Array {
  return random(1 + Math.floor(Math.random() * 1400));
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
