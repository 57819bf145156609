/**
 * The lines that explanations of both transports have.
 *
 * @module
 */
import type { Facts } from "../../probes/probe.ts";
import { formatAddress } from "../addr.ts";
import { word } from "../log_text.ts";
import type { AclVerdict } from "./access.ts";
import type { BackendOrder, KnownOrder } from "./backends.ts";
import type { Client } from "./client.ts";
import type { Paint } from "./layout.ts";
import type { Mismatch, RouteVerdict, Verdict } from "./verdicts.ts";

/** Most backends that a line names when one of them is chosen. */
const MAX_NAMED = 3;

/** Which listener it is, where there can be a question. */
export function listenerLines(listener: string): string[] {
  return listener === "default" ? [] : [listener];
}

/** Who the client is and whether it is let in; each only where it is known. */
export function clientTexts(
  { client, acl }: { readonly client?: Client; readonly acl?: AclVerdict },
): string[] {
  return [
    ...client ? [clientText(client)] : [],
    ...acl && acl.list !== "none" ? [aclText(acl)] : [],
  ];
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

/** @param wants What a probe that is not sure says. */
export function probeLines<AnyVerdict extends Verdict>(
  probes: readonly AnyVerdict[],
  paint: Paint,
  after: (verdict: AnyVerdict) => string,
  wants: (verdict: AnyVerdict) => string,
): string[] {
  if (probes.length === 0) return ["none: there is one answer for all"];
  const widest = Math.max(...probes.map(({ protocol }) => protocol.length));
  const marks = { match: paint.good("✓"), no: paint.dim("✗"), need: paint.open("…") };
  return probes.map((probe) => {
    const when = probe.byEnd ? "now that no more comes" : `after ${after(probe)}`;
    const said = {
      match: `match ${when} → ${probe.routes.join(", ")}`,
      no: `no ${when}`,
      need: `needs ${wants(probe)}`,
    }[probe.verdict];
    const line = `${probe.protocol.padEnd(widest)}  ${said}`;
    return probe.asked ? `${marks[probe.verdict]} ${line}` : paint.dim(`· ${line}, not asked`);
  });
}

/** What a client said is written as in the log, so that a terminal obeys nothing in it. */
export function factsLines({ serverName, alpns, host, details = {} }: Partial<Facts>): string[] {
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

export function routeLines(verdicts: readonly RouteVerdict[], paint: Paint): string[] {
  const widest = Math.max(...verdicts.map(({ route }) => route.length));
  return verdicts.map((verdict) => {
    const name = verdict.route.padEnd(widest);
    switch (verdict.verdict) {
      case "wins":
        return `${paint.good("✓")} ${name}  takes it`;
      case "later":
        return paint.dim(`· ${name}  would take it too, but comes later`);
      case "mismatch":
        return `${paint.dim("✗")} ${name}  wants ${WANTED[verdict.on]} ${
          list(verdict.wanted)
        }; got ${list(verdict.got)}`;
      default:
        return verdict satisfies never;
    }
  });
}

/** The backends in one line. */
export function backendText({ known, targets }: BackendOrder): string {
  const names = targets.map(({ target }) => target);
  if (known === "order") return names[0] ?? "";
  return names.length > MAX_NAMED ? `one of ${names.length} backends` : names.join(" or ");
}

/**
 * The backends in a line each.
 * @param more What else there is to say of them.
 */
export function backendLines(order: BackendOrder, more: readonly string[], paint: Paint): string[] {
  const { targets, known, attempts } = order;
  const isWeighted = targets.some(({ weight }) => weight !== targets[0]?.weight);
  const widest = Math.max(...targets.map(({ target }) => target.length));
  const lines = targets.map(({ target, weight }, at) => {
    const place = targets.length === 1 ? "" : known === "order" ? `${at + 1}. ` : "- ";
    return place + (isWeighted ? `${target.padEnd(widest)}  weight ${weight}` : target);
  });
  const notes = [
    ...targets.length === 1 ? [] : [orderText(order), triesText(targets.length, attempts)],
    ...more,
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
    connection_id: "by the connection ID that the client makes up",
    names: "by the client and the addresses behind the names",
  };
  return `${algorithm}: ${why[known]}`;
}

function triesText(targets: number, attempts: number): string {
  const tried = Math.min(targets, attempts);
  return tried === 1 ? "one is tried" : `up to ${tried} are tried`;
}

/** Some of a thing whose plural takes an s. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** @param ms Written in seconds from one second on. */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
