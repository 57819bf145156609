/**
 * Taking the connections of a listener, until it is closed.
 *
 * @module
 */
import { formatAddress } from "./addr.ts";
import type { Log } from "./log.ts";
import { type Clock, type Conn, type Listener, NetError } from "./runtime/runtime.ts";
import type { Timeouts } from "./timeouts.ts";

/** Pauses after failures, ms: doubled up to the longest. */
const SHORTEST_PAUSE = 5;
const LONGEST_PAUSE = 1000;

export interface AcceptLoopParts {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly log: Pick<Log, "warning">;
}

/** Hands every connection to `take`, who owns it. What cannot be accepted for want of descriptors is tried again. */
export async function acceptAll(
  listener: Pick<Listener, "address" | "accept">,
  { clock, timeouts, log }: AcceptLoopParts,
  take: (conn: Conn) => void,
): Promise<void> {
  let pause = 0;
  let failed = -Infinity;
  for (;;) {
    let conn: Conn;
    try {
      conn = await listener.accept();
    } catch (error) {
      if (error instanceof NetError && error.code === "closed") return;
      // That one succeeded in between ends no shortage: it may have got the last descriptor.
      if (clock.now() - failed > 2 * LONGEST_PAUSE) {
        pause = 0;
        const why = error instanceof Error ? error.message : String(error);
        const where = formatAddress(listener.address);
        log.warning(`cannot accept connections on ${where}: ${why}; trying again`);
      }
      failed = clock.now();
      pause = Math.min(Math.max(2 * pause, SHORTEST_PAUSE), LONGEST_PAUSE);
      await new Promise<void>((resolve) => timeouts.start(pause, resolve));
      continue;
    }
    take(conn);
  }
}
