/**
 * An explanation as text for a person: the verdict first, then why.
 *
 * @module
 */
import type { Facts } from "../../probes/probe.ts";
import { formatAddress } from "../addr.ts";
import type { AclVerdict, Explanation, Outcome } from "../explain.ts";
import { word } from "../log_text.ts";
import type { BackendOrder, Client, KnownOrder } from "./backends.ts";
import { count, duration, outcomeText, reasonText } from "./outcome_text.ts";
import type { Mismatch, ProbeVerdict, RouteVerdict } from "./verdicts.ts";

export interface FormatOptions {
  /** Whether to use the colours of a terminal. */
  readonly colour: boolean;
}

/** Writes `explanation` in lines of text, the last one ended too. */
export function formatExplanation(explanation: Explanation, { colour }: FormatOptions): string {
  const paint = colour ? COLOURS : PLAIN;
  const sections: ReadonlyArray<readonly [label: string, lines: readonly string[]]> = [
    ["listener", explanation.listener === "default" ? [] : [explanation.listener]],
    ["client", clientLines(explanation)],
    ["head", [headLine(explanation)]],
    ["probes", probeLines(explanation.probes, paint)],
    ["facts", explanation.facts ? factsLines(explanation.facts) : []],
    ["routes", explanation.routes.map((route) => routeLine(route, explanation.routes, paint))],
    ["backends", backendLines(explanation.outcome, paint)],
    ["silence", [silenceLine(explanation.silence)]],
  ];
  const rows = sections.flatMap(([label, lines]) =>
    lines.map((line, at) => `${paint.dim((at === 0 ? label : "").padEnd(LABEL_WIDTH))}${line}`)
  );
  return [...verdictLines(explanation, paint), "", ...rows, ""].join("\n");
}

const LABEL_WIDTH = 10;

/** Marks up a text. */
type Paint = Readonly<Record<"bold" | "dim" | "good" | "bad" | "open", (text: string) => string>>;

const PLAIN: Paint = {
  bold: (text) => text,
  dim: (text) => text,
  good: (text) => text,
  bad: (text) => text,
  open: (text) => text,
};

const COLOURS: Paint = {
  bold: (text) => `\x1b[1m${text}\x1b[22m`,
  dim: (text) => `\x1b[2m${text}\x1b[22m`,
  good: (text) => `\x1b[32m${text}\x1b[39m`,
  bad: (text) => `\x1b[31m${text}\x1b[39m`,
  open: (text) => `\x1b[33m${text}\x1b[39m`,
};

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

function clientLines({ client, acl, proxyHeader }: Explanation): string[] {
  const said = [
    ...client ? [clientText(client)] : [],
    ...acl && acl.list !== "none" ? [aclText(acl)] : [],
    ...proxyHeader ? [proxyHeaderText(proxyHeader)] : [],
  ];
  return said.length === 0 ? [] : [said.join(" · ")];
}

function clientText({ address, port = 0 }: Client): string {
  return port === 0 ? address : formatAddress({ address, port });
}

function aclText({ list, permits }: AclVerdict): string {
  const it = `the access list of the ${list}`;
  return permits === undefined
    ? `${it} will be asked`
    : `${permits ? "let in" : "refused"} by ${it}`;
}

function proxyHeaderText({ expected, found }: NonNullable<Explanation["proxyHeader"]>): string {
  if (!expected) {
    return "begins with a PROXY header, which this listener does not read (tcp_recv_proxy_protocol)";
  }
  if (found === undefined) return "a PROXY header must come first";
  const whose = found.source ? "names this client" : "names no client";
  return `a PROXY ${found.version} header of ${found.length} bytes ${whose}`;
}

function headLine({ head: { bytes, state } }: Explanation): string {
  const ends = {
    open: "more may come",
    ended: "then the stream ends",
    full: "which is probe_max_bytes: no more is looked at",
  };
  return `${count(bytes)}, ${ends[state]}`;
}

function probeLines(probes: readonly ProbeVerdict[], paint: Paint): string[] {
  if (probes.length === 0) return ["none: there is one answer for all"];
  const widest = Math.max(...probes.map(({ protocol }) => protocol.length));
  const marks = { match: paint.good("✓"), no: paint.dim("✗"), need: paint.open("…") };
  return probes.map((probe) => {
    const line = `${probe.protocol.padEnd(widest)}  ${probeText(probe)}`;
    return probe.asked ? `${marks[probe.verdict]} ${line}` : paint.dim(`· ${line}, not asked`);
  });
}

function probeText({ verdict, bytes, byEnd, routes }: ProbeVerdict): string {
  const when = byEnd ? "now that no more comes" : `after ${count(bytes)}`;
  switch (verdict) {
    case "match":
      return `match ${when} → ${routes.join(", ")}`;
    case "no":
      return `no ${when}`;
    case "need":
      return `needs ${count(bytes)}`;
    default:
      return verdict satisfies never;
  }
}

/** What a client said is written as in the log, so that a terminal obeys nothing in it. */
function factsLines({ serverName, alpns, host, details = {} }: Facts): string[] {
  const facts = [
    ...serverName === undefined ? [] : [`SNI ${word(serverName)}`],
    ...alpns === undefined ? [] : [`ALPN ${list(alpns)}`],
    ...host === undefined ? [] : [`Host ${word(host)}`],
    ...Object.entries(details).map(([name, value]) =>
      `${name} ${String(value).split(",").map(word).join(", ")}`
    ),
  ];
  return facts.length === 0 ? [] : [facts.join(" · ")];
}

function list(values: readonly string[]): string {
  return values.length === 0 ? "nothing" : values.map(word).join(", ");
}

const WANTED: Readonly<Record<Mismatch, string>> = {
  server_name: "SNI",
  host: "Host",
  dns_name: "the DNS name",
  alpn: "ALPN",
};

function routeLine(verdict: RouteVerdict, all: readonly RouteVerdict[], paint: Paint): string {
  const name = verdict.route.padEnd(Math.max(...all.map(({ route }) => route.length)));
  switch (verdict.verdict) {
    case "wins":
      return `${paint.good("✓")} ${name}  takes it`;
    case "later":
      return paint.dim(`· ${name}  would take it too, but comes later`);
    case "mismatch": {
      const what = WANTED[verdict.on];
      return `${paint.dim("✗")} ${name}  wants ${what} ${list(verdict.wanted)}; got ${
        list(verdict.got)
      }`;
    }
    default:
      return verdict satisfies never;
  }
}

function backendLines(outcome: Outcome, paint: Paint): string[] {
  if (outcome.kind !== "forward") return [];
  const { targets, known, attempts } = outcome.backends;
  const isWeighted = targets.some(({ weight }) => weight !== targets[0]?.weight);
  const widest = Math.max(...targets.map(({ target }) => target.length));
  const lines = targets.map(({ target, weight }, at) => {
    const place = targets.length === 1 ? "" : known === "order" ? `${at + 1}. ` : "- ";
    return place + (isWeighted ? `${target.padEnd(widest)}  weight ${weight}` : target);
  });
  const notes = [
    ...targets.length === 1
      ? []
      : [orderText(outcome.backends), triesText(targets.length, attempts)],
    ...outcome.sendProxy === "none" ? [] : [`gets a PROXY ${outcome.sendProxy} header first`],
  ];
  return notes.length === 0 ? lines : [...lines, paint.dim(notes.join(" · "))];
}

function orderText({ algorithm, known }: BackendOrder): string {
  const why: Record<KnownOrder, string> = {
    order: "in this order",
    turn: "each in its turn",
    chance: "a random one",
    load: algorithm === "random_two" ? "of two random ones the less loaded" : "the least loaded",
    client: `by the client's address${algorithm === "source_socket" ? " and port" : ""}`,
    names: "by the client and the addresses behind the names",
  };
  return `${algorithm}: ${why[known]}`;
}

function triesText(targets: number, attempts: number): string {
  const tried = Math.min(targets, attempts);
  return tried === 1 ? "one is tried" : `up to ${tried} are tried`;
}

function silenceLine({ after, outcome }: Explanation["silence"]): string {
  return `${after === 0 ? "at once" : `after ${duration(after)}`}: ${outcomeText(outcome)}`;
}
