/**
 * Where backends and contenders listen.
 *
 * @module
 */
import type { Ports } from "./contenders.ts";

/** Below every system's range of ephemeral ports. */
export const FIRST_PORT = 20_000;
/** Enough for the backends, and two for each contender, or three for each tunnel. */
const COUNT = 30;
export const LAST_PORT = FIRST_PORT + COUNT - 1;

/** How many blocks of ports are tried. */
const TRIES = 100;

/** A block of ports that are free. */
export function findPorts(): Ports {
  for (let first = FIRST_PORT; first < FIRST_PORT + TRIES * COUNT; first += COUNT) {
    if (!areFree(first)) continue;
    return {
      echo: first,
      source: first + 1,
      either: first + 2,
      closed: first + 3,
      first: first + 4,
    };
  }
  throw new Error(`no ${COUNT} free ports in a row from ${FIRST_PORT} on`);
}

function areFree(first: number): boolean {
  try {
    for (let port = first; port < first + COUNT; port++) {
      const at = { hostname: "127.0.0.1", port };
      Deno.listen(at).close();
      Deno.listenDatagram({ transport: "udp", ...at }).close();
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
