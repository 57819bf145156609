/**
 * WireGuard: each side of a session chooses an index for it, tells it in its handshake message, and is addressed by it
 * afterwards. A session is 2 or 3 minutes old when the next one begins; up to three are in use at once.
 *
 * @module
 */
import {
  FIRST_INDEX_AT,
  INDEX_LENGTH,
  SECOND_INDEX_AT,
  wireguardMessage,
} from "../../probes/wireguard.ts";
import { type Follower, NOWHERE, place } from "./follower.ts";

export const wireguard: Follower = {
  opens: (request) => wireguardMessage(request) === "initiation",

  addressed(request) {
    switch (wireguardMessage(request)) {
      case "transport":
      case "cookie":
        return place(FIRST_INDEX_AT, INDEX_LENGTH);
      case "response":
        return place(SECOND_INDEX_AT, INDEX_LENGTH);
      default:
        return NOWHERE;
    }
  },

  issued(reply) {
    switch (wireguardMessage(reply)) {
      case "initiation":
      case "response":
        return reply.subarray(FIRST_INDEX_AT, FIRST_INDEX_AT + INDEX_LENGTH);
      default:
        return undefined;
    }
  },
};
