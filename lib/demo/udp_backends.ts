/**
 * The backends of the demo that speak UDP, as far as a client of the demo asks: each answers a datagram by one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** What a backend answers; `undefined` if nothing. */
type Answer = (request: Uint8Array) => Uint8Array | undefined;

/** By their names in the table. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  "dns-a": dnsAnswer(Uint8Array.of(192, 0, 2, 1)),
  "dns-b": dnsAnswer(Uint8Array.of(192, 0, 2, 2)),
  "h3-a": () => latin1("h3-a has read the hello\n"),
  "h3-b": () => latin1("h3-b has read the hello\n"),
  "vpn-1": wireguardAnswer(1),
  "vpn-2": wireguardAnswer(2),
  stun: stunAnswer,
  sip: () => latin1("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
  "udp-echo": (request) => request,
};

/** Starts the backend `name`; whoever gets the socket closes it. */
export async function startUdpBackend(name: string, host: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (request, { port, address }) => {
    const answer = ANSWERS[name]?.(request);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.bind(0, host);
  await once(socket, "listening");
  return socket;
}

export function latin1(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

const DNS_HEADER_LENGTH = 12;

/** A response with one address for whatever is asked (RFC 1035 §4.1). */
function dnsAnswer(address: Uint8Array): Answer {
  return (query) => {
    const [high = 0, low = 0] = query;
    const header = [high, low, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    // The name is that of the question; type A, class IN, a minute, four bytes.
    const record = [0xc0, DNS_HEADER_LENGTH, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address];
    return Uint8Array.of(...header, ...query.subarray(DNS_HEADER_LENGTH), ...record);
  };
}

/** A binding success response without attributes (RFC 8489 §5). */
function stunAnswer(request: Uint8Array): Uint8Array {
  return Uint8Array.of(0x01, 0x01, 0, 0, ...request.subarray(4, 20));
}

const INITIATION = 1;
const RESPONSE_LENGTH = 92;

/**
 * A handshake response to an initiation, and to transport data the same again. It opens none of it: to somebody without
 * the keys they look as these do.
 * @param number Of the backend; its index says it.
 */
function wireguardAnswer(number: number): Answer {
  return (message) => {
    if (message[0] !== INITIATION) {
      return Uint8Array.of(
        4,
        0,
        0,
        0,
        ...message.subarray(4, 8),
        ...latin1(`vpn-${number}`.padEnd(24, "\0")),
      );
    }
    const response = new Uint8Array(RESPONSE_LENGTH);
    response.set([2, 0, 0, 0, ...vpnIndex(number), ...message.subarray(4, 8)]);
    return response;
  };
}

/** By which clients address the backend vpn-`number` after the handshake. */
export function vpnIndex(number: number): Uint8Array {
  return Uint8Array.of(number, 0xde, 0x30, 0x0a);
}
