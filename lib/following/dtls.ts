/**
 * DTLS with connection IDs (RFC 9146, RFC 9147 §9): the server tells the one by which it is addressed in its
 * ServerHello, and the client's encrypted records carry it. Those that DTLS 1.3 issues later cannot be seen.
 *
 * ```
 * 1.2        u8 25 (tls12_cid) | u8 254, u8 253 | u16 epoch | u48 sequence number | ID | u16 n | …
 * 1.3        u8 001 | 1 with ID | 1 sequence number of 16 bits | 1 with length | 2 epoch, then ID | …
 * ```
 *
 * @module
 */
import { opensHandshake, serverConnectionId } from "../../probes/dtls.ts";
import { type Follower, NOWHERE, place } from "./follower.ts";

const TLS12_CID = 25;
const TLS12_ID_AT = 11;

const UNIFIED_WITH_ID = 0b0011;
const UNIFIED_ID_AT = 1;

export const dtls: Follower = {
  opens: opensHandshake,

  addressed(request) {
    const first = request[0] ?? 0;
    if (first >> 4 === UNIFIED_WITH_ID) return place(UNIFIED_ID_AT, 0);
    const isTls12 = first === TLS12_CID && request[1] === 254 && request[2] === 253;
    return isTls12 ? place(TLS12_ID_AT, 0) : NOWHERE;
  },

  issued: serverConnectionId,
};
