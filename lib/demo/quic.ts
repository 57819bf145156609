/**
 * QUIC as far as somebody without keys sees of it, both sides. The client's hello is real; what follows has the headers
 * that it would have (`probes/quic_packet.ts`), and plain text where others have what is encrypted.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type ClientHelloParts, encodeClientHello } from "../client_hello_encoder.ts";
import { encodeInitials, type InitialChoice } from "../explain/quic_initial.ts";
import { greeting } from "./host.ts";
import type { Answer } from "./udp_openings.ts";
import type { UdpClient } from "./udp_wire.ts";

/** Of the connection IDs that either side chooses for the server. */
const ID_LENGTH = 8;
/** Where the first ID of a long header begins, and the second one behind it. */
const DCID_AT = 6;
const RECORD_HEADER_LENGTH = 5;

/** Connections that a server remembers before it forgets all of them. */
const MOST_CONNECTIONS = 256;

/** A server that answers in the name `name`: every hello once, and who comes with a connection ID of its own. */
export function quicServer(name: string): Answer {
  const asked = new Set<string>();
  const issued = new Set<string>();
  return (packet) => {
    if (!hasLongHeader(packet)) {
      return issued.has(packet.slice(1, 1 + ID_LENGTH))
        ? shortHeader("") + greeting(name)
        : undefined;
    }
    const [chosen, client] = connectionIds(packet);
    if (asked.has(chosen)) return undefined; // More of the hello.
    if (asked.size === MOST_CONNECTIONS) {
      asked.clear();
      issued.clear();
    }
    const own = newId();
    asked.add(chosen);
    issued.add(own);
    const start = String.fromCharCode(packet.charCodeAt(0) & 0xf0) + packet.slice(1, 5);
    return start + prefixed(client) + prefixed(own) + greeting(name);
  };
}

/** What a client says; with a post-quantum key its hello takes two datagrams. */
export type QuicHello =
  & Required<Pick<ClientHelloParts, "serverName" | "alpns">>
  & Pick<ClientHelloParts, "postQuantum">
  & Pick<InitialChoice, "version">;

/** The beginning of a connection and its going on, wherever from. */
export function quicConnection(
  said: QuicHello,
): { readonly opens: UdpClient; readonly goesOn: UdpClient } {
  let server = "";
  return {
    async opens(wire) {
      const hello = encodeClientHello(said).subarray(RECORD_HEADER_LENGTH);
      const connectionId = Buffer.from(newId(), "latin1");
      for (const initial of encodeInitials(hello, { ...said, connectionId })) {
        await wire.send(Buffer.from(initial).toString("latin1"));
      }
      const answer = await wire.next();
      const [own, id] = connectionIds(answer);
      server = id;
      return answer.slice(DCID_AT + own.length + 1 + id.length);
    },
    async goesOn(wire) {
      await wire.send(shortHeader(server) + "still there?".padEnd(24));
      return (await wire.next()).slice(1);
    },
  };
}

function hasLongHeader(packet: string): boolean {
  return packet.charCodeAt(0) >= 0x80;
}

/** Of a long header: by which the receiver is addressed, and by which the sender wants to be. */
function connectionIds(packet: string): readonly [string, string] {
  const dcidEnd = DCID_AT + packet.charCodeAt(DCID_AT - 1);
  const scidEnd = dcidEnd + 1 + packet.charCodeAt(dcidEnd);
  return [packet.slice(DCID_AT, dcidEnd), packet.slice(dcidEnd + 1, scidEnd)];
}

/** @param receiver The connection ID that the receiver chose; clients choose none. */
function shortHeader(receiver: string): string {
  return `\x40${receiver}`;
}

function prefixed(id: string): string {
  return String.fromCharCode(id.length) + id;
}

function newId(): string {
  return randomBytes(ID_LENGTH).toString("latin1");
}
