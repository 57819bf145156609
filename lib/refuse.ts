/**
 * Closing a connection with words.
 *
 * @module
 */
import { type Conn, NetError } from "./runtime/runtime.ts";
import type { Timeouts } from "./timeouts.ts";

/** How long a client that is refused may take to read why, ms. */
const PATIENCE = 1000;
const DISCARDED_AT_ONCE = 1024;

/**
 * Sends `words` and ends the stream. To close with the client's bytes unread would reset the connection and lose them;
 * so those are read and thrown away until it ends, for a short time. The caller closes.
 */
export async function refuse(
  conn: Conn,
  words: string | Uint8Array,
  timeouts: Timeouts,
): Promise<void> {
  const limit = timeouts.start(PATIENCE, () => conn.close());
  try {
    await conn.write(typeof words === "string" ? new TextEncoder().encode(words) : words);
    await conn.closeWrite();
    const discarded = new Uint8Array(DISCARDED_AT_ONCE);
    while (await conn.read(discarded) !== null);
  } catch (error) {
    // It left, or its time is up.
    if (!(error instanceof NetError)) throw error;
  } finally {
    limit.cancel();
  }
}
