/**
 * Whether a client would be let in, and by which list.
 *
 * @module
 */
import { type Acl, permits } from "../acl.ts";
import type { Route } from "../config/config.ts";
import type { Client } from "./client.ts";

export interface AclVerdict {
  /** Whose list it is: the route's own, else the listener's. `none` lets everybody in. */
  readonly list: "route" | "listener" | "none";
  /** Absent when the client is not known. */
  readonly permits?: boolean;
}

/** The list that decides: the most specific one. */
export function aclOf(
  listener: { readonly acl?: Acl },
  route: Route | undefined,
): Acl | undefined {
  return route?.acl ?? listener.acl;
}

/** What it says of the client. */
export function aclVerdict(
  listener: { readonly acl?: Acl },
  route: Route | undefined,
  client: Client | undefined,
): AclVerdict {
  const acl = aclOf(listener, route);
  if (acl === undefined) return { list: "none", permits: true };
  const list = route?.acl === undefined ? "listener" : "route";
  return { list, ...client && { permits: permits(acl, client.address) } };
}
