/**
 * The line about an exchange, for a terminal or a program.
 *
 * ```
 * GET     /assets/app.js                   200 OK                      9.97 ms    1.2 kB
 * ```
 *
 * @module
 */
import { json } from "../../log_text.ts";
import type { Exchange } from "./exchange.ts";

export interface LineStyle {
  /** How wide the terminal is; absent where there is none: then nothing is cut. */
  readonly columns?: number;
  readonly hasColour: boolean;
}

/** Widths of the columns; the target's is what is left, or what it is without a terminal. */
const METHOD = 7;
const DURATION = 8;
const SIZE = 8;
const TARGET = { least: 12, usual: 40 };
/** "500 Internal Server Error", or the number alone where there is no room for words. */
const STATUS = { words: 25, number: 3, from: 80 };

/** A line for people, without its end. Whatever a visitor sent, it is one line, and no terminal obeys it. */
export function exchangeLine(exchange: Exchange, { columns, hasColour }: LineStyle): string {
  const { method, target } = exchange.request;
  const statusWidth = columns === undefined || columns >= STATUS.from
    ? STATUS.words
    : STATUS.number;
  const left = (columns ?? 0) - (METHOD + statusWidth + DURATION + SIZE + 2 * 4);
  const targetWidth = columns === undefined ? TARGET.usual : Math.max(left, TARGET.least);
  const visible = visibly(target);
  const status = cut(visibly(statusOf(exchange)), statusWidth, "end");
  return [
    visibly(method).padEnd(METHOD),
    (columns === undefined ? visible : cut(visible, targetWidth, "middle")).padEnd(targetWidth),
    coloured(status.padEnd(statusWidth), hasColour ? colourOf(exchange) : undefined),
    formatDuration(exchange.duration).padStart(DURATION),
    formatSize(exchange.responseBody.length).padStart(SIZE),
  ].join("  ");
}

/** A line of JSON, without its end. */
export function exchangeJson(exchange: Exchange): string {
  const { place, request, response, upgradedTo, duration } = exchange;
  return json({
    time: new Date(exchange.startedAt).toISOString(),
    endpoint: place.endpoint,
    visitor: place.visitor,
    method: request.method,
    target: request.target,
    ...response && { status: response.status },
    outcome: exchange.outcome,
    ...upgradedTo !== undefined && { upgraded_to: upgradedTo },
    ...duration !== undefined && { duration_ms: Math.round(duration * 100) / 100 },
    bytes_up: exchange.requestBody.length,
    bytes_down: exchange.responseBody.length,
  });
}

function statusOf({ outcome, response, upgradedTo }: Exchange): string {
  if (response === undefined) {
    if (outcome === "malformed") return "no HTTP";
    return upgradedTo ?? "no answer";
  }
  if (outcome === "cut_short") return `${response.status} cut short`;
  return `${response.status} ${response.reason}`.trimEnd();
}

/** Of SGR (ECMA-48 §8.3.117), by the class of the status. */
const COLOURS = ["35", "32", "36", "33", "31"];
const RED = "31";

function colourOf({ outcome, response, upgradedTo }: Exchange): string {
  if (outcome === "cut_short" || outcome === "malformed") return RED;
  if (response === undefined) return upgradedTo === undefined ? RED : COLOURS[0]!;
  return COLOURS[Math.floor(response.status / 100) - 1] ?? RED;
}

function coloured(text: string, colour: string | undefined): string {
  return colour === undefined ? text : `\x1b[${colour}m${text}\x1b[0m`;
}

/** Controls, and what is no ASCII, as `\x1b`. */
function visibly(text: string): string {
  return text.replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** At most `width` characters; of a target the beginning and the end say most. */
function cut(text: string, width: number, where: "middle" | "end"): string {
  if (text.length <= width) return text;
  // A status is told by its number.
  if (width <= STATUS.number) return /^\d+/.exec(text)?.[0] ?? "–";
  const end = where === "end" ? 0 : Math.floor((width - 1) / 3);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}

/** Three digits that count: `9.97 ms`, `1.25 s`. */
export function formatDuration(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms < 999.5) return `${digits(ms)} ms`;
  if (ms < 99_950) return `${digits(ms / 1000)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(ms / 3_600_000)} h`;
}

function digits(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** `999 B`, `1.2 kB`, `34 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let size = bytes / 1000;
  for (const unit of ["kB", "MB", "GB"]) {
    if (size < 9.95) return `${size.toFixed(1)} ${unit}`;
    if (size < 999.5) return `${size.toFixed(0)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} TB`;
}
