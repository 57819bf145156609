/**
 * What a ClientHello hides from all but its server (RFC 9849).
 *
 * @module
 */
import type { Route } from "../config/config.ts";
import { EchOpener } from "../ech/opener.ts";
import { type EchDecision, EchRoute } from "../ech/route.ts";

/**
 * Opens a hello with the keys of its route, as a connection does.
 * @param head Begins with it.
 * @returns `undefined` if the route has no keys, or nothing was hidden from it: then the hello goes as it is.
 * @throws {SyntaxError} If the keys are none; the configuration has been checked for that.
 */
export function openHidden(
  route: Route,
  head: Uint8Array,
): Exclude<EchDecision, { kind: "public" }> | undefined {
  if (route.ech === undefined) return undefined;
  const opened = new EchOpener(route.ech).open(head);
  const decision = new EchRoute(route, route.ech).decideOpened(opened);
  return decision.kind === "public" ? undefined : decision;
}
