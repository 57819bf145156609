/**
 * What becomes of a connection, in one line, and why, in another.
 *
 * @module
 */
import type { CloseReason, Explanation, Outcome } from "../explain.ts";

/** Most backends that the line names when one of them is chosen. */
const MAX_NAMED = 3;

/** The outcome in one line. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "forward":
      return `→ route ${outcome.route} → ${backendText(outcome.backends)}`;
    case "close":
      return `✗ closed: ${outcome.reason}${outcome.route ? ` (route ${outcome.route})` : ""}`;
    case "wait":
      return `… undecided: ${count(outcome.bytes)} ${outcome.bytes === 1 ? "is" : "are"} needed`;
    default:
      return outcome satisfies never;
  }
}

function backendText(
  { known, targets }: Extract<Outcome, { kind: "forward" }>["backends"],
): string {
  const names = targets.map(({ target }) => target);
  if (known === "order") return names[0] ?? "";
  return names.length > MAX_NAMED ? `one of ${names.length} backends` : names.join(" or ");
}

/** Why it is so, where the routes that were tried do not say it. */
export function reasonText(explanation: Explanation): string | undefined {
  const { outcome, onTimeout, silence, facts, probes } = explanation;
  switch (outcome.kind) {
    case "forward":
      return facts === undefined && probes.length > 0 ? "no probe claims it" : undefined;
    case "close":
      return closeReason(outcome.reason, explanation);
    case "wait":
      return onTimeout &&
        `if no more comes within ${duration(silence.after)}: ${outcomeText(onTimeout)}`;
    default:
      return outcome satisfies never;
  }
}

function closeReason(
  reason: CloseReason,
  { facts, acl, proxyHeader, outcome }: Explanation,
): string {
  switch (reason) {
    case "rejected":
      return 'the route has action = "reject"';
    case "no_route":
      return facts
        ? `${facts.protocol} has entries, and none of them takes this connection`
        : "no probe claims it, and there is no default target";
    case "probe_timeout":
      return 'undecided in time, and on_probe_timeout = "close"';
    case "acl_denied": {
      const message = outcome.kind === "close" && outcome.message !== undefined
        ? `; it is told ${JSON.stringify(outcome.message)}`
        : "";
      return `the access list of the ${acl?.list} does not let this client in${message}`;
    }
    case "bad_proxy_header":
      return proxyHeader?.trusted === false
        ? "only trusted proxies may connect here, and this peer is none"
        : "it does not begin with a valid PROXY header";
    default:
      return reason satisfies never;
  }
}

/** A number of bytes. */
export function count(bytes: number): string {
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

/** @param ms Written in seconds from one second on. */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
