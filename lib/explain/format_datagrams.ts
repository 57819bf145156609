/**
 * The explanation of a client's datagrams as text for a person: the verdict first, then why.
 *
 * @module
 */
import type { DatagramExplanation, DatagramOutcome, DropReason } from "./datagrams.ts";
import { type FormatOptions, layOut, type Paint, paintFor } from "./layout.ts";
import {
  backendLines,
  backendText,
  clientTexts,
  count,
  duration,
  factsLines,
  listenerLines,
  probeLines,
  routeLines,
} from "./lines.ts";

/** Most datagrams whose lengths are listed. */
const MAX_LENGTHS = 4;

/** Writes `explanation` in lines of text, the last one ended too. */
export function formatDatagrams(
  explanation: DatagramExplanation,
  options: FormatOptions,
): string {
  const paint = paintFor(options);
  const { listener, datagrams, probes, facts, routes, outcome } = explanation;
  const client = clientTexts(explanation);
  return layOut(verdictLines(explanation, paint), [
    ["listener", listenerLines(listener)],
    ["client", client.length === 0 ? [] : [client.join(" · ")]],
    ["datagrams", [datagramsLine(datagrams)]],
    [
      "probes",
      probeLines(
        probes,
        paint,
        ({ datagrams }) => count(datagrams, "datagram"),
        () => "another datagram",
      ),
    ],
    ["facts", facts ? factsLines(facts) : []],
    ["routes", routeLines(routes, paint)],
    ["backends", outcome.kind === "forward" ? backendLines(outcome.backends, [], paint) : []],
    ["flow", outcome.kind === "forward" ? [flowLine(outcome, explanation.followed)] : []],
  ], paint);
}

/** The first line, and why it says so. */
function verdictLines(explanation: DatagramExplanation, paint: Paint): string[] {
  const { outcome } = explanation;
  const tone = { forward: paint.good, drop: paint.bad, wait: paint.open }[outcome.kind];
  const reasons = [reasonText(explanation), continuationText(explanation)];
  return [
    paint.bold(tone(outcomeText(outcome))),
    ...reasons.filter((reason) => reason !== undefined).map((reason) => `  ${reason}`),
  ];
}

function outcomeText(outcome: DatagramOutcome): string {
  switch (outcome.kind) {
    case "forward":
      return `→ route ${outcome.route} → ${backendText(outcome.backends)}`;
    case "drop":
      return `✗ dropped: ${outcome.reason}${outcome.route ? ` (route ${outcome.route})` : ""}`;
    case "wait":
      return "… undecided: another datagram is needed";
    default:
      return outcome satisfies never;
  }
}

/** Why it is so, where the routes that were tried do not say it. */
function reasonText(explanation: DatagramExplanation): string | undefined {
  const { outcome, onTimeout, facts, probes } = explanation;
  switch (outcome.kind) {
    case "forward":
      return facts === undefined && probes.length > 0 ? "no probe claims it" : undefined;
    case "drop":
      return dropReason(outcome.reason, explanation);
    case "wait":
      return onTimeout &&
        `if none comes within ${duration(onTimeout.after)}: ${outcomeText(onTimeout.outcome)}`;
    default:
      return outcome satisfies never;
  }
}

/** What goes before all this, for a datagram out of a session. */
function continuationText({ continues, followed }: DatagramExplanation): string | undefined {
  if (continues === undefined) return undefined;
  const { protocol, what, knownBy } = continues;
  const guess = `it may be a ${PROTOCOLS[protocol]} ${what}`;
  if (followed === undefined) return `${guess}; follow_clients is off, so no session is known`;
  const by = `${knownBy === undefined ? "" : `its ${knownBy} or `}the client's port`;
  return `${guess}: if its session is known, by ${by}, it goes there instead`;
}

const PROTOCOLS = { quic: "QUIC", dtls: "DTLS", wireguard: "WireGuard" } as const;

function dropReason(reason: DropReason, { facts, acl }: DatagramExplanation): string {
  switch (reason) {
    case "rejected":
      return 'the route has action = "reject"';
    case "no_route":
      return facts
        ? `${facts.protocol} has entries, and none of them takes this client`
        : "no probe claims it, and there is no default target";
    case "acl_denied":
      return `the access list of the ${acl?.list} does not let this client in`;
    default:
      return reason satisfies never;
  }
}

function datagramsLine({ lengths, state }: DatagramExplanation["datagrams"]): string {
  const listed = lengths.slice(0, MAX_LENGTHS).join(" + ");
  const all = `${listed}${lengths.length > MAX_LENGTHS ? " + …" : ""}`;
  const unit = lengths.length === 1 && lengths[0] === 1 ? "byte" : "bytes";
  const ends = {
    open: "more may come",
    full: "as many as can wait",
  };
  return `${count(lengths.length, "datagram")} of ${all} ${unit}, ${ends[state]}`;
}

function flowLine(
  { idleLifetime, replyTimeout }: Extract<DatagramOutcome, { kind: "forward" }>,
  followed: DatagramExplanation["followed"],
): string {
  const memory = followed?.memory ? `, and is remembered for ${duration(followed.memory)}` : "";
  const end = idleLifetime === 0
    ? "never ends by itself"
    : `ends after ${duration(idleLifetime)} of silence${memory}`;
  const move = replyTimeout === 0
    ? []
    : [`goes to the next backend after ${duration(replyTimeout)} without a reply`];
  return [end, ...move].join(" · ");
}
