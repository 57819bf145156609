/**
 * What following a client takes of a protocol: that the backend gives each session an ID, by which the client addresses
 * it from then on, wherever it is (QUIC, DTLS: connection IDs; WireGuard: indices). None of it is kept from a protocol
 * that hides these IDs, as QUIC does with all that a backend issues later on.
 *
 * A new file here and a line in `mod.ts` is a new protocol.
 *
 * @module
 */

/**
 * A protocol's datagrams as far as they say whose they are. Nothing proves that a datagram is of the protocol. All of it
 * is asked of every datagram of a flow, so what most of them are is told by their first bytes, and nothing is allocated
 * for it.
 */
export interface Follower {
  /** Whether a client begins a session with such a datagram. */
  opens(request: Uint8Array): boolean;
  /** Where the ID is by which a client's datagram addresses its session; {@linkcode NOWHERE} if it has none. */
  addressed(request: Uint8Array): Place;
  /** The ID by which a backend's datagram wants the session to be addressed, as a view; `undefined` if it tells none. */
  issued(reply: Uint8Array): Uint8Array | undefined;
}

/** A place in a datagram: where it begins and how many bytes it has, as one number, because numbers are not allocated. */
export type Place = number;

export const NOWHERE: Place = -1;

/**
 * @param length Up to 255; 0 if the datagram does not say it: then whoever issued the ID knows.
 */
export function place(start: number, length: number): Place {
  return start << 8 | length;
}

export function startOf(place: Place): number {
  return place >> 8;
}

export function lengthOf(place: Place): number {
  return place & 0xff;
}
