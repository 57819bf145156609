import type { ConnectionRecord } from "../../lib/access_log.ts";

/** A connection that is over, of which nothing more is known than there has to be. */
export const RECORD: ConnectionRecord = {
  time: 0,
  id: 1,
  transport: "tcp",
  listener: "default",
  client: { address: "192.0.2.7", port: 4711 },
  up: 1,
  down: 2,
  duration: 3,
  reason: "ended",
};
