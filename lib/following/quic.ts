/**
 * QUIC: each side chooses the IDs by which it is addressed (RFC 9000 §5.1). The first one of a server is the source of
 * its packets with long headers, which are those of the handshake; before, the client addresses it by an ID of its own.
 * Those that it issues later are encrypted, but of the same length wherever it cannot tell the length from the ID, and
 * so they are known as soon as the client uses one.
 *
 * @module
 */
import {
  isFirstOfOtherVersion,
  isLongHeader,
  LONG_DCID_AT,
  quicHeader,
  SHORT_DCID_AT,
} from "../../probes/quic_packet.ts";
import { type Follower, NOWHERE, place } from "./follower.ts";

export const quic: Follower = {
  opens(request) {
    if (!isLongHeader(request)) return false;
    const header = quicHeader(request);
    if (header?.form !== "long") return false;
    const { type } = header;
    // 0-RTT may overtake the Initial.
    return type === "initial" || type === "0-rtt" || isFirstOfOtherVersion(request, header);
  },

  addressed(request) {
    // The fixed bit of a short header may be anything (RFC 9287).
    if (!isLongHeader(request)) return place(SHORT_DCID_AT, 0);
    const length = request[LONG_DCID_AT - 1] ?? 0;
    return length === 0 ? NOWHERE : place(LONG_DCID_AT, length);
  },

  // Coalesced packets are of one connection, and there the first one's ID is good for all (RFC 9000 §7.2, §12.2).
  issued(reply) {
    if (!isLongHeader(reply)) return undefined;
    const header = quicHeader(reply);
    // Version Negotiation only repeats the ID that the client has made up (RFC 8999 §6).
    return header?.form === "long" && header.type !== "version negotiation"
      ? header.scid
      : undefined;
  },
};
