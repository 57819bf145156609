/**
 * How the demo's table looks.
 *
 * @module
 */
import type { ConnectionRecord } from "../access_log.ts";
import type { Backends } from "./backends.ts";
import { PROBE_TIMEOUT } from "./config.ts";

/** Colour, or the text as it is. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** Where the demo is shown. */
export interface Screen {
  readonly style: Style;
  readonly print: (text: string) => void;
}

/** @param colour Whether the output is a terminal that shows it. */
export function styleFor(colour: boolean): Style {
  const style = (code: number) => (text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { strong: style(1), faint: style(2), good: style(32), bad: style(31) };
}

/** A tick or a cross. */
export function mark(right: boolean, { good, bad }: Style): string {
  return right ? good("✔") : bad("✘");
}

/** Widths in characters; the negative ones are aligned to the right. */
const WIDTHS = [22, 26, 10, 16, -7, -5, -5];

export function headLine(first: string, { faint }: Style): string {
  const titles = [first, "detected: name, ALPN", "route", "backend", "routed", "up", "down"];
  return faint(`   ${columns(titles)}\n`);
}

/**
 * A connection as a line.
 * @param first What stands in the first column.
 */
export function connectionLine(
  first: string,
  record: ConnectionRecord,
  backends: Pick<Backends, "nameAt">,
): string {
  const { protocol, serverName, host, dnsName, alpns, route, reason, up, down, timeToRoute } =
    record;
  const seen = [protocol, serverName ?? host ?? dnsName, alpns?.join(",")].filter((part) => part);
  const unseen = (timeToRoute ?? 0) < PROBE_TIMEOUT ? "unknown" : "nothing in time";
  return columns([
    first,
    seen.join("  ") || unseen,
    route ?? "–",
    backendOf(record, backends) ?? `closed: ${reason.replaceAll("_", " ")}`,
    timeToRoute === undefined ? "–" : `${timeToRoute.toFixed(timeToRoute < 99.95 ? 1 : 0)} ms`,
    `${up}`,
    `${down}`,
  ]) + "\n";
}

function backendOf(
  { backend, transport }: ConnectionRecord,
  backends: Pick<Backends, "nameAt">,
): string | undefined {
  return backend &&
    `${backends.nameAt(backend.port, transport) ?? backend.address} :${backend.port}`;
}

function columns(cells: readonly string[]): string {
  return cells.map((cell, i) => {
    const width = WIDTHS[i] ?? 0;
    return width < 0 ? cell.padStart(-width) : cell.padEnd(width);
  }).join(" ");
}
