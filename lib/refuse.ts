/**
 * Closing a connection with words.
 *
 * @module
 */
import { type Conn, NetError } from "./runtime/runtime.ts";
import type { Timeouts } from "./timeouts.ts";

/** How long a client that is refused may take to read why, ms. */
const PATIENCE = 1000;
/** How much it may send meanwhile, bytes: a request, not a flood. */
const MAX_DISCARDED = 64 * 1024;

/** Says why a client is refused, as {@linkcode endWith}. */
export function refuse(
  conn: Conn,
  words: string | Uint8Array,
  timeouts: Timeouts,
): Promise<void> {
  return endWith(conn, words, timeouts, PATIENCE);
}

/**
 * Sends `words` and ends the stream. To close with the client's bytes unread would reset the connection and lose them;
 * so those are read and thrown away until it ends, for `patience` ms and up to a bound. The caller closes.
 */
export async function endWith(
  conn: Conn,
  words: string | Uint8Array,
  timeouts: Timeouts,
  patience: number,
): Promise<void> {
  const limit = timeouts.start(patience, () => conn.close());
  try {
    await conn.write(typeof words === "string" ? new TextEncoder().encode(words) : words);
    await conn.closeWrite();
    const into = new Uint8Array(1024);
    for (let discarded = 0; discarded < MAX_DISCARDED;) {
      const length = await conn.read(into);
      if (length == null) break;
      discarded += length;
    }
  } catch (error) {
    // It left, or its time is up.
    if (!(error instanceof NetError)) throw error;
  } finally {
    limit.cancel();
  }
}
