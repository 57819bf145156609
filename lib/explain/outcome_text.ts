/**
 * What becomes of a connection, in one line, and why, in another.
 *
 * @module
 */
import type { Explanation, Outcome } from "../explain.ts";
import { printable } from "../log_text.ts";
import { backendText, count, duration } from "./lines.ts";

/** The outcome in one line. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "forward":
      return `→ route ${outcome.route} → ${backendText(outcome.backends)}`;
    case "close":
      return `✗ closed: ${outcome.reason}${outcome.route ? ` (route ${outcome.route})` : ""}`;
    case "wait":
      return `… undecided: ${count(outcome.bytes, "byte")} ${
        outcome.bytes === 1 ? "is" : "are"
      } needed`;
    default:
      return outcome satisfies never;
  }
}

/** Why it is so, where the routes that were tried do not say it. */
export function reasonText(explanation: Explanation): string | undefined {
  const { outcome, onTimeout, silence, facts, probes } = explanation;
  switch (outcome.kind) {
    case "forward":
      return facts === undefined && probes.length > 0 ? "no probe claims it" : undefined;
    case "close":
      return closeReason(outcome, explanation);
    case "wait":
      return onTimeout &&
        `if no more comes within ${duration(silence.after)}: ${outcomeText(onTimeout)}`;
    default:
      return outcome satisfies never;
  }
}

function closeReason(
  { reason, message, detail }: Extract<Outcome, { kind: "close" }>,
  { facts, acl, proxyHeader }: Explanation,
): string {
  switch (reason) {
    case "rejected":
      return 'the route has action = "reject"';
    case "bad_client_hello":
      return `its Encrypted ClientHello cannot be taken: ${printable(detail ?? "")}`;
    case "no_route":
      if (detail !== undefined) return `what it hides leads nowhere: ${printable(detail)}`;
      return facts
        ? `${facts.protocol} has entries, and none of them takes this connection`
        : "no probe claims it, and there is no default target";
    case "probe_timeout":
      return 'undecided in time, and on_probe_timeout = "close"';
    case "acl_denied": {
      const told = message === undefined ? "" : `; it is told ${JSON.stringify(message)}`;
      return `the access list of the ${acl?.list} does not let this client in${told}`;
    }
    case "bad_proxy_header":
      return proxyHeader?.trusted === false
        ? "only trusted proxies may connect here, and this peer is none"
        : "it does not begin with a valid PROXY header";
    default:
      return reason satisfies never;
  }
}
