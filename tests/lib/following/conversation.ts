/**
 * What real clients and backends say to each other, kept in `conversations/`, a file each:
 *
 * ```
 * # protocol: quic
 * # made with: …
 * > c7 00 …                the start of a datagram from the client, in hex
 * < c1 00 …                and of one from the backend
 * moved                    from here on the client has another port
 * ```
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseHex } from "../../support/samples.ts";

export interface Said {
  readonly by: "client" | "backend";
  readonly datagram: Uint8Array;
}

export interface Conversation {
  readonly name: string;
  readonly protocol: string;
  /** The client's first datagram, and all else that was said before it moved. */
  readonly first: Uint8Array;
  readonly before: readonly Said[];
  /** What the client has said afterwards: at least one datagram. */
  readonly moved: readonly Uint8Array[];
}

const FOLDER = new URL("conversations/", import.meta.url);

/** Reads all of them. */
export function conversations(): Conversation[] {
  return readdirSync(FOLDER).sort().map((file) => {
    const [start = "", end = ""] = readFileSync(new URL(file, FOLDER), "utf8").split(/^moved$/m);
    const protocol = /^# protocol: (.+)$/m.exec(start)?.[1];
    const [opening, ...before] = said(start);
    const moved = said(end).map(({ datagram }) => datagram);
    if (protocol === undefined || opening?.by !== "client" || moved.length === 0) {
      throw new Error(`${file} is no conversation with a client that moves`);
    }
    return {
      name: file.slice(0, -".txt".length),
      protocol,
      first: opening.datagram,
      before,
      moved,
    };
  });
}

function said(lines: string): Said[] {
  return Array.from(lines.matchAll(/^([<>]) ([0-9a-f]+)$/gm), ([, by, hex = ""]) => ({
    by: by === ">" ? "client" : "backend",
    datagram: parseHex(hex),
  }));
}
