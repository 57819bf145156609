/**
 * The explanation of a connection as text for a person: the verdict first, then why.
 *
 * @module
 */
import type { Explanation, Outcome } from "../explain.ts";
import { type FormatOptions, layOut, type Paint, paintFor } from "./layout.ts";
import {
  backendLines,
  clientTexts,
  count,
  duration,
  factsLines,
  listenerLines,
  probeLines,
  routeLines,
} from "./lines.ts";
import { outcomeText, reasonText } from "./outcome_text.ts";

/** Writes `explanation` in lines of text, the last one ended too. */
export function formatExplanation(explanation: Explanation, options: FormatOptions): string {
  const paint = paintFor(options);
  const { listener, head, probes, facts, routes, hidden, outcome, silence } = explanation;
  return layOut(verdictLines(explanation, paint), [
    ["listener", listenerLines(listener)],
    ["client", clientLines(explanation)],
    ["head", [headLine(head)]],
    [
      "probes",
      probeLines(
        probes,
        paint,
        ({ bytes }) => count(bytes, "byte"),
        ({ bytes }) => count(bytes, "byte"),
      ),
    ],
    ["facts", facts ? factsLines(facts) : []],
    ["routes", routeLines(routes, paint)],
    ["hidden", hidden ? factsLines(hidden) : []],
    ["backends", outcome.kind === "forward" ? backendsOf(outcome, paint) : []],
    ["silence", [silenceLine(silence)]],
  ], paint);
}

/** The first line, and why it says so. */
function verdictLines(explanation: Explanation, paint: Paint): string[] {
  const tone =
    { forward: paint.good, close: paint.bad, wait: paint.open }[explanation.outcome.kind];
  const reason = reasonText(explanation);
  return [
    paint.bold(tone(outcomeText(explanation.outcome))),
    ...reason === undefined ? [] : [`  ${reason}`],
  ];
}

function clientLines(explanation: Explanation): string[] {
  const { proxyHeader } = explanation;
  const said = [
    ...clientTexts(explanation),
    ...proxyHeader ? [proxyHeaderText(proxyHeader)] : [],
  ];
  return said.length === 0 ? [] : [said.join(" · ")];
}

function proxyHeaderText({ expected, found }: NonNullable<Explanation["proxyHeader"]>): string {
  if (!expected) {
    return "begins with a PROXY header, which this listener does not read (tcp_recv_proxy_protocol)";
  }
  if (found === undefined) return "a PROXY header must come first";
  const whose = found.source ? "names this client" : "names no client";
  return `a PROXY ${found.version} header of ${found.length} bytes ${whose}`;
}

function headLine({ bytes, state }: Explanation["head"]): string {
  const ends = {
    open: "more may come",
    ended: "then the stream ends",
    full: "which is probe_max_bytes: no more is looked at",
  };
  return `${count(bytes, "byte")}, ${ends[state]}`;
}

function backendsOf(
  { backends, sendProxy }: Extract<Outcome, { kind: "forward" }>,
  paint: Paint,
): string[] {
  const more = sendProxy === "none" ? [] : [`gets a PROXY ${sendProxy} header first`];
  return backendLines(backends, more, paint);
}

function silenceLine({ after, outcome }: Explanation["silence"]): string {
  return `${after === 0 ? "at once" : `after ${duration(after)}`}: ${outcomeText(outcome)}`;
}
