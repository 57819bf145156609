/**
 * Protocols whose clients can be followed. The table is the only place to add one.
 *
 * @module
 */
import { dtls } from "./dtls.ts";
import type { Follower } from "./follower.ts";
import { quic } from "./quic.ts";
import { wireguard } from "./wireguard.ts";

/** By their names in the configuration; those first whose datagrams are told from others by more. */
export const followers: ReadonlyMap<string, Follower> = new Map([
  ["wireguard", wireguard],
  ["dtls", dtls],
  ["quic", quic],
]);

/**
 * By what a session is followed; `undefined`: by nothing.
 * @param protocol What decided on its route; absent where the route takes whatever comes. Then the first datagram says
 *   what it is, because also of such routes the backends may be several.
 */
export function followerOf(
  protocol: string | undefined,
  first: Uint8Array | undefined,
): Follower | undefined {
  const follower = protocol === undefined ? undefined : followers.get(protocol);
  if (follower !== undefined || first === undefined) return follower;
  return followers.values().find((each) => each.opens(first));
}
