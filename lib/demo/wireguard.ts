/**
 * WireGuard as far as somebody without keys sees of it, both sides: its messages have their types, lengths and indices
 * (`probes/wireguard.ts` says where), and plain text where others have what is encrypted.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { greeting } from "./host.ts";
import type { Answer } from "./udp_openings.ts";
import type { UdpClient } from "./udp_wire.ts";

const INITIATION = "\x01\0\0\0";
const RESPONSE = "\x02\0\0\0";
const TRANSPORT = "\x04\0\0\0";

const INITIATION_LENGTH = 148;
const RESPONSE_LENGTH = 92;
const COUNTER = "\0".repeat(8);
const TAG = "\0".repeat(16);
const BLOCK_LENGTH = 16;

/** Sessions that a server remembers before it forgets all of them. */
const MOST_SESSIONS = 256;

/** A server that answers in the name `name`, those only with whom it has shaken hands. */
export function wireguardServer(name: string): Answer {
  /** The client's index, by the server's own. */
  const sessions = new Map<string, string>();
  return (message) => {
    const index = message.slice(4, 8);
    if (message.startsWith(INITIATION)) {
      if (sessions.size === MOST_SESSIONS) sessions.clear();
      const own = newIndex();
      sessions.set(own, index);
      return (RESPONSE + own + index + greeting(name)).padEnd(RESPONSE_LENGTH, "\0");
    }
    const client = sessions.get(index);
    return client && transport(client, greeting(name));
  };
}

/** The beginning of a session and its going on, wherever from. */
export function wireguardSession(): { readonly opens: UdpClient; readonly goesOn: UdpClient } {
  let server = "";
  return {
    async opens(wire) {
      await wire.send((INITIATION + newIndex()).padEnd(INITIATION_LENGTH, "\0"));
      const response = await wire.next();
      server = response.slice(4, 8);
      return text(response.slice(12));
    },
    async goesOn(wire) {
      await wire.send(transport(server, "still there?"));
      return text((await wire.next()).slice(16));
    },
  };
}

function newIndex(): string {
  return randomBytes(4).toString("latin1");
}

function transport(receiver: string, text: string): string {
  const length = Math.ceil(text.length / BLOCK_LENGTH) * BLOCK_LENGTH;
  return TRANSPORT + receiver + COUNTER + text.padEnd(length, "\0") + TAG;
}

function text(padded: string): string {
  return padded.replace(/\0+$/, "");
}
